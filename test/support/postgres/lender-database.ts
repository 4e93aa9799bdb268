/** A database of the sample, prepared as `npm start` prepares it, with a session of the role that the Lambdas use. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { type DatabaseCredentials, openSession, type Session } from '../../../postgres/session/connection.ts';
import { placeOf } from '../run/made-once.ts';
import { TEST_PASSWORDS } from './lender-tables.ts';
import { makeLenderTemplate } from './lender-template.ts';
import { startOwnPostgres, startPostgres, type TestDatabase, type TestPostgres } from './postgres.ts';

export interface LenderDatabase extends AsyncDisposable {
  readonly database: TestDatabase;
  /** The application's side: the owner of the tables. */
  readonly application: pg.Client;
  /** Role sfsync_apply, as the Lambdas' secret names it. */
  readonly credentials: DatabaseCredentials;
  /** As role sfsync_apply. */
  session(): Promise<Session>;
  /** What the application sees. */
  rows(sql: string, values?: unknown[]): ReturnType<typeof rowsOf>;
}

async function rowsOf(client: pg.Client, sql: string, values: unknown[] = []) {
  return (await client.query(sql, values)).rows;
}

/** A database of the sample for each test of the file that calls this, or one for the whole file. */
export function useLenderDatabase(each: 'test' | 'file'): Omit<LenderDatabase, typeof Symbol.asyncDispose> {
  let lender: LenderDatabase | undefined;
  const open = () => lender ?? expect.unreachable('there is no database before the first test');
  const begin = async () => {
    lender = await createLenderDatabase();
  };
  const end = () => lender?.[Symbol.asyncDispose]();
  if (each === 'test') {
    beforeEach(begin);
    afterEach(end);
  } else {
    beforeAll(begin);
    afterAll(end);
  }
  return {
    get database() {
      return open().database;
    },
    get application() {
      return open().application;
    },
    get credentials() {
      return open().credentials;
    },
    session: () => open().session(),
    rows: (sql, values) => open().rows(sql, values),
  };
}

export async function createLenderDatabase(): Promise<LenderDatabase> {
  const postgres = await startPostgres();
  return openLenderDatabase(postgres, await postgres.createDatabase(await placeOf(inject('lenderTemplate'))));
}

/**
 * On a server of its own: for a test with transactions that last. A slot is made once all transactions of its server have ended, and
 * other test files make theirs on the server of the run. Or with settings (`name=value`) of the server.
 */
export async function createLenderDatabaseApart(settings: readonly string[] = []): Promise<LenderDatabase> {
  const postgres = await startOwnPostgres(settings);
  const database = await postgres.createDatabase(await makeLenderTemplate(postgres.url));
  const lender = await openLenderDatabase(postgres, database);
  return {
    ...lender,
    async [Symbol.asyncDispose]() {
      await lender[Symbol.asyncDispose]();
      await postgres.stop();
    },
  };
}

async function openLenderDatabase(postgres: TestPostgres, database: TestDatabase): Promise<LenderDatabase> {
  const application = await database.client();
  const { plugin } = configuration.settings;
  await application.query('select pg_create_logical_replication_slot($1, $2)', [database.name, plugin]);
  const sessions: Session[] = [];
  const credentials: DatabaseCredentials = {
    host: '127.0.0.1',
    port: postgres.port,
    dbname: database.name,
    username: 'sfsync_apply',
    password: TEST_PASSWORDS.apply,
  };
  return {
    database,
    application,
    credentials,
    async session() {
      const session = await openSession(credentials);
      sessions.push(session);
      return session;
    },
    rows: (sql, values) => rowsOf(application, sql, values),
    async [Symbol.asyncDispose]() {
      await Promise.all(sessions.map((session) => session.end()));
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Fields of the object that no test cares about. */
function unset(object: string): FieldValues {
  return Object.fromEntries(mappingOf(configuration, object).fields.map(({ field, type }) => [field, type.blank]));
}

const REQUIRED: Readonly<Record<string, FieldValues>> = {
  Account: { Name: 'Northwind Lending' },
  Contact: { LastName: 'Meyer' },
  Opportunity: { Name: 'Bridge loan', StageName: 'Prospecting', CloseDate: '2026-12-31' },
};

/** A live version of a record; `second` is the second of its stamp. */
export function version(object: string, id: string, second: number, fields: FieldValues = {}): SalesforceVersion {
  return {
    id,
    deleted: false,
    mergedInto: undefined,
    stamp: Date.UTC(2026, 0, 1, 12, 0, second),
    fields: { ...unset(object), ...REQUIRED[object], ...fields },
  };
}

export function deletedVersion(
  object: string,
  id: string,
  second: number,
  fields: FieldValues = {},
): SalesforceVersion {
  return { ...version(object, id, second, fields), deleted: true };
}
