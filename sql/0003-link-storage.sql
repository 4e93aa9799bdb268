-- Every inbound record changes its link. With half of each page free the new version finds room beside the old one and
-- no index is touched (heap-only tuples). The base is only read and written whole, and json costs a third of what jsonb
-- does there.
alter table sfsync.link set (fillfactor = 50), alter column base type json using base::json;
