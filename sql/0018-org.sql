-- The org that this database was linked with. Ids of records mean nothing in another one, or worse: a sandbox has those of production.
create table sfsync.org (
  only_row    boolean primary key default true check (only_row),
  -- Organization id, 15 characters.
  id          text not null,
  since       timestamptz not null default now(),
  -- The org in which a read has found itself instead; null: none, or it is accepted or gone.
  other       text,
  other_since timestamptz
);
