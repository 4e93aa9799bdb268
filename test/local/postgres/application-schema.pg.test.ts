import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { applyApplicationSchema } from '../../../local/postgres/application-schema.ts';
import { LENDER_SCHEMA } from '../../support/postgres/lender-schema.ts';
import { startPostgres, type TestDatabase } from '../../support/postgres/postgres.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  const server = await startPostgres();
  database = await server.createDatabase();
  client = await database.client();
  await applyApplicationSchema(client, LENDER_SCHEMA, 'portal');
});
afterAll(() => database[Symbol.asyncDispose]());

test('every mapped column of sync.config.ts is there', async () => {
  const { rows } = await client.query<{ name: string }>(
    "select table_schema || '.' || table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'",
  );
  const columns = new Set(rows.map(({ name }) => name));
  const mapped = configuration.objects.flatMap(({ schema, table, keyColumns, salesforceIdColumn, fields }) =>
    [...keyColumns, salesforceIdColumn, ...fields.map(({ column }) => column)].map((c) => `${schema}.${table}.${c}`),
  );
  expect(mapped.filter((name) => !columns.has(name))).toEqual([]);
});

test('the application may work on its tables and set the time of change by itself', async () => {
  const application = await database.client(database.urlAs('lender', 'portal'));
  const { rows } = await application.query<{ id: string }>(
    "insert into lenders (name, updated_at) values ('Nordbank', '2020-01-01') returning id",
  );
  await application.query('insert into borrowers (last_name, lender_id) values ($1, $2)', ['Krüger', rows[0]?.id]);
  await application.query("update lenders set phone = '030 1' where id = $1", [rows[0]?.id]);
  const touched = await application.query<{ recent: boolean }>(
    "select updated_at > now() - interval '1 minute' as recent from lenders",
  );
  expect(touched.rows).toEqual([{ recent: true }]);
});

test.each([
  ['lenders', '(phone)', "('030')", '23502'],
  ['borrowers', '(first_name)', "('Ada')", '23502'],
  ['loan_applications', '(title, stage)', "('House', 'Prospecting')", '23502'],
  ['borrowers', '(last_name, lender_id)', "('Kay', gen_random_uuid())", '23503'],
])('%s refuses %s = %s', async (table, columns, values, code) => {
  await expect(client.query(`insert into ${table} ${columns} values ${values}`)).rejects.toMatchObject({ code });
});

test('a lender may come after its borrower within one transaction', async () => {
  await client.query('begin');
  await client.query('set constraints all deferred');
  await client.query(
    "insert into borrowers (last_name, lender_id) values ('Lee', '7d0c0000-0000-4000-8000-000000000001')",
  );
  await client.query("insert into lenders (id, name) values ('7d0c0000-0000-4000-8000-000000000001', 'Südbank')");
  await expect(client.query('commit')).resolves.toMatchObject({ command: 'COMMIT' });
});

test('applying it again keeps the data', async () => {
  await client.query("insert into lenders (name, salesforce_id) values ('Ostbank', '001000000000001AAA')");
  await applyApplicationSchema(client, LENDER_SCHEMA, 'portal');
  const { rows } = await client.query("select name from lenders where salesforce_id = '001000000000001AAA'");
  expect(rows).toEqual([{ name: 'Ostbank' }]);
});

test('the password is set at each start', async () => {
  await applyApplicationSchema(client, LENDER_SCHEMA, 'another');
  const application = new pg.Client({ connectionString: database.urlAs('lender', 'portal') });
  await expect(application.connect()).rejects.toMatchObject({ code: '28P01' });
});

test('a role that something else has made keeps its password', async () => {
  await client.query("create role accounting login password 'its own'");
  await applyApplicationSchema(client, { ...LENDER_SCHEMA, role: 'accounting' }, 'another');
  const application = new pg.Client({ connectionString: database.urlAs('accounting', 'its own') });
  await application.connect();
  await application.end();
  await client.query('drop role accounting');
});

describe("a team's own schema", () => {
  let directory: string;
  let own: pg.Client;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sfsync-schema-'));
    own = await (await (await startPostgres()).createDatabase()).client();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const PROPERTIES = { schema: 'public', table: 'Properties' };
  async function apply(text: string | undefined, tables = [PROPERTIES]): Promise<void> {
    const file = text === undefined ? undefined : join(directory, 'schema.sql');
    if (file !== undefined) await writeFile(file, text ?? '');
    await applyApplicationSchema(own, { file, tables, role: 'lender' }, 'portal');
  }

  test('without a file, tables that are missing are named', async () => {
    await expect(apply(undefined)).rejects.toThrow('The database has no table public."Properties": put');
  });

  test('a fault in the file is reported with its line, and nothing of the file stays', async () => {
    await expect(apply('create table kept ();\n\ncreate table "Properties" (id uid);')).rejects.toThrow(
      /schema\.sql:3: type "uid" does not exist/,
    );
    expect((await own.query("select to_regclass('kept') as kept")).rows).toEqual([{ kept: null }]);
  });

  test('a dump of pg_dump is taken as it is, once', async () => {
    const dump = '\\restrict key\nset client_encoding = \'UTF8\';\ncreate table "Properties" ();\n\\unrestrict key\n';
    await apply(dump);
    await apply(dump);
    await apply(undefined);
    expect((await own.query('select from "Properties"')).rowCount).toBe(0);
    const { rows } = await own.query(
      `select has_table_privilege('lender', '"Properties"', 'insert, update') as granted`,
    );
    expect(rows).toEqual([{ granted: true }]);
  });

  test('a new table beside those that are there needs a script that bears it', async () => {
    const tables = [PROPERTIES, { schema: 'public', table: 'valuations' }];
    const script = 'create table "Properties" (); create table valuations ();';
    await expect(apply(script, tables)).rejects.toThrow(/already exists\. Start with --fresh, or write/);
    await apply(script.replaceAll('table', 'table if not exists'), tables);
    expect((await own.query('select from valuations')).rowCount).toBe(0);
  });
});
