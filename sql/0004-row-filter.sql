-- The row has been inside the object's row filter since the record lives: only such a row can leave the filter.
alter table sfsync.link add column was_inside boolean not null default false;
