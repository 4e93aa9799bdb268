-- What the writes of sfsync have left in a row's lock version and time of change, and the values that they have replaced; null: nothing.
alter table sfsync.link add column written jsonb;
