-- The sfsync schema: one link per pair of record and row, and what people have to look at. Values of both systems are
-- kept here and nowhere else but in the two systems and the encrypted bucket.
create schema if not exists sfsync;

create table sfsync.link (
  id              bigint generated always as identity primary key,
  object          text not null,
  -- Ids differ by letter case, so the order and equality of bytes is the right one.
  salesforce_id   text collate "C" not null check (length(salesforce_id) = 18),
  -- The text output of the key column; null while no row has been made for the record.
  row_key         text,
  -- What Salesforce last held, canonical values by field name; null until a version was merged.
  base            jsonb,
  base_deleted    boolean,
  high_water      timestamptz,
  revision        bigint not null default 0,
  dirty           boolean not null default false,
  dirty_since     timestamptz,
  applied_at      timestamptz,
  reread_due      boolean not null default false,
  -- Lookups whose parent has no row yet: field -> id of the parent.
  waiting         jsonb not null default '{}',
  -- The open push; push_id is null when there is none.
  push_id         text,
  sent_at         timestamptz,
  push_delivery   text,
  sent            jsonb,
  sent_deleted    boolean,
  seen            jsonb,
  -- Values that Salesforce refused and that have not changed since.
  refused         jsonb not null default '{}',
  refused_deleted boolean,
  unique (object, salesforce_id),
  unique (object, row_key)
);

-- What Collect changes asks: which links of the object have something to do, oldest first.
create index link_due on sfsync.link (object, dirty_since) where dirty or push_id is not null or reread_due;
create index link_waiting on sfsync.link (object) where waiting <> '{}';

create table sfsync.lease (
  object             text primary key,
  -- ARN of the execution that works on the object.
  execution          text,
  taken_at           timestamptz,
  circuit            text not null default 'closed' check (circuit in ('closed', 'open')),
  circuit_changed_at timestamptz,
  circuit_reason     text,
  probed_at          timestamptz
);

-- The whole row of a record that was deleted in Salesforce, so that an undelete brings back every column.
create table sfsync.tombstone (
  object        text not null,
  salesforce_id text collate "C" not null,
  row_key       text,
  "row"         jsonb not null,
  deleted_at    timestamptz not null default now(),
  primary key (object, salesforce_id)
);

create table sfsync.conflict (
  id               bigint generated always as identity primary key,
  object           text not null,
  salesforce_id    text collate "C" not null,
  row_key          text,
  -- null: the record as a whole, a delete against an edit.
  field            text,
  reason           text not null,
  base             jsonb,
  salesforce_value jsonb,
  postgres_value   jsonb,
  winner           text not null,
  execution        text,
  created_at       timestamptz not null default now(),
  resolved_at      timestamptz
);

create index conflict_open on sfsync.conflict (object, salesforce_id) where resolved_at is null;

create table sfsync.rejected_record (
  id            bigint generated always as identity primary key,
  object        text not null,
  -- null where not even the id could be read.
  salesforce_id text collate "C",
  row_key       text,
  field         text,
  direction     text not null check (direction in ('to-postgres', 'to-salesforce')),
  -- The S3 key or batch that the record came in, and its line there.
  source        text,
  line          integer,
  code          text not null,
  reason        text not null,
  execution     text,
  created_at    timestamptz not null default now(),
  resolved_at   timestamptz
);

create index rejected_record_open on sfsync.rejected_record (object, salesforce_id) where resolved_at is null;

create table sfsync.sweep (
  object      text primary key,
  swept_until timestamptz
);

create table sfsync.migration (
  name       text primary key,
  applied_at timestamptz not null default now()
);
