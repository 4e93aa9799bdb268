-- Objects of which something may have been skipped: links are compared with rows, and rows with links, page by page. A row stays
-- after its comparison, as the last one that there was.
create table sfsync.comparison (
  object      text primary key,
  -- Why, as core/contracts/comparison.ts names it.
  reasons     text[] not null,
  -- Afterwards the records in Salesforce are compared, too, by a full sweep.
  records     boolean not null default false,
  ordered_at  timestamptz not null default clock_timestamp(),
  -- What transactions that are older wrote may be what was skipped: they have to be over first.
  ordered_by  xid8 not null default pg_current_xact_id(),
  -- Goes up with each order: what comes while it is worked off begins it anew.
  orders      bigint not null default 1,
  stage       text not null default 'links' check (stage in ('links', 'rows', 'records')),
  -- Id of the last link, or key of the last row, that was looked at; null: none yet.
  after       text,
  looked      bigint not null default 0,
  marked      bigint not null default 0,
  -- The execution of the full sweep that compares the records.
  swept_by    text,
  finished_at timestamptz,
  -- The execution that reports it.
  finished_by text
);

-- A recovery of the slot that had not come to its end.
insert into sfsync.comparison (object, reasons)
select distinct l.object, array['slot made anew'] from sfsync.link l where exists (select from sfsync.slot_recovery);
drop table sfsync.slot_recovery;
