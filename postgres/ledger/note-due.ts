/**
 * Updates of links that write `sfsync.due` set by set. The trigger does it link by link, for whatever statement changes one, and
 * at fifty times the cost of a link in a set; within these statements it is told that there is nothing for it to do.
 */
import { query, type Session } from '../session/connection.ts';

/** Ends with the transaction; outside of one it is not set at all, and the trigger does what was done already. */
const NOTED = (is: 'on' | '') => `select set_config('sfsync.due_is_noted', '${is}', true)`;

const IS_DUE = '(c.dirty or c.reread_due or c.push_id is not null)';

/** Runs `update`, an update of `sfsync.link l`. Answers how many links it changed. */
export async function updateNoting(session: Session, update: string, values: unknown[]): Promise<number> {
  const sql = `with changed as (${update}
       returning l.object, l.salesforce_id, l.dirty, l.reread_due, l.push_id, l.push_delivery, l.due_after, l.dirty_since, l.sent_at),
     noted as (
       insert into sfsync.due as d (object, salesforce_id, state, due_at, due_after, sent_at, since)
       select c.object, c.salesforce_id,
              case when c.push_id is not null then coalesce(c.push_delivery, 'api') when c.due_after is not null then 'put off' else 'due' end,
              coalesce(c.due_after, c.dirty_since, c.sent_at, clock_timestamp()), c.due_after, c.sent_at, c.dirty_since
         from changed c where ${IS_DUE}
       on conflict (salesforce_id, object) do update
         set state = excluded.state, due_at = excluded.due_at, due_after = excluded.due_after, sent_at = excluded.sent_at,
             since = excluded.since),
     done as (
       delete from sfsync.due d using changed c
        where d.salesforce_id = c.salesforce_id and d.object = c.object and not ${IS_DUE})
     select count(*)::int as links from changed`;
  await query(session, NOTED('on'));
  const { rows } = await query<{ links: number }>(session, sql, values);
  // After a statement that failed the rollback takes it back.
  await query(session, NOTED(''));
  return rows[0]?.links ?? 0;
}
