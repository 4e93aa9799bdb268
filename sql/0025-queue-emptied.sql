-- When the object's change queue was last received to its end: no message that waits there is older.
alter table sfsync.lease add column queue_emptied_at timestamptz;
