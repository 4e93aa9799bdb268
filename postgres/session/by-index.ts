/**
 * Statements that find what they want by an index, whatever the statistics say: those of a table that is being filled are of what
 * it was, and the planner would rather read all of it. Only for statements that fire no trigger of the application, whose own
 * statements would be planned so, too.
 */
import type pg from 'pg';
import { query } from './connection.ts';

const WAYS = ['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin'] as const;
const SWITCH_OFF = `select ${WAYS.map((way) => `current_setting('${way}') as ${way}, set_config('${way}', 'off', false)`).join(', ')}`;

/** Afterwards the session plans as before; so it does after a rollback. */
export async function byIndex<T>(session: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  const { rows } = await query<Record<string, string>>(session, SWITCH_OFF);
  const switchBack = `select ${WAYS.map((way) => `set_config('${way}', '${rows[0]?.[way] === 'off' ? 'off' : 'on'}', false)`).join(', ')}`;
  try {
    return await work();
  } finally {
    // In a transaction that has failed it fails, too: the rollback does it.
    await session.query(switchBack).catch(() => undefined);
  }
}
