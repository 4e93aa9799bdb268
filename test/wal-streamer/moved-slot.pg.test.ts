import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import type { TestPostgres } from '../support/postgres/postgres.ts';
import { startPostgres } from '../support/postgres/postgres.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import { startStreamer } from '../support/system/streamer.ts';
import type { StreamerDatabase } from '../support/system/streamer-database.ts';
import { keysOf, slotOf, streamerDatabase } from '../support/system/streamer-database.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

describe('a slot that is not where the streamer left it', () => {
  /** Edits that another reader gets. */
  const ELSEWHERE: readonly [string, (database: StreamerDatabase) => Promise<unknown>][] = [
    [
      'another reader has moved it',
      ({ app, name }) =>
        app.query(
          "select from pg_logical_slot_get_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'sfsync')",
          [name],
        ),
    ],
    [
      'it was advanced by hand',
      ({ app, name }) => app.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [name]),
    ],
    [
      'it was dropped and made anew by hand',
      async ({ app, name }) => {
        await app.query('select pg_drop_replication_slot($1)', [name]);
        await app.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
      },
    ],
  ];

  test.for(ELSEWHERE)('%s: a comparison of all objects is due, once', async ([, move]) => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    const first = startStreamer(database, queues);
    await first.streaming();
    await database.app.query("insert into lenders (name) values ('ours')");
    await queues.until(() => keysOf(queues).includes('1'));
    expect(await first.end('SIGKILL')).toBeNull();
    await database.app.query("insert into lenders (name) values ('theirs')");
    while ((await slotOf(database)).active_pid !== null) await pause(10);
    await move(database);
    const second = startStreamer(database, queues);
    await second.line(({ message }) => message.startsWith('all objects are compared: the replication slot is further'));
    await queues.until(() => queues.comparisons.length === 3);
    expect((await dueComparisons(database.app)).map(({ object, reasons }) => [object, reasons])).toEqual(
      ['Account', 'Contact', 'Opportunity'].map((object) => [object, ['slot moved']]),
    );
    await database.app.query('truncate sfsync.comparison');
    expect(await second.end('SIGKILL')).toBeNull();
    await using third = startStreamer(database, queues);
    await third.streaming();
    expect(await dueComparisons(database.app)).toEqual([]);
  });

  test('another reader moved it before the streamer began for the first time', async () => {
    const database = await streamerDatabase(server);
    await database.app.query("insert into lenders (name) values ('theirs')");
    await database.app.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [database.name]);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    expect(await dueComparisons(database.app)).toHaveLength(3);
  });

  test('a slot that recover-slot or prepare has made begins a numbering of its own', async () => {
    const database = await streamerDatabase(server);
    await database.app.query('select pg_drop_replication_slot($1)', [database.name]);
    await database.app.query("insert into lenders (name) values ('while there was none')");
    await prepareDatabase(database.app, configuration, { slot: database.name });
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    expect(await dueComparisons(database.app)).toEqual([]);
  });

  test('it is on another server, or another timeline: rows may be older than what Salesforce has', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    for (const change of ["system_identifier = '1'", 'timeline = 77']) {
      const before = startStreamer(database, queues);
      await before.streaming();
      expect(await before.end('SIGTERM')).toBe(0);
      await database.app.query(`update sfsync.stream set ${change}`);
      await using streamer = startStreamer(database, queues);
      await streamer.streaming();
      const { rows } = await database.app.query('select reasons, records from sfsync.comparison');
      const reason = change.startsWith('timeline') ? 'timeline changed' : 'server changed';
      expect(rows).toEqual(Array.from({ length: 3 }, () => ({ reasons: [reason], records: true })));
      await database.app.query('truncate sfsync.comparison');
    }
  });
});

test('after a while away, as the database knows it, the records are swept: it may be one that was restored', async () => {
  const database = await streamerDatabase(server);
  await using queues = await startQueueService();
  for (const ago of ['10 seconds', '2 hours']) {
    const before = startStreamer(database, queues);
    await before.streaming();
    expect(await before.end('SIGTERM')).toBe(0);
    await database.app.query(`update sfsync.stream set confirmed_at = now() - interval '${ago}'`);
    expect(queues.sweeps).toEqual([]);
  }
  await using streamer = startStreamer(database, queues);
  await queues.until(() => queues.sweeps.length === 3);
  expect(await dueComparisons(database.app)).toEqual([]);
  await streamer.streaming();
});
