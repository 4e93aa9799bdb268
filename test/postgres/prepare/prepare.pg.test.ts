import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import { ConfigurationError } from '../../../core/errors.ts';
import type { SyncDefinition } from '../../../core/mapping/configuration.ts';
import { defineSync, reference, text } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../../support/postgres/lender-tables.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function lenderDatabase(): Promise<TestDatabase> {
  const database = await server.createDatabase();
  const owner = await database.client();
  await owner.query(LENDER_TABLES);
  return database;
}

async function prepare(database: TestDatabase, definition = configuration) {
  return prepareDatabase(await database.client(), definition, { passwords: TEST_PASSWORDS, slot: database.name });
}

describe('prepare', () => {
  test('makes everything in the right order, and a second run changes nothing', async () => {
    const database = await lenderDatabase();
    const first = await prepare(database);
    expect(first.marking).toBe('origin');
    expect(first.warnings).toEqual([]);

    const second = await prepareDatabase(await database.client(), configuration, { slot: database.name });
    expect(second.actions.filter(({ done }) => done === 'created' || done === 'changed')).toEqual([]);
    const owner = await database.client();
    const { rows } = await owner.query(
      `select tablename from pg_publication_tables where pubname = 'sfsync' order by tablename`,
    );
    expect(rows.map(({ tablename }) => tablename)).toEqual(['borrowers', 'lenders', 'loan_applications']);
    const slot = await owner.query('select plugin from pg_replication_slots where slot_name = $1', [database.name]);
    expect(slot.rows).toEqual([{ plugin: 'pgoutput' }]);
  });

  test('lets the apply role do its work, and nothing more', async () => {
    const database = await lenderDatabase();
    await prepare(database);
    await (await database.client()).query('create table public.secrets (id int primary key)');
    const apply = await database.client(database.urlAs(DEFAULT_NAMES.applyRole, TEST_PASSWORDS.apply));

    await apply.query("insert into lenders (name) values ('Northwind')");
    await apply.query("insert into borrowers (last_name) values ('Okafor')");
    await apply.query("insert into sfsync.link (object, salesforce_id) values ('Account', '001000000000001AAA')");
    for (let n = 0; n < configuration.settings.origins; n++) {
      // Another test file may hold it right now: that it may be tried is what counts here.
      await apply
        .query('select pg_replication_origin_session_setup($1)', [`sfsync_${n}`])
        .then(() => apply.query('select pg_replication_origin_session_reset()'))
        .catch((error) => expect(error.code).toBe('55006'));
    }
    await expect(apply.query('select * from secrets')).rejects.toMatchObject({ code: '42501' });
    await expect(apply.query("select pg_replication_origin_create('sfsync_more')")).rejects.toMatchObject({
      code: '42501',
    });
  });

  test('lets the streamer role read the WAL, and no table', async () => {
    const database = await lenderDatabase();
    await prepare(database);
    const streamer = await database.client(database.urlAs(DEFAULT_NAMES.streamerRole, TEST_PASSWORDS.streamer));
    await expect(streamer.query('select * from lenders')).rejects.toMatchObject({ code: '42501' });
    await expect(streamer.query('select * from sfsync.link')).rejects.toMatchObject({ code: '42501' });
    const { rows } = await streamer.query('select rolreplication from pg_roles where rolname = current_user');
    expect(rows).toEqual([{ rolreplication: true }]);
  });

  test('publishes exactly the mapped tables when the mapping changes', async () => {
    const database = await lenderDatabase();
    await prepare(database);
    await prepare(database, defineSync({ objects: { Account: { table: 'lenders', fields: { Name: text('name') } } } }));
    const owner = await database.client();
    const { rows } = await owner.query(`select tablename from pg_publication_tables where pubname = 'sfsync'`);
    expect(rows).toEqual([{ tablename: 'lenders' }]);
  });

  test('makes the publication again, and warns that the slot is older', async () => {
    const database = await lenderDatabase();
    await prepare(database);
    await (await database.client()).query('drop publication sfsync');
    const { warnings, actions } = await prepare(database);
    expect(actions).toContainEqual({ what: 'publication sfsync of 3 tables', done: 'created' });
    expect(warnings).toEqual([expect.stringContaining(`slot ${database.name} is older than its publication`)]);
  });

  test('refuses a slot of that name that is not ours', async () => {
    const database = await lenderDatabase();
    const owner = await database.client();
    await owner.query("select pg_create_logical_replication_slot($1, 'test_decoding')", [database.name]);
    await expect(prepare(database)).rejects.toMatchObject({ name: 'ConfigurationError', code: 'FOREIGN_SLOT' });
  });

  test('reports all faults at once and then makes nothing', async () => {
    const database = await server.createDatabase();
    const owner = await database.client();
    await owner.query(`
      create table lenders (id bigint, salesforce_id text, name text);
      create unlogged table borrowers (id timestamptz primary key, salesforce_id char(18) unique, born timestamp,
                                       lender uuid not null);
      create table secured (id int primary key, salesforce_id text unique, name int);
      alter table secured enable row level security;
      alter table secured replica identity nothing;`);
    const definition: SyncDefinition = {
      objects: {
        Account: { table: 'lenders', fields: { Name: text('name'), Phone: text('phone') } },
        Contact: {
          table: 'borrowers',
          fields: { Born__c: { column: 'born', type: 'datetime' }, AccountId: reference('lender', 'Account') },
        },
        Secured__c: { table: 'secured', fields: { Name: text('name') } },
        Lost__c: { table: 'nowhere.lost', fields: { Name: text('name') } },
      },
    };
    const error = await prepare(database, defineSync(definition)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message.split('\n')).toEqual([
      'The database has 12 fault(s):',
      expect.stringContaining('public.lenders: has no primary key'),
      expect.stringContaining('public.lenders.salesforce_id: must be unique'),
      expect.stringContaining('public.lenders.phone: the column does not exist'),
      expect.stringContaining('public.borrowers: is unlogged'),
      expect.stringContaining('public.borrowers.id: is of type timestamptz; a key is one of'),
      expect.stringContaining('public.borrowers.salesforce_id: must be text'),
      expect.stringContaining(
        'public.borrowers.born: is of type timestamp; Born__c is mapped as datetime, which needs timestamptz',
      ),
      expect.stringContaining('public.borrowers.lender: is of type uuid, the key of Account is int8'),
      expect.stringContaining('public.secured: has row level security'),
      expect.stringContaining('public.secured: has replica identity nothing'),
      expect.stringContaining('public.secured.name: is of type int4; Name is mapped as text'),
      expect.stringContaining('nowhere.lost: does not exist'),
    ]);
    const { rows } = await owner.query("select to_regnamespace('sfsync') as schema");
    expect(rows).toEqual([{ schema: null }]);
  });

  test('the dry run prints the SQL, keeps the password to itself and changes nothing', async () => {
    const database = await lenderDatabase();
    const lines: string[] = [];
    await prepareDatabase(await database.client(), configuration, {
      dryRun: true,
      slot: database.name,
      passwords: { streamer: 'hush-hush' },
      log: (line) => lines.push(line),
    });
    const sql = lines.join('\n');
    expect(sql).toContain('create table sfsync.link');
    expect(sql).toContain('create publication sfsync for table "public"."lenders"');
    expect(sql.indexOf('create publication')).toBeLessThan(sql.indexOf('pg_create_logical_replication_slot'));
    expect(sql).not.toContain('hush-hush');
    const { rows } = await (await database.client()).query("select to_regnamespace('sfsync') as schema");
    expect(rows).toEqual([{ schema: null }]);
  });

  test('several at once end well, in one database and in another one of the server', async () => {
    const [one, other] = [await lenderDatabase(), await lenderDatabase()];
    await Promise.all([prepare(one), prepare(one), prepare(other)]);
    const { rows } = await (await one.client()).query('select name from sfsync.migration order by name');
    expect(rows.map(({ name }) => name)).toEqual((await readdir('sql')).sort());
  });

  test('warns of columns that a new record would leave empty', async () => {
    const database = await server.createDatabase();
    const owner = await database.client();
    await owner.query(
      'create table lenders (id uuid primary key, salesforce_id text unique, name text, branch text not null)',
    );
    const { warnings } = await prepare(
      database,
      defineSync({ objects: { Account: { table: 'lenders', fields: { Name: text('name') } } } }),
    );
    expect(warnings).toEqual([
      expect.stringContaining('public.lenders.id: allows no null'),
      expect.stringContaining('public.lenders.branch: allows no null'),
    ]);
  });
});
