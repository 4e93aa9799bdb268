-- What is to be changed of a field whose type in Salesforce does not fit the mapping; null: the field is gone.
alter table sfsync.drift add column change text;
-- When a step last made sure that Salesforce is asked again; null: not since it was first seen.
alter table sfsync.drift add column asked_at timestamptz;
