-- What the WAL streamer has confirmed, kept outside of the slot: written before the slot is confirmed, so that a slot that is further
-- was moved by another reader, and what that one got never came through.
create table sfsync.stream (
  slot              text primary key,
  -- Of the server that has the slot; null: no streamer has read it yet.
  system_identifier text,
  timeline          bigint,
  confirmed         pg_lsn not null,
  confirmed_at      timestamptz not null default clock_timestamp()
);

-- The mapped tables as the streamer or `sfsync prepare` last saw them: by oid and file, not by name. What differs now may have been
-- changed without a word in the WAL.
create table sfsync.mapped_table (
  object   text primary key,
  portrait jsonb not null,
  seen_at  timestamptz not null default clock_timestamp()
);
