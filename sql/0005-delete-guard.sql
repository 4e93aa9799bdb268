-- The guard against delete storms. 'held': the record's delete is not sent until an operator releases it. 'passed': it has
-- been counted or released, and is not judged again.
alter table sfsync.link add column delete_guard text check (delete_guard in ('held', 'passed'));

create index link_held on sfsync.link (object) where delete_guard = 'held';

-- How many deletes were chosen lately, by the minute.
create table sfsync.chosen_delete (
  object  text not null,
  minute  timestamptz not null,
  deletes integer not null,
  primary key (object, minute)
);
