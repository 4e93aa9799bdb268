/** A second database of a server on which something is prepared already, and faults that are found before anything is made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineSync, text } from '../../../core/mapping/configuration.ts';
import { type PrepareOptions, prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { withDatabase } from '../../../postgres/session/administration.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startOwnPostgres } from '../../support/postgres/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startOwnPostgres();
}, 60_000);
afterAll(() => server.stop());

const configuration = defineSync({ objects: { Account: { table: 'accounts', fields: { Name: text('name') } } } });

async function database(): Promise<TestDatabase> {
  const made = await server.createDatabase();
  await (await made.client()).query(
    'create table accounts (id bigserial primary key, name text, salesforce_id text unique)',
  );
  return made;
}

function prepare({ url, name }: TestDatabase, options: PrepareOptions, as = url) {
  return withDatabase(as, (client) => prepareDatabase(client, configuration, { slot: name, ...options }));
}

const passwords = (password: string) => ({ streamer: password, apply: password });

async function schemas(made: TestDatabase) {
  return (await (await made.client()).query(`select nspname from pg_namespace where nspname = 'sfsync'`)).rowCount;
}

async function verifiers(made: TestDatabase) {
  const sql = `select rolname, rolpassword from pg_authid where rolname like 'sfsync%' order by 1`;
  return (await (await made.client()).query(sql)).rows;
}

test('the passwords of roles that another database uses are changed only when that is meant', async () => {
  const [first, second] = [await database(), await database()];
  await prepare(first, { passwords: passwords('one') });
  const before = await verifiers(first);
  const refused =
    /Nothing was changed.*2 fault.*\n.*role sfsync_streamer exists, and database \w+ use\(s\) it, too.*\n.*sfsync_apply.*--change-passwords/;
  await expect(prepare(second, { passwords: passwords('two') })).rejects.toThrow(refused);
  expect([await schemas(second), await verifiers(first)]).toEqual([0, before]);

  const asked: string[] = [];
  const no = async (changes: readonly string[]) => {
    asked.push(...changes);
    return false;
  };
  await expect(prepare(second, { passwords: passwords('two'), mayChangePasswords: no })).rejects.toThrow(refused);
  expect(asked).toHaveLength(2);

  const same = await prepare(second, { passwords: passwords('one') });
  expect(same.actions).toContainEqual({ what: 'password of sfsync_apply', done: 'unchanged' });
  expect(await verifiers(first)).toEqual(before);
  await prepare(second, { passwords: passwords('two'), mayChangePasswords: true });
  expect(await verifiers(first)).not.toEqual(before);
});

test('a right that is missing is found before anything is made, with all else', async () => {
  const made = await database();
  const owner = await made.client();
  await owner.query(`create role deployer login createrole password 'p'; grant create on database ${made.name} to deployer;
    drop role if exists nothing_of_it; create table more (id bigint)`);
  await owner.query(`create publication sfsync for all tables`);
  const asDeployer = prepare(made, {}, made.urlAs('deployer', 'p'));
  await expect(asDeployer).rejects.toThrow(
    /Nothing was changed.*\n.*Publication sfsync is for all tables.*\n.*accounts belongs to postgres, not to deployer: run prepare as postgres.*\n.*no replication slot/,
  );
  expect(await schemas(made)).toBe(0);
});

test('what fails half-way leaves nothing', async () => {
  const made = await database();
  const owner = await made.client();
  // The rights are there, and a trigger of the server's operator refuses a statement.
  await owner.query(`create function no_publication() returns event_trigger language plpgsql as
    $$ begin raise exception 'not here'; end $$;
    create event trigger no_publication on ddl_command_end when tag in ('CREATE PUBLICATION') execute function no_publication()`);
  await expect(prepare(made, {})).rejects.toThrow('not here');
  expect(await schemas(made)).toBe(0);
  expect((await owner.query('select from pg_replication_slots where slot_name = $1', [made.name])).rowCount).toBe(0);
  await owner.query('drop event trigger no_publication');
  await prepare(made, {});
});

test('a superuser for the Lambdas, and a slot of another program, are found with everything else', async () => {
  const made = await database();
  const owner = await made.client();
  await owner.query(`select pg_create_logical_replication_slot('${made.name}', 'test_decoding')`);
  await owner.query('alter role sfsync_apply superuser');
  await expect(prepare(made, {})).rejects.toThrow(/2 fault.*\n.*sfsync_apply is a superuser.*\n.*test_decoding/);
  await owner.query('alter role sfsync_apply nosuperuser');
  await expect(prepare(made, {})).rejects.toMatchObject({ code: 'FOREIGN_SLOT' });
  expect(await schemas(made)).toBe(0);
});
