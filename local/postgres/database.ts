import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { DEFAULT_NAME } from '../../core/contracts/deployment-name.ts';
import { freePorts } from '../../packages/embedded-aws/embedded-aws.ts';
import type { LocalCredentials } from '../credentials.ts';
import { entryFile, PACKAGE_ROOT } from '../package-root.ts';
import type { Project } from '../project.ts';
import { applyApplicationSchema } from './application-schema.ts';
import { startServer } from './server.ts';

/** The database that is kept in step: its owner's URL, and how it ends. */
export interface Database {
  /** Of the owner: superuser of the packaged server, or as DATABASE_URL says. */
  readonly url: string;
  stop(): Promise<void>;
}

/** There is no database to work with; the message says what to do. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable' as const;
}

const USUAL_PORT = 5433;
const CONNECT_TIMEOUT_MS = 5_000;

export interface PackagedDatabaseOptions {
  /** Of the database. */
  readonly name: string;
  readonly stateDirectory: string;
  readonly logDirectory: string;
  readonly credentials: LocalCredentials;
  /** The port of the run before: noted connections keep working. */
  readonly port: number | undefined;
  readonly onDeath: (reason: string) => void;
}

/** Starts the packaged server, with the application's database. */
export async function startDatabase(options: PackagedDatabaseOptions): Promise<Database & { readonly port: number }> {
  const { name } = options;
  const password = options.credentials.postgres;
  const server = await startServer({
    stateDirectory: options.stateDirectory,
    password,
    ports: freePorts([options.port, USUAL_PORT].filter((port) => port !== undefined)),
    logFile: join(options.logDirectory, 'postgres.log'),
    onDeath: options.onDeath,
  });
  const urlOf = (database: string) => `postgres://postgres:${password}@127.0.0.1:${server.port}/${database}`;
  try {
    await withClient(urlOf('postgres'), async (client) => {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
      if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { url: urlOf(name), port: server.port, stop: () => server.stop() };
}

/** Checks that the database of DATABASE_URL answers. Throws DatabaseUnavailable, without the password. */
export async function reachDatabase(url: string): Promise<Database> {
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw new DatabaseUnavailable('DATABASE_URL is not a URL: give it as postgres://user:password@host:5432/name.');
  }
  try {
    await withClient(url, (client) => client.query('select 1'));
  } catch (cause) {
    const reason = cause instanceof AggregateError ? cause.errors.map(messageOf).join('; ') : messageOf(cause);
    throw new DatabaseUnavailable(
      `PostgreSQL at ${address.host}${address.pathname} (DATABASE_URL) cannot be reached: ${reason}. Start it, or unset DATABASE_URL to use the packaged server.`,
      { cause },
    );
  }
  return { url, stop: async () => undefined };
}

/** The application's tables, then `sfsync prepare`, as for a deployment. */
export async function prepareDatabase(url: string, credentials: LocalCredentials, project: Project): Promise<void> {
  const { schemaFile: file, name: role, configuration, configurationFile } = project;
  const schema = { file, role, tables: configuration.objects };
  await withClient(url, (client) => applyApplicationSchema(client, schema, credentials.application));
  try {
    const command = [
      join(PACKAGE_ROOT, entryFile('cli/sfsync')),
      '--config',
      configurationFile,
      '--name',
      DEFAULT_NAME,
      'prepare',
    ];
    await promisify(execFile)(process.execPath, command, {
      cwd: project.directory,
      env: {
        ...process.env,
        NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
        DATABASE_URL: url,
        SFSYNC_STREAMER_PASSWORD: credentials.streamer,
        SFSYNC_APPLY_PASSWORD: credentials.apply,
      },
    });
  } catch (cause) {
    const output = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : messageOf(cause);
    throw new DatabaseUnavailable(`The database could not be prepared (sfsync prepare):\n${output}`, { cause });
  }
}

/**
 * Resolves when the slot has a reader: from then on every change is published. Throws when it has none within
 * `timeoutMs`; `log` may say why.
 */
export async function slotIsRead(
  url: string,
  slot: string,
  {
    timeoutMs,
    signal,
    log,
  }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined; readonly log: string },
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  await withClient(url, async (client) => {
    for (;;) {
      signal?.throwIfAborted();
      const { rows } = await client.query<{ active: boolean }>(
        'select active from pg_replication_slots where slot_name = $1',
        [slot],
      );
      if (rows[0]?.active === true) return;
      if (performance.now() > deadline) {
        throw new Error(`The replication slot ${slot} has no reader after ${timeoutMs / 1000} s; look into ${log}`);
      }
      // The server sends no notice when a slot is taken.
      await client.query('select pg_sleep(0.05)');
    }
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A session that the server ends between two queries reports it here; the next query reports it, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
