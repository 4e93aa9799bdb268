-- Fields of the mapping that a read of Salesforce did not get: they are left out, in both directions, until a read gets them
-- again. closed_at: it is back. seen_by: the step that saw it first and reports it; tried again, it reports it again.
create table sfsync.drift (
  object     text not null,
  field      text not null,
  seen_by    text not null,
  first_seen timestamptz not null default now(),
  closed_at  timestamptz,
  primary key (object, field)
);
