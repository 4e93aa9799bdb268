-- The batch of the outbound pipeline that reports that deletes of the object are held; null: none yet.
alter table sfsync.lease add column held_told_by text;
-- The execution of that batch has collected again since, and so had reported them.
alter table sfsync.lease add column held_told boolean not null default false;

-- What is held by now was reported by the executions that held it.
update sfsync.lease l set held_told_by = 'before', held_told = true
 where exists (select from sfsync.link k where k.object = l.object and k.delete_guard = 'held');
