import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineSync, text } from '../../../core/mapping/configuration.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { withDatabase } from '../../../postgres/session/administration.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const configuration = defineSync({ objects: { Account: { table: 'accounts', fields: { Name: text('name') } } } });
const TABLE = 'create table accounts (id bigint primary key, name text, salesforce_id text unique)';
/** A deployment of its own: its roles are nobody else's. */
const NAME = 'visibility';

async function database(...statements: readonly string[]): Promise<TestDatabase> {
  const made = await server.createDatabase();
  const owner = await made.client();
  for (const statement of [TABLE, ...statements]) await owner.query(statement);
  return made;
}

function prepare({ url, name }: TestDatabase) {
  return withDatabase(url, (client) => prepareDatabase(client, configuration, { slot: name }), NAME);
}

test.each([
  [
    'alter table accounts enable row level security',
    /accounts: has row level security.*bypassrls \(as a superuser\)$/m,
  ],
  [
    'alter table accounts enable row level security, force row level security',
    /accounts: has row level security.*bypassrls \(as a superuser\)$/m,
  ],
  [
    'create table vip () inherits (accounts)',
    /accounts: vip inherit\(s\) from it, and rows there are published by nothing/,
  ],
  ['create rule quiet as on delete to accounts do instead nothing', /accounts: has rule\(s\) quiet/],
])('%s: is a fault before anything is made', async (statement, fault) => {
  const made = await database(statement);
  await expect(prepare(made)).rejects.toThrow(fault);
  const { rows } = await (await made.client()).query(`select from pg_namespace where nspname like 'sfsync%'`);
  expect(rows).toEqual([]);
});

test('a view is no table', async () => {
  const made = await database(
    'alter table accounts rename to everyone',
    'create view accounts as select * from everyone',
  );
  await expect(prepare(made)).rejects.toThrow(/accounts: is a view, which may hide rows/);
});

test('row level security does no harm to a role that has the rights of the owner, or sees all rows', async () => {
  const made = await database('alter table accounts enable row level security');
  const owner = await made.client();
  await owner.query(`create role sfsync_visibility_apply login bypassrls`).catch(() => undefined);
  await prepare(made);
  await owner.query(
    'alter role sfsync_visibility_apply nobypassrls; alter table sfsync_visibility.link enable row level security',
  );
  await owner.query(
    'create role owner_of_accounts; alter table accounts owner to owner_of_accounts; grant owner_of_accounts to sfsync_visibility_apply',
  );
  await expect(prepare(made)).rejects.toThrow(/1 fault.*\n.*sfsync_visibility: link have row level security/);
  await owner.query('alter table sfsync_visibility.link disable row level security');
  await prepare(made);
  await owner.query('drop owned by owner_of_accounts cascade; drop role owner_of_accounts');
});

test('a partitioned table needs an index for the Salesforce id, and no unique one, which it cannot have', async () => {
  const partitioned = [
    'drop table accounts',
    'create table accounts (id bigint primary key, name text, salesforce_id text) partition by range (id)',
    'create table accounts_1 partition of accounts for values from (0) to (1000)',
  ];
  const made = await database(...partitioned);
  await expect(prepare(made)).rejects.toThrow(/accounts.salesforce_id: has no index/);
  await (await made.client()).query('create index on accounts (salesforce_id)');
  await prepare(made);
});

test('the owner is named as a remedy, unless that is a superuser', async () => {
  const made = await database('alter table accounts enable row level security');
  await (await made.client()).query('create role has_accounts; alter table accounts owner to has_accounts');
  await expect(prepare(made)).rejects.toThrow(
    /bypassrls \(as a superuser\); or grant has_accounts to sfsync_visibility_apply/,
  );
  await (await made.client()).query('drop owned by has_accounts cascade; drop role has_accounts');
});
