import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process runs in this directory. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse' as const;
}

export const LOCK_FILE = 'lock';

/**
 * Takes the directory for this process. The lock is one that SQLite holds on an open file, so the system takes it away
 * with the process, however that ends: there is no stale one. The answer gives it back. Throws DirectoryInUse.
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const lock = new DatabaseSync(join(directory, LOCK_FILE));
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new DirectoryInUse(
      `Another sfsync runs in ${directory}: stop it first (Ctrl-C in its terminal), or start in another directory.`,
      { cause },
    );
  }
  return () => lock.close();
}
