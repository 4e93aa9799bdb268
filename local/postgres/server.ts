import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SupervisedProcess } from '../host/supervised-process.ts';
import { endLeftover } from './leftover-server.ts';
import { type ServerFiles, serverFiles } from './server-files.ts';
import { type SystemUser, serverUser } from './server-user.ts';

export interface ServerOptions {
  readonly stateDirectory: string;
  /** Of the superuser `postgres`. */
  readonly password: string;
  /** Tried first, in this order; then any free one. */
  readonly ports: AsyncIterable<number> | Iterable<number>;
  readonly logFile: string;
  /** The server died and is started again, as RDS would. */
  readonly onDeath: (reason: string) => void;
}

export interface PostgresServer {
  readonly port: number;
  readonly pid: number | undefined;
  /** Ends the sessions and the server, after a checkpoint. */
  stop(): Promise<void>;
}

/** One slot is the streamer's, the rest is for experiments; origins: `settings.origins` goes up to 64. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'wal_level=logical',
  'max_replication_slots=80',
  'max_wal_senders=20',
  'max_active_replication_origins=80',
  'max_connections=200',
  'lc_messages=C',
];
const READY = 'database system is ready to accept connections';
const STOP_TIMEOUT_MS = 15_000;

/**
 * Starts the packaged PostgreSQL on 127.0.0.1 over the data in `stateDirectory`, which it makes when there is none. A
 * server that an earlier run left behind is ended first. Throws an Error with the end of the server's log when it does
 * not come up.
 */
export async function startServer(options: ServerOptions): Promise<PostgresServer> {
  const user = serverUser();
  const files = await serverFiles(options.stateDirectory, user);
  const data = join(files.home, 'data');
  await initialise(files, data, user, options.password);
  await endLeftover(data);
  for await (const port of options.ports) {
    const started = await tryToStart(options, files, data, user, port);
    if (started !== undefined) return started;
  }
  throw new Error('PostgreSQL found no free port on 127.0.0.1');
}

async function initialise(
  { programs, home }: ServerFiles,
  data: string,
  user: SystemUser | undefined,
  password: string,
): Promise<void> {
  if (existsSync(join(data, 'sfsync-complete'))) return;
  await rm(data, { recursive: true, force: true });
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  try {
    const flags = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    const locale = ['--encoding=UTF8', '--locale=C', '--no-sync'];
    await promisify(execFile)(join(programs, 'initdb'), [`--pgdata=${data}`, ...flags, ...locale], {
      cwd: home,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      ...user,
    });
    // Written last: a data directory without it was broken off and is made anew.
    await writeFile(join(data, 'sfsync-complete'), '');
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Undefined: another program has taken the port. */
async function tryToStart(
  options: ServerOptions,
  { programs, home }: ServerFiles,
  data: string,
  user: SystemUser | undefined,
  port: number,
): Promise<PostgresServer | undefined> {
  const output: string[] = [];
  const up = Promise.withResolvers<boolean>();
  let ready = false;
  const server = new SupervisedProcess({
    command: join(programs, 'postgres'),
    args: ['-D', data, '-p', String(port), ...SETTINGS.flatMap((setting) => ['-c', setting])],
    directory: home,
    environment: async () => ({ PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' }),
    logFile: options.logFile,
    // SIGINT is the fast shutdown: sessions are ended, the data is complete.
    stopSignal: 'SIGINT',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    user,
    onEvent: (event) => {
      if (event.kind === 'line' && !ready) {
        output.push(event.line);
        ready = event.line.includes(READY);
        if (ready) up.resolve(true);
      }
      if (event.kind === 'died' && ready) options.onDeath(event.reason);
      if (event.kind === 'died') up.resolve(false);
    },
  });
  server.start();
  if (await up.promise) {
    return {
      port,
      get pid() {
        return server.pid;
      },
      stop: () => server.stop(),
    };
  }
  await server.stop();
  if (output.some((line) => line.includes('could not create any TCP/IP sockets'))) return undefined;
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => 'unknown');
  const end = output.slice(-10).join('\n');
  throw new Error(`PostgreSQL did not start over ${data} (data of version ${version.trim()}):\n${end}`);
}
