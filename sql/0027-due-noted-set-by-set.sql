-- A statement that writes sfsync.due set by set says so for itself (sfsync.due_is_noted): the trigger has nothing to do then.
create or replace trigger due_when_changed
  after update of dirty, reread_due, dirty_since, due_after, push_id, push_delivery, sent_at on sfsync.link for each row
  when ((old.dirty or old.reread_due, old.dirty_since, old.due_after, old.push_id, old.push_delivery, old.sent_at)
        is distinct from
        (new.dirty or new.reread_due, new.dirty_since, new.due_after, new.push_id, new.push_delivery, new.sent_at)
        and current_setting('sfsync.due_is_noted', true) is distinct from 'on')
  execute function sfsync.note_due();
