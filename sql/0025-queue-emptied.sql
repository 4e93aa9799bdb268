-- When a long poll last found nothing in the object's change queue: no message that waits there is older, but for one that a call had
-- received then and did not live to delete (it is back after minutes).
alter table sfsync.lease add column queue_emptied_at timestamptz;
