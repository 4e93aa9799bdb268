-- Who tells people that deletes of the object are held: a batch of the outbound pipeline; null: nobody yet.
alter table sfsync.lease add column held_told_by text;
-- Its execution came by again, and so had told them.
alter table sfsync.lease add column held_told boolean not null default false;

-- What is held by now was told by those who held it.
update sfsync.lease l set held_told_by = 'before', held_told = true
 where exists (select from sfsync.link k where k.object = l.object and k.delete_guard = 'held');
