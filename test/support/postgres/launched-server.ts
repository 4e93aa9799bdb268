/** A PostgreSQL server of a test, from programs wherever they lie. What launches a server shuts it down. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { SystemUser } from '../../../local/postgres/server-user.ts';

export interface ServerPrograms {
  /** Holds `initdb` and `postgres`. */
  readonly bin: string;
  /** Whom it runs as; undefined: the user of the test. */
  readonly user: SystemUser | undefined;
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'wal_level=logical',
  'max_replication_slots=40',
  'max_wal_senders=40',
  'max_connections=200',
  'lc_messages=C',
  // The data goes when the run ends, and a killed process, unlike a power cut, loses nothing without it.
  'fsync=off',
];
const READY = /ready to accept (read-only )?connections/;
const ATTEMPTS = 5;

/** A directory of the server's own below the system's directory for temporary files. */
export async function serverDirectory(user: SystemUser | undefined, prefix = 'sfsync-postgres-'): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), prefix));
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  return directory;
}

/** Runs a program of the server as its user. Throws with what the program printed. */
export async function run({ bin, user }: ServerPrograms, program: string, args: readonly string[], cwd: string) {
  const environment = { PATH: process.env.PATH, LC_ALL: 'C' };
  await promisify(execFile)(join(bin, program), args, { ...user, cwd, env: environment });
}

export interface StartedServer {
  readonly port: number;
  /** Of the process that all others of the server belong to. */
  readonly pid: number;
  /** Fast shutdown, which ends the sessions that are left. */
  stop(): Promise<void>;
}

/**
 * Starts the server over `directory/data`, at the given port or at a free one; another program may take a free port
 * before the server does, then it is another one. Throws with the server's log.
 */
export async function startServer(
  programs: ServerPrograms,
  directory: string,
  settings: readonly string[],
  givenPort?: number,
): Promise<StartedServer> {
  for (let attempt = 1; ; attempt++) {
    const port = givenPort ?? (await freePort());
    const log: string[] = [];
    const server = spawnServer(programs, directory, [...SETTINGS, ...settings, `port=${port}`]);
    const ended = once(server, 'close');
    if (await isReady(server, ended, log)) {
      const stop = async () => {
        server.kill('SIGINT');
        await ended;
      };
      return { port, pid: server.pid ?? 0, stop };
    }
    if (attempt === ATTEMPTS || !log.some((line) => line.includes('in use'))) {
      throw new Error(`PostgreSQL did not start: ${log.slice(-20).join('\n')}`);
    }
  }
}

function spawnServer({ bin, user }: ServerPrograms, cwd: string, settings: readonly string[]): ChildProcess {
  const flags = settings.flatMap((setting) => ['-c', setting]);
  return spawn(join(bin, 'postgres'), ['-D', join(cwd, 'data'), ...flags], {
    ...user,
    cwd,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function isReady(server: ChildProcess, ended: Promise<unknown>, log: string[]): Promise<boolean> {
  const ready = Promise.withResolvers<boolean>();
  if (server.stderr !== null) {
    createInterface({ input: server.stderr }).on('line', (line) => {
      log.push(line);
      if (READY.test(line)) ready.resolve(true);
    });
  }
  return Promise.race([ready.promise, ended.then(() => false)]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
