-- Which conflicts a transaction has listed, for the report of its step.
create index conflict_listed on sfsync.conflict (object, created_at);
