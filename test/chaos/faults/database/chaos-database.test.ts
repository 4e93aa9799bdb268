/** A database that keeps its address, whatever dies behind it, and no acknowledged commit. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChaosDatabase } from './chaos-database.ts';

let database: ChaosDatabase;

beforeAll(async () => {
  database = await ChaosDatabase.start();
  await throughAddress('create table kept (n int)');
}, 60_000);
afterAll(() => database.stop(), 60_000);

async function throughAddress(sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

const slots = () =>
  database.query(`select slot_name as name, failover from pg_replication_slots where slot_type = 'logical'`);

/** Goes on reading the slot, as the streamer would: one that nobody reads does not get on, and cannot be carried over. */
function reader(slot: string): AsyncDisposable {
  let ended = false;
  const read = async () => {
    while (!ended) {
      const sql = `select count(*) from pg_logical_slot_get_changes('${slot}', null, null)`;
      await throughAddress(sql).catch(() => undefined);
    }
  };
  const reading = read();
  return {
    async [Symbol.asyncDispose]() {
      ended = true;
      await reading;
    },
  };
}

describe('the database of the chaos run', () => {
  test('is killed, and is there again at its address with every commit', async () => {
    await throughAddress('insert into kept values (1)');
    await database.kill();
    await expect(throughAddress('select 1')).rejects.toThrow();
    await database.startAgain();
    expect((await throughAddress('select n from kept')).rows).toEqual([{ n: 1 }]);
  }, 60_000);

  test('fails over to a standby that has every commit, and the slot', async () => {
    await database.query(`select pg_create_logical_replication_slot('changes', 'test_decoding')`);
    await using _reader = reader('changes');
    expect(
      await database.failOver({ name: 'changes', is: 'carried' }, () => throughAddress('insert into kept values (2)')),
    ).toBe(true);
    expect((await throughAddress('select n from kept order by n')).rows).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await slots()).toEqual([{ name: 'changes', failover: true }]);
  }, 60_000);

  test('fails over once more, and the slot is lost', async () => {
    expect(
      await database.failOver({ name: 'changes', is: 'lost' }, () => throughAddress('insert into kept values (3)')),
    ).toBe(true);
    expect((await throughAddress('select n from kept order by n')).rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await slots()).toEqual([]);
    await throughAddress('insert into kept values (4)');
  }, 60_000);
});
