/** What killed runs have left: their copies of the project, their database servers, and the processes that still work on them. */
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeServerFiles } from '../../../local/postgres/server-files.ts';

/** Behind it stands the number of the process whose run it is. */
export const COPY_PREFIX = 'sfsync-chaos-';

/** Ends and removes what runs have left that do not run any more. Others' are not touched. */
export async function removeLeftovers(): Promise<void> {
  const owned = new RegExp(`^${COPY_PREFIX}(\\d+)-`);
  for (const name of await readdir(tmpdir())) {
    const owner = owned.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const directory = join(tmpdir(), name);
    for (const pid of await processesIn(directory)) end(pid);
    await removeServerFiles(join(directory, '.local'));
    await rm(directory, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user's process it is refused, which says that there is one.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Processes whose command line names the directory, or that work in it. Only Linux shows them this way; elsewhere they end with the next restart. */
async function processesIn(directory: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const found = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      const place = await readlink(`/proc/${name}/cwd`).catch(() => '');
      return commandLine.includes(directory) || place.startsWith(directory) ? [Number(name)] : [];
    });
  return (await Promise.all(found)).flat();
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
