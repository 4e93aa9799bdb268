-- Every inbound record changes its link. With half of each page free the new version finds room beside the old one and
-- no index is touched (heap-only tuples). The base is only read and written whole, and json costs a third of what jsonb
-- does there.
alter table sfsync.link set (fillfactor = 50), alter column base type json using base::json;

-- A key is looked up with its object. While both indexes began with the object, either could be taken for either key,
-- and with statistics of an empty table the wrong one was: it then read all links of the object.
alter table sfsync.link
  drop constraint link_object_salesforce_id_key, add unique (salesforce_id, object),
  drop constraint link_object_row_key_key, add unique (row_key, object);
