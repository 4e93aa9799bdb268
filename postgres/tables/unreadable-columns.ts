/**
 * A column may be unreadable in one row: a cast of the application or a virtual column fails for what the row holds, or the value is
 * damaged on the disk. That fails the statement that reads a thousand rows, and its transaction. So the step begins anew, and from
 * then on the session reads that table column by column where it has to, and finds the rows in question.
 */
import { RetryableError } from '../../core/errors.ts';
import { UNREADABLE, type Unreadable } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import type { Session } from '../session/connection.ts';
import { bisect } from '../session/savepoint.ts';
import { asRefusal, mayBeOfStatement } from '../session/server-errors.ts';

/** The text of a column, or that there is none. */
export type Cell = string | null | Unreadable;

/** The code of the error after which a step begins anew. */
export const COLUMN_UNREADABLE = 'COLUMN_UNREADABLE';

export function hasUnreadable({ unreadable }: Session, { object }: ObjectMapping): boolean {
  return unreadable?.has(object) === true;
}

/** Reads rows; throws a RetryableError, and the session remembers it, where the server cannot read one of them. */
export async function orRemember<T>(session: Session, mapping: ObjectMapping, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined || (mayBeOfStatement(refusal) && !refusal.server.isInFunction)) throw error;
    session.unreadable ??= new Set();
    session.unreadable.add(mapping.object);
    const table = spelledTable(mapping);
    throw new RetryableError(COLUMN_UNREADABLE, `A column of ${table} cannot be read in one of its rows.`, {
      cause: error,
    });
  }
}

/** Reads these fields of rows by their keys: the key, and a text for each field. */
export type ReadFields = (
  fields: readonly FieldMapping[],
  keys: readonly string[],
) => Promise<readonly (readonly [key: string, ...texts: (string | null)[]])[]>;

/** A cell for each field of the rows, by key; without those that are there no longer. `read` locks nothing: it runs in savepoints. */
export async function readCells(
  session: Session,
  fields: readonly FieldMapping[],
  keys: readonly string[],
  read: ReadFields,
): Promise<ReadonlyMap<string, readonly Cell[]>> {
  const found = new Map<string, Cell[]>();
  const cellsOf = (key: string) => {
    const cells = found.get(key) ?? fields.map((): Cell => UNREADABLE);
    found.set(key, cells);
    return cells;
  };
  const take = async (some: readonly FieldMapping[], part: readonly string[]) => {
    for (const [key, ...texts] of await read(some, part)) {
      const cells = cellsOf(key);
      for (const [i, text] of texts.entries()) cells[fields.indexOf(some[i] as FieldMapping)] = text;
    }
  };
  const byRow = async (field: FieldMapping) => {
    await bisect(
      session,
      keys,
      (part) => take([field], part),
      (key) => void cellsOf(key),
    );
  };
  await bisect(session, fields, (some) => take(some, keys), byRow);
  return found;
}
