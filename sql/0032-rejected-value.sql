-- The value for which a record was rejected, where sync.config.ts has nothing for it: shown here, and nowhere else.
alter table sfsync.rejected_record add column value text;
