-- What a full sweep has listed so far, to find the links that it has not shown. Nothing is lost with it: unlogged, and gone
-- when the sweep ends.
create unlogged table sfsync.sweep_listed (
  object        text not null,
  execution     text not null,
  salesforce_id text collate "C" not null,
  primary key (object, execution, salesforce_id)
);
