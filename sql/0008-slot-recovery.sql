-- A recovery of the replication slot that has not come to its end: which object is compared, and how far.
create table sfsync.slot_recovery (
  slot       text primary key,
  started_at timestamptz not null default now(),
  object     text not null,
  stage      text not null check (stage in ('links', 'rows')),
  -- Id of the last link, or key of the last row, that was looked at; null: none yet.
  after      text
);
