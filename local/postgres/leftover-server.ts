import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess } from '../host/leftover-process.ts';

/**
 * Ends a server that still runs over this data directory: it outlives a killed `npm start`, for it has a process group of
 * its own. `postmaster.pid` names it in its first line.
 */
export async function endLeftover(dataDirectory: string): Promise<void> {
  const file = join(dataDirectory, 'postmaster.pid');
  const content = await readFile(file, 'utf8').catch(() => undefined);
  if (content === undefined) return;
  const pid = Number(content.split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  // By its command line, for the id may be another process's by now; the server then removes the file by itself.
  await endProcess({ pid, words: ['postgres', dataDirectory] }, 'SIGINT', 15_000);
  await rm(file, { force: true });
}
