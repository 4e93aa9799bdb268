-- What cannot be worked on now keeps its place and waits: not before `due_after`, and longer with each of the `retries`.
alter table sfsync.link add column due_after timestamptz, add column retries integer not null default 0;
alter table sfsync.insertion add column due_after timestamptz, add column retries integer not null default 0;
-- The same for all records of an object, where Salesforce takes none.
alter table sfsync.lease add column due_after timestamptz, add column retries integer not null default 0;
