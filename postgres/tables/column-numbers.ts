/**
 * Columns move while steps are under way: a migration waits for the lock of one step, and the next one goes on with
 * another table than it had looked at. An empty column that was added again would look like edits to null. So whoever has
 * read rows, and with them locked the table against such changes, compares its columns with those of the look.
 */

import { RetryableError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query, transactionOf } from '../session/connection.ts';

/** Numbers (pg_attribute.attnum) by object and column. */
export type ColumnNumbers = ReadonlyMap<string, ReadonlyMap<string, number>>;

const expected = new WeakMap<Session, ColumnNumbers>();
const compared = new WeakMap<object, Set<string>>();

/** From now on the session's transactions expect these columns; undefined: any. */
export function expectColumns(session: Session, numbers: ColumnNumbers | undefined): void {
  if (numbers === undefined) expected.delete(session);
  else expected.set(session, numbers);
}

/** The code of the error that says that a look at the columns is out of date. */
export const COLUMNS_MOVED = 'COLUMNS_MOVED';

/** Once for each table and transaction, after its rows were read. Throws RetryableError when a mapped column is another one. */
export async function compareColumns(session: Session, mapping: ObjectMapping): Promise<void> {
  const numbers = expected.get(session)?.get(mapping.object);
  if (numbers === undefined) return;
  const transaction = transactionOf(session);
  const tables = compared.get(transaction) ?? new Set<string>();
  compared.set(transaction, tables);
  if (tables.has(mapping.object)) return;
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
  tables.add(mapping.object);
}
