import type { RejectedRecordError } from '../../core/errors.ts';
import { query, RowRefusedError, type Session } from './connection.ts';

/**
 * Does set-based work on all items; when the database refuses the set because of one row, halves it until the bad items
 * stand alone. `work` runs in a savepoint and may be called with any part of the items; what it answers for the parts
 * that went through is given back in order. One bad item in n costs about twice the work, not n statements.
 */
export async function bisect<Item, Result>(
  session: Session,
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<Result>,
  refuse: (item: Item, error: RejectedRecordError) => void | Promise<void>,
): Promise<Result[]> {
  if (items.length === 0) return [];
  const whole = await inSavepoint(session, () => work(items));
  if (!(whole instanceof RowRefusedError)) return [whole.result];
  if (items.length === 1) {
    await refuse(items[0] as Item, whole);
    return [];
  }
  const half = items.length >> 1;
  const first = await bisect(session, items.slice(0, half), work, refuse);
  return [...first, ...(await bisect(session, items.slice(half), work, refuse))];
}

/** Does work that the database may refuse because of a row. Then it is undone, and the error is the answer. */
export async function inSavepoint<Result>(
  session: Session,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result } | RowRefusedError> {
  await query(session, 'savepoint part');
  try {
    const result = await work();
    await query(session, 'release savepoint part');
    return { result };
  } catch (error) {
    if (!(error instanceof RowRefusedError)) throw error;
    await query(session, 'rollback to savepoint part');
    await query(session, 'release savepoint part');
    return error;
  }
}
