-- The input of the call that has reported a conflict. null: none has yet, as where a call died after it had listed it.
alter table sfsync.conflict add column reported_by text;
update sfsync.conflict set reported_by = '';
drop index sfsync.conflict_listed;
create index conflict_reported on sfsync.conflict (object, reported_by);
