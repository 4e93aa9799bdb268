/**
 * Columns move while steps are under way: a migration waits for the lock of one step, and the next one goes on with
 * another table than it had looked at. An empty column that was added again would look like edits to null. So what reads
 * rows, and with them locks the table against such changes, compares its columns with those of the look.
 */

import { RetryableError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';

/** A mapping that was compared with its table. */
export interface InForceMapping extends ObjectMapping {
  /** Numbers (pg_attribute.attnum) by column, as the step has looked at them; undefined: it has not. */
  readonly columnNumbers?: ReadonlyMap<string, number> | undefined;
}

/** The code of the error of a look at the columns that is out of date. */
export const COLUMNS_MOVED = 'COLUMNS_MOVED';

/** Once for each table and transaction, after its rows were read. Throws RetryableError when a mapped column is another one. */
export async function compareColumns(session: Session, mapping: InForceMapping): Promise<void> {
  const { columnNumbers: numbers } = mapping;
  const compared = session.transaction?.compared;
  if (numbers === undefined || compared?.has(mapping.object)) return;
  const { rows } = await query<{ column: string; number: number }>(
    session,
    `select attname as column, attnum::int as number from pg_attribute
      where attrelid = format('%I.%I', $1::text, $2::text)::regclass and attnum > 0 and not attisdropped`,
    [mapping.schema, mapping.table],
  );
  const found = new Map(rows.map(({ column, number }) => [column, number]));
  const moved = mapping.fields.find(({ column }) => found.get(column) !== numbers.get(column));
  if (moved !== undefined) {
    const place = `${mapping.schema}.${mapping.table}.${moved.column}`;
    throw new RetryableError(COLUMNS_MOVED, `Column ${place} was dropped, renamed or added while a step was using it.`);
  }
  compared?.add(mapping.object);
}
