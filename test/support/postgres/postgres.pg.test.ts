import { expect, test } from 'vitest';
import { startPostgres } from './postgres.ts';

test('each database is empty, decodes logically, and is gone with its slots after the test', async () => {
  const server = await startPostgres();
  const database = await server.createDatabase();
  const client = await database.client();
  const { rows } = await client.query("select current_setting('wal_level') as level, current_database() as name");
  expect(rows).toEqual([{ level: 'logical', name: database.name }]);
  await client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [database.name]);

  await database[Symbol.asyncDispose]();

  const other = await (await server.createDatabase()).client();
  const left = await other.query(
    `select datname from pg_database where datname = $1
     union all select slot_name from pg_replication_slots where slot_name = $1`,
    [database.name],
  );
  expect(left.rows).toEqual([]);
  await server.stop();
});
