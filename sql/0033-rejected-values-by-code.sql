-- Records with a value that cannot be read, or has no counterpart, are looked for by these codes.
drop index sfsync.rejected_record_code;
create index rejected_record_code on sfsync.rejected_record (code, object)
  where resolved_at is null and code in ('UNREADABLE_VALUE', 'CHILDREN_EXIST', 'VALUE_NOT_MAPPED', 'VALUE_NOT_CONVERTED');
