-- A field that has another API name than before (`formerly`): the name under which links have what both sides last agreed on, until
-- they were all gone through. It is kept after that, for a deployment that is taken back.
alter table sfsync.mapped_column add column formerly text;
-- renaming: what links know under the former name is put under the new one; the field is left out until then.
alter table sfsync.mapped_column drop constraint mapped_column_joining_check,
  add constraint mapped_column_joining_check check (joining in ('forgetting', 'renaming', 'lacking', 'all', 'told'));
