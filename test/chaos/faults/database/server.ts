/** A PostgreSQL server of the chaos run: it can be killed as a machine dies, and started again over what it left. */
import { randomBytes } from 'node:crypto';
import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { reachablePrograms } from '../../../../local/postgres/server-files.ts';
import { serverUser } from '../../../../local/postgres/server-user.ts';
import {
  run,
  type ServerPrograms,
  type StartedServer,
  serverDirectory,
  startServer,
} from '../../../support/postgres/launched-server.ts';

/** Enough for the system, the clients and the recorders; a standby takes the rest. */
const SETTINGS = ['max_active_replication_origins=80', 'max_connections=150'];

/** Names the run, so that the next one removes what a killed run has left. */
export const SERVER_PREFIX = `sfsync-chaos-${process.pid}-postgres-`;

export class ChaosServer {
  readonly directory: string;
  readonly #programs: ServerPrograms;
  readonly #password: string;
  #started: StartedServer;

  private constructor(directory: string, programs: ServerPrograms, password: string, started: StartedServer) {
    this.directory = directory;
    this.#programs = programs;
    this.#password = password;
    this.#started = started;
  }

  /** A new server, with a database of this name in it. */
  static async make(database: string): Promise<ChaosServer> {
    const user = serverUser();
    const directory = await serverDirectory(user, SERVER_PREFIX);
    const programs = { bin: await reachablePrograms(directory, user), user };
    const password = randomBytes(12).toString('hex');
    const passwordFile = join(directory, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
    const flags = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    await run(
      programs,
      'initdb',
      ['--pgdata', join(directory, 'data'), ...flags, '--encoding=UTF8', '--locale=C', '--no-sync'],
      directory,
    );
    const server = new ChaosServer(directory, programs, password, await startServer(programs, directory, SETTINGS));
    await server.withClient((client) => client.query(`create database ${pg.escapeIdentifier(database)}`), 'postgres');
    return server;
  }

  /** Starts a server over data that was copied from this one. */
  async started(directory: string): Promise<ChaosServer> {
    const started = await startServer(this.#programs, directory, SETTINGS);
    return new ChaosServer(directory, this.#programs, this.#password, started);
  }

  get port(): number {
    return this.#started.port;
  }

  get user(): ServerPrograms['user'] {
    return this.#programs.user;
  }

  /** As its owner. */
  get password(): string {
    return this.#password;
  }

  /** A session of the server's owner, that does not go by the common address. */
  async withClient<T>(work: (client: pg.Client) => Promise<T>, database: string): Promise<T> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      password: this.#password,
      database,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** SIGKILL for the server and, as when its machine dies, for every process of it; answers when all are gone. */
  async kill(): Promise<void> {
    const { pid } = this.#started;
    const pids = [pid, ...(await childrenOf(pid))];
    for (const each of pids) signal(each, 'SIGKILL');
    while (pids.some((each) => signal(each, 0))) await pause(10);
  }

  /** After `kill`: recovers, at the same port. */
  async startAgain(): Promise<void> {
    this.#started = await startServer(this.#programs, this.directory, SETTINGS, this.port);
  }

  async stop(): Promise<void> {
    await this.#started.stop();
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Answers whether there was a process to send it to. A zombie that its parent has not asked for yet counts as one. */
function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, what);
    return true;
  } catch {
    return false;
  }
}
