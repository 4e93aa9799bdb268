-- The columns of mapped fields, as they were when they were last in force. attnum (pg_attribute) distinguishes a column that was
-- dropped and added again, and so is empty, from one that was merely renamed and is called again what it was.
create table sfsync.mapped_column (
  object      text not null,
  field       text not null,
  table_oid   oid not null,
  -- null: it was not there when it was first looked for.
  attnum      integer,
  -- Since when the field is left out, because its column is gone.
  vanished_at timestamptz,
  -- The step that saw it first and reports it; tried again, it reports it again.
  seen_by     text,
  -- When the column, back and empty, last refused a value that it should be filled with.
  refused_at  timestamptz,
  -- The step that reports it.
  refusal_seen_by text,
  primary key (object, field)
);
