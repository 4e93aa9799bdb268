-- The records that a record names, parents among them: the children of a parent are found by it before that is deleted.
-- Ids in the mapped fields, with which other texts of that form do no harm.
alter table sfsync.link add column named jsonb;
update sfsync.link l
   set named = (select jsonb_agg(value) from json_each_text(l.base) where value ~ '^[0-9A-Za-z]{15}[0-5A-Z]{3}$')
 where not l.base_deleted and l.base::text ~ '"[0-9A-Za-z]{15}[0-5A-Z]{3}"';
create index link_named on sfsync.link using gin (named) where named is not null;
