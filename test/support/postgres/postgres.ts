/**
 * A real PostgreSQL for tests. One server serves a whole vitest run and starts when the first test asks for it
 * (`postgres-server.ts`); each test file makes databases of its own. Roles, origins and slots belong to the server, so
 * a test names its slot after its database: `slot: database.name`.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { placeOf } from '../run/made-once.ts';
import { launch } from './postgres-launch.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers the superuser's URL of the run's server, starting it the first time. */
    postgresStarter: string;
    /** Answers the name of the prepared database on that server, making it the first time. */
    lenderTemplate: string;
  }
}

export interface TestDatabase {
  readonly name: string;
  /** The superuser's URL. */
  readonly url: string;
  /** The URL for another role. */
  urlAs(user: string, password: string): string;
  /** A connected client, by default the superuser's; ended with the database. */
  client(url?: string): Promise<pg.Client>;
  /** Ends the clients, drops the database's slots and the database. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestPostgres {
  /** The superuser's URL of database postgres. */
  readonly url: string;
  readonly port: number;
  /** An empty database, or a copy of another one, to which no client may be connected. */
  createDatabase(template?: string): Promise<TestDatabase>;
  /** Drops what this handle created; a server of the test's own is shut down and removed. */
  stop(): Promise<void>;
}

/** The server of this vitest run. */
export async function startPostgres(): Promise<TestPostgres> {
  return handle(await placeOf(inject('postgresStarter')), async () => undefined);
}

/** A server of the test's own, for a test that stops it or needs other settings (`name=value`). */
export async function startOwnPostgres(
  settings: readonly string[] = [],
): Promise<TestPostgres & { restart(): Promise<void> }> {
  const { url, shutDown, restart } = await launch(settings);
  return { ...handle(url, shutDown), restart };
}

/** A server that the test file has launched itself, to run on a certain version; `stop` shuts it down. */
export function useServer({ url, shutDown }: { url: string; shutDown: () => Promise<void> }): TestPostgres {
  return handle(url, shutDown);
}

function handle(url: string, shutDown: () => Promise<void>): TestPostgres {
  const databases = new Set<TestDatabase>();
  return {
    url,
    port: Number(new URL(url).port),
    async createDatabase(template) {
      const database = await makeDatabase(url, template);
      databases.add(database);
      return database;
    },
    async stop() {
      try {
        for (const database of databases) await database[Symbol.asyncDispose]();
      } finally {
        await shutDown();
      }
    },
  };
}

async function makeDatabase(serverUrl: string, template = 'template1'): Promise<TestDatabase> {
  const name = `sfsync_test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(serverUrl, async (admin) => {
    await admin.query(`create database ${name} template ${template}`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const clients = new Set<pg.Client>();
  let disposed = false;
  return {
    name,
    url: url.href,
    urlAs(user, password) {
      const other = new URL(url);
      other.username = user;
      other.password = password;
      return other.href;
    },
    async client(connectionString = url.href) {
      const client = new pg.Client({ connectionString });
      // A backend that a test terminates reports here what its next query reports, too.
      client.on('error', () => undefined);
      await client.connect();
      clients.add(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      await Promise.allSettled([...clients].map((client) => client.end()));
      await asSuperuser(serverUrl, async (admin) => {
        await dropSlots(admin, name);
        await admin.query(`drop database if exists ${name} with (force)`);
      });
    },
  };
}

async function dropSlots(admin: pg.Client, database: string): Promise<void> {
  for (;;) {
    const { rows } = await admin.query<{ slot_name: string; active_pid: number | null }>(
      'select slot_name, active_pid from pg_replication_slots where database = $1',
      [database],
    );
    if (rows.length === 0) return;
    for (const { slot_name, active_pid } of rows) {
      if (active_pid === null) await admin.query('select pg_drop_replication_slot($1)', [slot_name]);
      else await admin.query('select pg_terminate_backend($1, 1000)', [active_pid]);
    }
  }
}

async function asSuperuser<T>(url: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
