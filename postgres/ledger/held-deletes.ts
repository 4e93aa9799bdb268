/** Deletes that the guard against delete storms counts, and those that it holds. */
import type pg from 'pg';
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';
import { HELD } from './selections.ts';

/** Counts chosen deletes in. Answers how many were chosen within the window. */
export async function countChosenDeletes(
  session: Session,
  object: string,
  deletes: number,
  windowMinutes: number,
): Promise<number> {
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

/** Counting begins anew. */
export async function forgetChosenDeletes(session: Session, object: string): Promise<void> {
  await query(session, 'delete from sfsync.chosen_delete where object = $1', [object]);
}

/** How many live records the object has; it is not counted beyond `most`. */
export async function liveRecords(session: Session, object: string, most: number): Promise<number> {
  const some = "select from sfsync.link where (object || '') = $1 and not base_deleted limit $2";
  const sql = `select count(*)::int as records from (${some}) live`;
  const { rows } = await byIndex(session, () => query<{ records: number }>(session, sql, [object, most]));
  return rows[0]?.records ?? 0;
}

export interface HeldDeletes {
  readonly count: number;
  /** Some of them, by the key that the row has or had. */
  readonly sample: readonly { readonly salesforceId: string; readonly rowKey: string | null }[];
}

const SAMPLE = 10;

const OF_OBJECT = `from sfsync.link l where l.object = $1 and ${HELD.where}`;

export async function readHeld(session: pg.ClientBase, object: string): Promise<HeldDeletes> {
  const { rows } = await query<{ count: number }>(session, `select count(*)::int ${OF_OBJECT}`, [object]);
  const { rows: sample } = await query<{ salesforceId: string; rowKey: string | null }>(
    session,
    `select l.salesforce_id as "salesforceId", l.row_key as "rowKey" ${OF_OBJECT} order by l.id limit ${SAMPLE}`,
    [object],
  );
  return { count: rows[0]?.count ?? 0, sample };
}

/** Whether deletes of the object are held. */
export async function anyHeld(session: Session, object: string): Promise<boolean> {
  const sql = `select exists (select ${OF_OBJECT}) as held`;
  return (await query<{ held: boolean }>(session, sql, [object])).rows[0]?.held === true;
}
