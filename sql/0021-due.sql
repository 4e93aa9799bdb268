-- What is due, apart from the links. A link is wide, and its columns that say what it is due for change with every edit: as long
-- as an index named them, each of these updates wrote a new entry into every index of the table. Now it touches none of them
-- (heap-only tuples), and what is due is found without the links that are not.
create table sfsync.due (
  object        text not null,
  salesforce_id text collate "C" not null,
  -- due: no execution has it in hand. put off: the same, but not before due_after. api, appflow: how its open push travels.
  state         text not null check (state in ('due', 'put off', 'api', 'appflow')),
  -- The oldest goes first; what was put off is as old as the end of its pause.
  due_at        timestamptz not null,
  due_after     timestamptz,
  sent_at       timestamptz,
  -- How long it has been due.
  since         timestamptz,
  primary key (salesforce_id, object)
) with (
  -- It is small, and all of it is changed all the time: entries of what is done are in the way of every look until they are removed.
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.2, autovacuum_analyze_threshold = 2000
);
create index due_next on sfsync.due (object, state, due_at, salesforce_id);

-- Written by a trigger, so that no statement can forget it.
create function sfsync.note_due() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or not (new.dirty or new.reread_due or new.push_id is not null) then
    delete from sfsync.due d where d.salesforce_id = old.salesforce_id and d.object = old.object;
  else
    insert into sfsync.due as d (object, salesforce_id, state, due_at, due_after, sent_at, since)
    values (new.object, new.salesforce_id,
            case when new.push_id is not null then coalesce(new.push_delivery, 'api')
                 when new.due_after is not null then 'put off' else 'due' end,
            coalesce(new.due_after, new.dirty_since, new.sent_at, clock_timestamp()), new.due_after, new.sent_at, new.dirty_since)
    on conflict (salesforce_id, object) do update
      set state = excluded.state, due_at = excluded.due_at, due_after = excluded.due_after, sent_at = excluded.sent_at,
          since = excluded.since;
  end if;
  return null;
end
$$;

create trigger due_when_made after insert on sfsync.link for each row
  when (new.dirty or new.reread_due or new.push_id is not null) execute function sfsync.note_due();
create trigger due_when_changed
  after update of dirty, reread_due, dirty_since, due_after, push_id, push_delivery, sent_at on sfsync.link for each row
  when ((old.dirty or old.reread_due, old.dirty_since, old.due_after, old.push_id, old.push_delivery, old.sent_at)
        is distinct from
        (new.dirty or new.reread_due, new.dirty_since, new.due_after, new.push_id, new.push_delivery, new.sent_at))
  execute function sfsync.note_due();
create trigger due_when_dropped after delete on sfsync.link for each row
  when (old.dirty or old.reread_due or old.push_id is not null) execute function sfsync.note_due();

insert into sfsync.due (object, salesforce_id, state, due_at, due_after, sent_at, since)
select object, salesforce_id,
       case when push_id is not null then coalesce(push_delivery, 'api') when due_after is not null then 'put off' else 'due' end,
       coalesce(due_after, dirty_since, sent_at, now()), due_after, sent_at, dirty_since
  from sfsync.link where dirty or reread_due or push_id is not null;
drop index sfsync.link_due;

-- New rows are few columns, and are gone when they have a record: the same in the table itself.
alter table sfsync.insertion
  add column state text generated always as (
    case when push_id is not null then 'api' when not dirty then null when due_after is not null then 'put off' else 'due' end) stored,
  add column due_at timestamptz generated always as (coalesce(due_after, dirty_since, sent_at)) stored;
drop index sfsync.insertion_due;
create index insertion_next on sfsync.insertion (object, state, due_at, id) where state is not null;

-- Lookups that wait, by the parent that they wait for: one that lands asks for its children, and not the children for it.
create table sfsync.waiting (
  object        text not null,
  field         text not null,
  parent_id     text collate "C" not null,
  -- The child.
  salesforce_id text collate "C" not null,
  primary key (object, field, parent_id, salesforce_id)
);

create function sfsync.note_waiting() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from sfsync.waiting w using jsonb_each_text(old.waiting) as x (field, parent_id)
     where w.object = old.object and w.field = x.field and w.parent_id = x.parent_id and w.salesforce_id = old.salesforce_id;
  end if;
  if tg_op <> 'DELETE' then
    insert into sfsync.waiting (object, field, parent_id, salesforce_id)
    select new.object, x.field, x.parent_id, new.salesforce_id from jsonb_each_text(new.waiting) as x (field, parent_id)
     where x.parent_id is not null on conflict do nothing;
  end if;
  return null;
end
$$;

create trigger waiting_when_made after insert on sfsync.link for each row
  when (new.waiting <> '{}') execute function sfsync.note_waiting();
create trigger waiting_when_changed after update of waiting on sfsync.link for each row
  when (old.waiting <> new.waiting) execute function sfsync.note_waiting();
create trigger waiting_when_dropped after delete on sfsync.link for each row
  when (old.waiting <> '{}') execute function sfsync.note_waiting();

insert into sfsync.waiting (object, field, parent_id, salesforce_id)
select l.object, x.field, x.parent_id, l.salesforce_id
  from sfsync.link l cross join lateral jsonb_each_text(l.waiting) as x (field, parent_id)
 where l.waiting <> '{}' and x.parent_id is not null;
drop index sfsync.link_waiting;

-- Without links nothing is due, and nothing waits. (No other trigger sees that a table is emptied as a whole.)
create function sfsync.note_no_links() returns trigger language plpgsql as $$
begin
  delete from sfsync.due;
  delete from sfsync.waiting;
  return null;
end
$$;
create trigger no_links after truncate on sfsync.link execute function sfsync.note_no_links();

-- All links of an object in the order of their records, from any place on. The object is written as an expression, so that the
-- index is never taken where a link is looked for by another key: it would then read all links of the object.
create index link_of_object on sfsync.link ((object || ''), salesforce_id);
update sfsync.comparison set after = null where stage = 'links' and finished_at is null;

-- Rejects by whatever is known of them; what is closed is in no step's way. Each condition lets in one kind of search: with statistics
-- of an empty table the planner would take any index that it may.
drop index sfsync.rejected_record_open;
create index rejected_record_open on sfsync.rejected_record (salesforce_id, object) where resolved_at is null and salesforce_id is not null;
create index rejected_record_row on sfsync.rejected_record (row_key, object) where resolved_at is null and row_key is not null;
create index rejected_record_line on sfsync.rejected_record (source, line) where resolved_at is null and salesforce_id is null and line is not null;
create index rejected_record_code on sfsync.rejected_record (code, object)
  where resolved_at is null and code in ('UNREADABLE_VALUE', 'CHILDREN_EXIST');
create index rejected_record_in_order on sfsync.rejected_record (id) where coalesce(resolved_at, 'infinity') = 'infinity';
create index conflict_in_order on sfsync.conflict (id) where resolved_at is null;
