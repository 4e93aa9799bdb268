import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { withDatabase } from '../../postgres/session/administration.ts';
import { openSession, query } from '../../postgres/session/connection.ts';
import { settleSettings, startupOptions } from '../../postgres/session-settings.ts';
import {
  findInstalledPostgres,
  type InstalledPostgres,
  launchInstalled,
} from '../support/postgres/installed-postgres.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { TEST_PASSWORDS } from '../support/postgres/lender-tables.ts';

/** As operators set them for roles and databases; each of them has changed or ended what a session of ours did. */
const HOSTILE: Readonly<Record<string, string>> = {
  statement_timeout: '250ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '50ms',
  idle_session_timeout: '50ms',
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable',
  row_security: 'on',
  datestyle: 'German',
  intervalstyle: 'sql_standard',
  timezone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-5',
  xmloption: 'document',
  array_nulls: 'off',
  standard_conforming_strings: 'off',
  quote_all_identifiers: 'on',
  transform_null_equals: 'on',
  synchronous_commit: 'off',
  enable_indexscan: 'off',
  enable_hashjoin: 'off',
  plan_cache_mode: 'force_generic_plan',
  client_encoding: 'LATIN1',
  wal_sender_timeout: '1s',
  search_path: 'public, pg_catalog',
};

const lender = useLenderDatabase('file');

/** Of sessions of the role in this database. */
async function setFor(role: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const { database, application } = lender;
  for (const [name, value] of Object.entries(settings)) {
    const written = name === 'search_path' ? value : pg.escapeLiteral(value);
    await application.query(`alter role ${role} in database ${database.name} set ${name} = ${written}`);
  }
}

async function resetFor(role: string): Promise<void> {
  await lender.application.query(`alter role ${role} in database ${lender.database.name} reset all`);
}

async function shown(session: pg.ClientBase, names: readonly string[]): Promise<Record<string, string>> {
  const list = names.map((name) => `current_setting('${name}', true) as "${name}"`).join(', ');
  return (await session.query<Record<string, string>>(`select ${list}`)).rows[0] ?? {};
}

const WANTED: Readonly<Record<string, string>> = {
  idle_session_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  row_security: 'off',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmloption: 'content',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  synchronous_commit: 'on',
  enable_indexscan: 'on',
  enable_hashjoin: 'on',
  plan_cache_mode: 'auto',
  wal_sender_timeout: '1min',
  search_path: 'pg_catalog, public, pg_catalog',
};

describe('whatever is set for the role and the database', () => {
  test('a step has what it depends on', async () => {
    await setFor('sfsync_apply', HOSTILE);
    const session = await lender.session();
    expect(await shown(session, Object.keys(WANTED))).toEqual(WANTED);
    expect(await shown(session, ['client_encoding', 'statement_timeout', 'lock_timeout'])).toEqual({
      client_encoding: 'UTF8',
      statement_timeout: '2min',
      lock_timeout: '5s',
    });
    await resetFor('sfsync_apply');
  });

  test('so has the command of an operator', async () => {
    await setFor('postgres', HOSTILE);
    try {
      await withDatabase(lender.database.url, async (session) => {
        expect(await shown(session, Object.keys(WANTED))).toEqual(WANTED);
        // Longer than any of the role's timeouts.
        await session.query('select pg_sleep(0.4)');
      });
    } finally {
      await resetFor('postgres');
    }
  });

  test('and the replication connection', async () => {
    await setFor('sfsync_streamer', { ...HOSTILE, transaction_timeout: '300ms' });
    const url = new URL(lender.database.urlAs('sfsync_streamer', TEST_PASSWORDS.streamer));
    const client = new pg.Client({
      connectionString: url.href,
      options: startupOptions('stream'),
      // The types of pg leave it out.
      ...{ replication: 'database' },
    });
    await client.connect();
    try {
      await settleSettings(client, 'stream');
      const names = [...Object.keys(WANTED), 'transaction_timeout', 'statement_timeout'];
      expect(await shown(client, names)).toEqual({ ...WANTED, transaction_timeout: '0', statement_timeout: '0' });
    } finally {
      await client.end();
      await resetFor('sfsync_streamer');
    }
  });

  test('rights are those of the role that logged in', async () => {
    await lender.application.query('grant pg_monitor to sfsync_apply');
    await setFor('sfsync_apply', { role: 'pg_monitor' });
    const session = await lender.session();
    expect((await session.query('select current_user as is')).rows).toEqual([{ is: 'sfsync_apply' }]);
    await resetFor('sfsync_apply');
  });

  test('triggers that do not run are told', async () => {
    await setFor('sfsync_apply', { session_replication_role: 'replica' });
    await expect(lender.session()).rejects.toMatchObject({
      name: 'ConfigurationError',
      code: 'SESSION_REPLICATION_ROLE',
      message: expect.stringContaining('reset session_replication_role'),
    });
    await resetFor('sfsync_apply');
  });
});

test('values with operators of their own are compared by those, wherever the type lives', async () => {
  const { application } = lender;
  await application.query(
    `create schema ext; create extension citext schema ext; grant usage on schema ext to sfsync_apply`,
  );
  const session = await lender.session();
  const { rows } = await session.query(
    `select 'Ada'::ext.citext = 'ada'::ext.citext as same, current_schemas(false) as path`,
  );
  expect(rows).toEqual([{ same: true, path: '{public,ext}' }]);
});

test('rows that row level security would hide are not missing: the read is refused, and the remedy named', async () => {
  const { application } = lender;
  await application.query('alter table borrowers enable row level security');
  const session = await lender.session();
  await expect(query(session, 'select count(*) from borrowers')).rejects.toMatchObject({
    name: 'ConfigurationError',
    code: 'ROW_SECURITY',
    message: expect.stringMatching(/table borrowers .*alter role sfsync_apply bypassrls/),
  });
  await application.query('create policy all_of_it on borrowers to sfsync_apply using (true)');
  await expect(query(session, 'select count(*) from borrowers')).rejects.toMatchObject({ code: 'ROW_SECURITY' });
});

const old = findInstalledPostgres(15);

describe.skipIf(old === undefined)('PostgreSQL 15', () => {
  test('settings that it does not know are passed over', async () => {
    const { url, shutDown } = await launchInstalled(old as InstalledPostgres);
    try {
      await withDatabase(url, async (session) => {
        await session.query(`alter role postgres set datestyle = 'German'`);
      });
      const { hostname, port } = new URL(url);
      const credentials = {
        host: hostname,
        port: Number(port),
        dbname: 'postgres',
        username: 'postgres',
        password: '',
      };
      const session = await openSession(credentials);
      expect(await shown(session, ['row_security', 'datestyle', 'transaction_timeout'])).toEqual({
        row_security: 'off',
        datestyle: 'ISO, YMD',
        transaction_timeout: null,
      });
      await session.end();
    } finally {
      await shutDown();
    }
  });
});
