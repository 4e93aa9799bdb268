import { isCollision } from '../../core/error-classification.ts';
import type { RejectedRecordError } from '../../core/errors.ts';
import { query, type Session } from './connection.ts';
import { asRefusal, mayBeOfStatement, ofStatement, RowRefusedError } from './server-errors.ts';

/** Set-based work; `again`: it was tried before, with these items and others. */
export type SetWork<Item, Result> = (items: readonly Item[], again: boolean) => Promise<Result>;
export type Refuse<Item> = (item: Item, error: RejectedRecordError) => void | Promise<void>;

/**
 * Does set-based work on all items; when the database refuses the set because of one row, halves it until the bad items
 * stand alone. `work` runs in a savepoint and may be called with any part of the items; what it answers for the parts
 * that went through is given back in order. One bad item in n costs about twice the work, not n statements.
 *
 * A code by which a statement as a whole is refused, too (a missing right, table or column), is of an item only where others go
 * through, or where a function says it: the first and the last are tried alone, and what both meet is thrown.
 */
export async function bisect<Item, Result>(
  session: Session,
  items: readonly Item[],
  work: SetWork<Item, Result>,
  refuse: Refuse<Item>,
): Promise<Result[]> {
  if (items.length === 0) return [];
  const whole = await inSavepoint(session, () => work(items, true));
  if (!(whole instanceof RowRefusedError)) return [whole.result];
  if (mayBeOfStatement(whole) && (await isOfAll(session, items, work, whole))) throw ofStatement(whole);
  return halved(session, items, whole, work, refuse);
}

async function isOfAll<Item, Result>(
  session: Session,
  items: readonly Item[],
  work: SetWork<Item, Result>,
  refusal: RowRefusedError,
): Promise<boolean> {
  if (items.length === 1) return !refusal.server.isInFunction;
  for (const item of [items.at(0), items.at(-1)]) {
    const alone = await inSavepoint(session, () => work([item as Item], true), 'undo');
    if (!(alone instanceof RowRefusedError) || alone.code !== refusal.code) return false;
  }
  return true;
}

async function halved<Item, Result>(
  session: Session,
  items: readonly Item[],
  refusal: RowRefusedError,
  work: SetWork<Item, Result>,
  refuse: Refuse<Item>,
): Promise<Result[]> {
  if (items.length === 1) {
    await refuse(items[0] as Item, refusal);
    return [];
  }
  const half = items.length >> 1;
  const results: Result[] = [];
  for (const part of [items.slice(0, half), items.slice(half)]) {
    const done = await inSavepoint(session, () => work(part, true));
    if (done instanceof RowRefusedError) results.push(...(await halved(session, part, done, work, refuse)));
    else results.push(done.result);
  }
  return results;
}

/** Does work that the database may refuse because of a row. Then, or when it was only to be tried, it is undone. */
export async function inSavepoint<Result>(
  session: Session,
  work: () => Promise<Result>,
  then: 'keep' | 'undo' = 'keep',
): Promise<{ readonly result: Result } | RowRefusedError> {
  await query(session, 'savepoint part');
  try {
    const result = await work();
    await endSavepoint(session, then);
    return { result };
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) throw error;
    if (session.transaction !== undefined && isCollision(refusal.code)) session.transaction.hasCollided = true;
    await endSavepoint(session, 'undo');
    return refusal;
  }
}

async function endSavepoint(session: Session, then: 'keep' | 'undo'): Promise<void> {
  if (then === 'undo') await query(session, 'rollback to savepoint part');
  await query(session, 'release savepoint part');
}
