import type { DatabaseSync } from 'node:sqlite';

/**
 * Runs synchronous work as one transaction: all of it is in the store, or none. Nothing else can come in between, since
 * the work does not wait.
 */
export function transaction<Result>(store: DatabaseSync, work: () => Result): Result {
  store.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    store.exec('COMMIT');
    return result;
  } catch (error) {
    store.exec('ROLLBACK');
    throw error;
  }
}
