import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * The durable memory of the embedded AWS: one SQLite file, so that what a service has accepted is still there after
 * `kill -9`, as it would be in AWS. Each service creates its own tables. `undefined` keeps everything in memory.
 */
export function openStore(file: string | undefined): DatabaseSync {
  if (file !== undefined) mkdirSync(dirname(file), { recursive: true });
  const store = new DatabaseSync(file ?? ':memory:');
  // WAL with synchronous=NORMAL survives the death of the process; only a power cut may cost the last commits.
  store.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  return store;
}
