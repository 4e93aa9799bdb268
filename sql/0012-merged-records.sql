-- The record that a deleted one was merged into: its children are there now.
alter table sfsync.link add column merged_into text collate "C";
create index link_merged on sfsync.link (object) where merged_into is not null;
