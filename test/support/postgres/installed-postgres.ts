/**
 * A server of the system's own PostgreSQL packages (Debian's places), where tests need a version or plugin that no npm
 * package has.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serverUser } from '../../../local/postgres/server-user.ts';
import { run, type ServerPrograms, serverDirectory, startServer } from './launched-server.ts';

export interface InstalledPostgres {
  readonly directory: string;
  readonly hasWal2json: boolean;
}

/** undefined: it is not installed here. */
export function findInstalledPostgres(version: number): InstalledPostgres | undefined {
  const directory = `/usr/lib/postgresql/${version}`;
  if (!existsSync(join(directory, 'bin/initdb'))) return undefined;
  return { directory, hasWal2json: existsSync(join(directory, 'lib/wal2json.so')) };
}

export interface Launched {
  readonly url: string;
  /** Makes a standby of it, which can be promoted; shut down before its primary. */
  standby(): Promise<Launched>;
  shutDown(): Promise<void>;
}

/** Starts it in a new data directory; what launches a server shuts it down. */
export async function launchInstalled({ directory }: InstalledPostgres): Promise<Launched> {
  const user = serverUser();
  const programs = { bin: join(directory, 'bin'), user };
  const place = await serverDirectory(user);
  const flags = ['--username=postgres', '--auth=trust', '--no-sync', '--locale=C'];
  await run(programs, 'initdb', ['--pgdata', join(place, 'data'), ...flags], place);
  return start(programs, place);
}

async function start(programs: ServerPrograms, place: string): Promise<Launched> {
  const server = await startServer(programs, place, []);
  const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  return {
    url,
    async standby() {
      const copy = await serverDirectory(programs.user);
      const flags = ['-D', join(copy, 'data'), '--write-recovery-conf', '--checkpoint=fast', '--no-sync', '-d', url];
      await run(programs, 'pg_basebackup', flags, copy);
      return start(programs, copy);
    },
    async shutDown() {
      await server.stop();
      await rm(place, { recursive: true, force: true });
    },
  };
}
