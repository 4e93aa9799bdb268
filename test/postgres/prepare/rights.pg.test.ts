/** What the Lambdas' role needs beside its tables: granted where the catalogs say it, else found by trying. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDrift } from '../../../cli/check/drift.ts';
import { defineSync, text } from '../../../core/mapping/configuration.ts';
import { type Prepared, prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { withDatabase } from '../../../postgres/session/administration.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const NAME = 'rights';
const APPLY = 'sfsync_rights_apply';
const configuration = defineSync({ objects: { Account: { table: 'accounts', fields: { Name: text('name') } } } });
const TABLE = `create table accounts (id bigserial primary key, name text, salesforce_id text unique);
  insert into accounts (name, salesforce_id) values ('Acme', '001000000000001AAA')`;

async function database(...statements: readonly string[]): Promise<TestDatabase> {
  const made = await server.createDatabase();
  for (const statement of statements) await (await made.client()).query(statement);
  return made;
}

function prepare({ url, name }: TestDatabase): Promise<Prepared> {
  return withDatabase(url, (client) => prepareDatabase(client, configuration, { slot: name }), NAME);
}

/** What `sfsync check` has to say. */
async function check({ url, name }: TestDatabase): Promise<string[]> {
  const drifts = await withDatabase(url, (client) => findDrift(client, undefined, configuration, name), NAME);
  return drifts.map(({ text: found }) => found);
}

const trigger = (body: string, options = '') => `create function audit() returns trigger language plpgsql ${options} as
  $$ begin ${body} return new; end $$; create trigger audit after insert or update on accounts for each row execute function audit()`;

test('a table that is as it should be has no finding, and is as it was', async () => {
  const made = await database(TABLE);
  expect((await prepare(made)).warnings).toEqual([]);
  expect(await check(made)).toEqual([]);
  const { rows } = await (await made.client()).query('select name, salesforce_id from accounts');
  expect(rows).toEqual([{ name: 'Acme', salesforce_id: '001000000000001AAA' }]);
});

test('types, functions and sequences of other schemas are granted', async () => {
  const made = await database(
    `create schema types; create schema helpers; create extension citext schema types;
     create type types.level as enum ('low', 'high');
     create function helpers.next_key() returns bigint language sql as $$ select (random() * 1e9)::bigint $$;
     revoke execute on function helpers.next_key() from public;
     create table accounts (id bigint primary key default helpers.next_key(), name types.citext, salesforce_id text unique, level types.level)`,
  );
  await prepare(made);
  expect(await check(made)).toEqual([]);
  const owner = await made.client();
  await owner.query(`set role ${APPLY}`);
  await owner.query(
    `insert into accounts (name, level) values ('a', 'low'); update accounts set name = 'A'::types.citext`,
  );
  await owner.query(`reset role; revoke usage on schema types from ${APPLY}`);
  expect(await check(made)).toEqual([
    `grant usage on schema types to ${APPLY}: run \`sfsync prepare\`, which grants it`,
  ]);
  await owner.query(`revoke update on accounts from ${APPLY}`);
  expect(await check(made)).toContain(`accounts: ${APPLY} may not update: run \`sfsync prepare\`, which grants it`);
});

test('a trigger that writes where the role may not is found by trying', async () => {
  const made = await database(
    TABLE,
    'create schema logs; create table logs.entry (what text)',
    trigger(`insert into logs.entry values ('written');`),
  );
  const fault =
    /^public.accounts: a write by sfsync_rights_apply fails in audit\(\): permission denied for schema logs.*security definer$/;
  expect((await prepare(made)).warnings).toEqual([expect.stringMatching(fault)]);
  expect(await check(made)).toEqual([expect.stringMatching(fault)]);
  const owner = await made.client();
  await owner.query(`grant usage on schema logs to ${APPLY}; grant insert on logs.entry to ${APPLY}`);
  expect(await check(made)).toEqual([]);
  expect((await owner.query('select from logs.entry')).rowCount).toBe(0);
});

test('a trigger that finds its table by the search path of the application is found, and mended by a setting of the role', async () => {
  const made = await database(
    TABLE,
    'create schema app; create table app.entry (what text)',
    trigger(`insert into entry values ('written');`),
  );
  const owner = await made.client();
  await owner.query(`alter database ${made.name} set search_path = public`);
  await prepare(made);
  await owner.query(`grant usage on schema app to ${APPLY}; grant insert on app.entry to ${APPLY}`);
  expect(await check(made)).toEqual([expect.stringMatching(/relation "entry" does not exist.*set search_path/)]);
  await owner.query(`alter role ${APPLY} in database ${made.name} set search_path = public, app`);
  expect(await check(made)).toEqual([]);
});

test('a row that cannot be copied is updated as it is; what refuses the row alone is no finding', async () => {
  const made = await database(
    `create table accounts (id bigint primary key, name text not null check (name = 'Acme'), salesforce_id text unique,
       code text not null unique check (code = 'only one'));
     insert into accounts values (1, 'Acme', null, 'only one')`,
    'create schema logs; create table logs.entry (what text)',
    trigger(`insert into logs.entry values ('written');`),
  );
  await prepare(made);
  expect(await check(made)).toEqual(
    expect.arrayContaining([expect.stringMatching(/permission denied for schema logs/)]),
  );
});

test('what may act outside of a transaction is not tried', async () => {
  const made = await database(TABLE, trigger(`perform dblink('dbname=other', 'insert ...');`));
  await prepare(made);
  expect(await check(made)).toEqual([expect.stringMatching(/writes were not tried, for audit\(\) may act outside/)]);
});
