-- What a field means: the type, direction and parent of its mapping, and the name of its column. null: of a release before this one.
alter table sfsync.mapped_column add column meaning jsonb;
alter table sfsync.mapped_column add column column_name text;
-- Since when the mapping is without the field.
alter table sfsync.mapped_column add column left_at timestamptz;
-- A field that is new in the mapping, is back or means something else: all records are brought in, part by part. forgetting: what
-- both sides last agreed on is taken out of the links, and the field is left out until then; lacking, all: records whose link lacks
-- it, or all of them, are read; told: done, and to be reported. null: the field has joined.
alter table sfsync.mapped_column add column joining text check (joining in ('forgetting', 'lacking', 'all', 'told'));
-- Salesforce id of the last link that was looked at; null: none yet.
alter table sfsync.mapped_column add column join_after text collate "C";
-- Records that were made due to be read.
alter table sfsync.mapped_column add column join_records bigint not null default 0;

-- Objects as they were last mapped: what of them concerns all rows.
create table sfsync.mapped_object (
  object  text primary key,
  filter  text,
  -- Since when the configuration is without the object.
  left_at timestamptz
);

-- Texts that PostgreSQL cannot store were kept as escapes, in a document that no statement could look into. The row holds the
-- replacement character for half of a surrogate pair, which only UTF-8 has. An escaped backslash before it is none of it.
update sfsync.link
   set base = regexp_replace(base::text, '(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})', '\1' || chr(case when getdatabaseencoding() = 'UTF8' then 65533 else 63 end), 'g')::json
 where base::text ~ '\\u(0000|d[89a-f][0-9a-f]{2})';
