-- The input of the call that has reported a conflict. null: none has yet, as where a call died after it had listed it.
alter table sfsync.conflict add column reported_by text;
update sfsync.conflict set reported_by = '';
drop index sfsync.conflict_listed;
create index conflict_reported on sfsync.conflict (object, reported_by) where reported_by is not null;
-- Those of an execution, and those that were left. Neither begins with the object: with poor statistics either would be taken for all of its conflicts.
create index conflict_of_execution on sfsync.conflict (execution, object) where reported_by is null;
create index conflict_left on sfsync.conflict (created_at, object) where reported_by is null;
