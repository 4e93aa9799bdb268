-- deleteRecord 'hard': our delete has been verified by the read-back, and the record has to be emptied from the recycle bin.
alter table sfsync.link add column purge_due boolean not null default false;
