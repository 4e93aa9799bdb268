/** The guard against delete storms, in the database: what was chosen lately, what is held, and its release. */
import type pg from 'pg';
import { held, isGuarded, isStorm, passed } from '../core/agreement/delete-guard.ts';
import type { Decision } from '../core/agreement/outbound.ts';
import { executionName } from '../core/contracts/storage-layout.ts';
import { NEWEST_LIVE } from '../postgres/ledger/due.ts';
import { markLinksDue } from '../postgres/ledger/mark-due.ts';
import { inTransaction, query, type Session } from '../postgres/session/connection.ts';
import type { StepContext } from './step.ts';

/**
 * Judges the deletes among the decisions, all of them alike, and answers the decisions as they are carried out. Runs in the
 * transaction that writes them down.
 */
export async function guardDeletes<T extends { readonly decision: Decision }>(
  { session, mapping }: StepContext,
  decided: readonly T[],
): Promise<T[]> {
  const { deleteGuard: guard, object } = mapping;
  const deletes = decided.filter(({ decision }) => isGuarded(mapping, decision)).length;
  if (guard === undefined || deletes === 0) return [...decided];
  const chosen = await countChosen(session, object, deletes, guard.windowMinutes);
  const storm = await isStorm(guard, chosen, () => liveRecords(session, object));
  return decided.map((each) => {
    const { decision } = each;
    if (!isGuarded(mapping, decision)) return each;
    return { ...each, decision: storm ? held(decision) : passed(decision) };
  });
}

/** Counts deletes in. Answers how many were chosen within the window. */
async function countChosen(session: Session, object: string, deletes: number, windowMinutes: number): Promise<number> {
  await query(
    session,
    `insert into sfsync.chosen_delete as c (object, minute, deletes)
     values ($1, date_trunc('minute', clock_timestamp()), $2)
     on conflict (object, minute) do update set deletes = c.deletes + excluded.deletes`,
    [object, deletes],
  );
  await query(
    session,
    'delete from sfsync.chosen_delete where object = $1 and minute < clock_timestamp() - make_interval(mins => $2)',
    [object, windowMinutes],
  );
  const sql = 'select sum(deletes)::int as chosen from sfsync.chosen_delete where object = $1';
  const { rows } = await query<{ chosen: number }>(session, sql, [object]);
  return rows[0]?.chosen ?? deletes;
}

async function liveRecords(session: Session, object: string): Promise<number> {
  const sql = 'select count(*)::int as records from sfsync.link where object = $1 and not base_deleted';
  return (await query<{ records: number }>(session, sql, [object])).rows[0]?.records ?? 0;
}

export interface HeldDeletes {
  readonly count: number;
  /** Some of them, by the key that the row has or had. */
  readonly sample: readonly { readonly salesforceId: string; readonly rowKey: string | null }[];
}

const SAMPLE = 10;

export async function readHeld(session: pg.ClientBase, object: string): Promise<HeldDeletes> {
  const where = `where object = $1 and delete_guard = 'held'`;
  const { rows } = await query<{ count: number }>(session, `select count(*)::int from sfsync.link ${where}`, [object]);
  const { rows: sample } = await query<{ salesforceId: string; rowKey: string | null }>(
    session,
    `select salesforce_id as "salesforceId", row_key as "rowKey" from sfsync.link ${where} order by id limit ${SAMPLE}`,
    [object],
  );
  return { count: rows[0]?.count ?? 0, sample };
}

/** Whether deletes of the object are held. */
export async function anyHeld(session: Session, object: string): Promise<boolean> {
  const sql = `select exists (select from sfsync.link where object = $1 and delete_guard = 'held') as held`;
  return (await query<{ held: boolean }>(session, sql, [object])).rows[0]?.held === true;
}

/**
 * Answers how many deletes are held, when it is this batch that tells people: the first that holds some, also when it is
 * decided once more, for its answer may have been lost. Later ones are counted by `sfsync check`. `before`: some were held
 * when the batch began. In its transaction, under the lease.
 */
export async function countToTell(
  session: Session,
  object: string,
  batchId: string,
  { before, held: heldNow }: { readonly before: boolean; readonly held: number },
): Promise<number> {
  if (!before && heldNow === 0) return 0;
  const { rowCount } = await query(
    session,
    `update sfsync.lease set held_told_by = $2, held_told = false
      where object = $1 and (not $3 or held_told_by is null or held_told_by = $2)`,
    [object, batchId, before],
  );
  return rowCount === 0 ? 0 : (await readHeld(session, object)).count;
}

/**
 * An execution that goes on after a batch has told people of deletes which that batch held. One that ended in between may not
 * have: then the next batch of whoever comes here tells them, and there will be one. Answers whether nobody was told.
 */
export function confirmTold(session: Session, object: string, execution: string): Promise<boolean> {
  return inTransaction(session, async () => {
    const { rows } = await query<{ own: boolean }>(
      session,
      `update sfsync.lease
          set held_told = x.own, held_told_by = case when x.own then held_told_by end
         from (select regexp_replace(held_told_by, '-[0-9]+$', '') = $2 as own from sfsync.lease where object = $1) x
        where object = $1 and held_told_by is not null and not held_told returning x.own`,
      [object, executionName(execution)],
    );
    if (rows[0]?.own !== false || !(await anyHeld(session, object))) return false;
    await markLinksDue(session, object, NEWEST_LIVE, 'read again');
    return true;
  });
}

/** The held deletes are meant: they are due again and pass, and counting begins anew. Answers how many there are. */
export function releaseHeld(session: Session, object: string): Promise<number> {
  return takeUp(session, object, `dirty = true, delete_guard = 'passed'`);
}

/**
 * The held deletes were a mistake. As after an undelete in Salesforce, each record is read afresh and its row made from it.
 * Answers how many there are.
 */
export function restoreHeld(session: Session, object: string): Promise<number> {
  return takeUp(session, object, `reread_due = true, base_deleted = true, was_inside = false, delete_guard = null`);
}

function takeUp(session: Session, object: string, change: string): Promise<number> {
  return inTransaction(session, async () => {
    await query(session, 'delete from sfsync.chosen_delete where object = $1', [object]);
    const { rowCount } = await query(
      session,
      `with held as (select id from sfsync.link where object = $1 and delete_guard = 'held' order by salesforce_id for update)
       update sfsync.link l
          set ${change}, dirty_since = coalesce(l.dirty_since, clock_timestamp()), revision = l.revision + 1
         from held where l.id = held.id`,
      [object],
    );
    return rowCount ?? 0;
  });
}
