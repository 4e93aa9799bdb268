-- New rows on their way to becoming records. From the moment the record is known there is a link instead.
create table sfsync.insertion (
  id          bigint generated always as identity primary key,
  object      text not null,
  -- The text output of the key column; the value of the external id in Salesforce.
  row_key     text not null,
  -- Goes up when a record that names the row was passed over.
  revision    bigint not null default 0,
  -- The row has to be looked at. Neither dirty nor open: it waits for its parent, or was refused.
  dirty       boolean not null default true,
  dirty_since timestamptz default clock_timestamp(),
  -- The open upsert; push_id is null when there is none.
  push_id     text,
  sent_at     timestamptz,
  sent        jsonb,
  -- What Salesforce refused; null: nothing.
  refused     jsonb,
  unique (row_key, object)
);

create index insertion_due on sfsync.insertion (object, dirty_since) where dirty or push_id is not null;
