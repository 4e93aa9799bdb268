import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { applyApplicationSchema } from '../../../local/postgres/application-schema.ts';
import { startPostgres, type TestDatabase } from '../../support/postgres/postgres.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  const server = await startPostgres();
  database = await server.createDatabase();
  client = await database.client();
  await applyApplicationSchema(client, 'portal');
});
afterAll(() => database[Symbol.asyncDispose]());

test('every mapped column of sync.config.ts is there', async () => {
  const { rows } = await client.query<{ name: string }>(
    "select table_schema || '.' || table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'",
  );
  const columns = new Set(rows.map(({ name }) => name));
  const mapped = configuration.objects.flatMap(({ schema, table, keyColumn, salesforceIdColumn, fields }) =>
    [keyColumn, salesforceIdColumn, ...fields.map(({ column }) => column)].map((c) => `${schema}.${table}.${c}`),
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
  await applyApplicationSchema(client, 'portal');
  const { rows } = await client.query("select name from lenders where salesforce_id = '001000000000001AAA'");
  expect(rows).toEqual([{ name: 'Ostbank' }]);
});

test('the password is set at each start', async () => {
  await applyApplicationSchema(client, 'another');
  const application = new pg.Client({ connectionString: database.urlAs('lender', 'portal') });
  await expect(application.connect()).rejects.toMatchObject({ code: '28P01' });
});
