import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLsn } from '../../core/contracts/lsn.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import type { TestPostgres } from '../support/postgres/postgres.ts';
import { startOwnPostgres, startPostgres } from '../support/postgres/postgres.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import type { StreamerProcess } from '../support/system/streamer.ts';
import { startStreamer } from '../support/system/streamer.ts';
import { caughtUp, confirmedUpToNow, keysOf, slotOf, streamerDatabase } from '../support/system/streamer-database.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

describe('what may happen to it', () => {
  test('SIGTERM: publishes what it has read, confirms it and exits with 0', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    const streamer = startStreamer(database, queues);
    await streamer.streaming();
    const gate = Promise.withResolvers<void>();
    queues.gate = gate.promise;
    await database.app.query("insert into lenders (name) values ('first')");
    await queues.until(() => queues.arrived > 0);
    await database.app.query("insert into lenders (name) values ('behind the first')");
    const { rows } = await database.app.query<{ now: string }>('select pg_current_wal_insert_lsn()::text as now');
    await caughtUp(database);
    const stopping = streamer.line(({ message }) => message === 'stopping');
    const ended = streamer.end('SIGTERM');
    await stopping;
    gate.resolve();
    expect(await ended).toBe(0);
    expect(keysOf(queues)).toEqual(['1', '2']);
    expect(queues.announced.at(-1)).toBe('Account');
    expect(parseLsn((await slotOf(database)).confirmed)).toBeGreaterThanOrEqual(parseLsn(rows[0]?.now ?? '0/0'));
  });

  test('SIGTERM while the queue is away: exits within seconds, and nothing is confirmed', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    const streamer = startStreamer(database, queues);
    await streamer.streaming();
    queues.away = true;
    await database.app.query("insert into lenders (name) values ('not yet')");
    await streamer.line(({ message }) => message === 'changes cannot be published');
    const asked = performance.now();
    expect(await streamer.end('SIGTERM')).toBe(0);
    expect(performance.now() - asked).toBeLessThan(9_000);
    queues.away = false;
    await using next = startStreamer(database, queues);
    await next.streaming();
    await queues.until(() => keysOf(queues).includes('1'));
  });

  test('kill -9 at any moment loses nothing', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    const faults = ['error', 'accept, no answer', 'refuse the first'] as const;
    let written = 0;
    let writing = true;
    const writer = (async () => {
      const app = await database.client();
      while (writing) {
        // Transactions of one row and of many, some rolled back, in two tables.
        await app.query('begin');
        const rows = written % 7 === 0 ? 3_000 : 1;
        await app.query("insert into lenders (name) select 'n' from generate_series(1, $1)", [rows]);
        await app.query("update lenders set phone = '1' where id % 97 = $1 % 97", [written]);
        await app.query(written % 11 === 5 ? 'rollback' : 'commit');
        written++;
      }
    })();
    for (let kill = 0; kill < 5; kill++) {
      const streamer = startStreamer(database, queues);
      await streamer.streaming();
      queues.next.push(...faults);
      const before = queues.messages.length;
      // At different places: right after the first answer, and after some more.
      await queues.until(() => queues.messages.length > before + kill);
      await streamer.end('SIGKILL');
    }
    writing = false;
    await writer;
    const { rows } = await database.app.query<{ id: string }>('select id::text from lenders');
    await using last = startStreamer(database, queues);
    await last.streaming();
    await confirmedUpToNow(database);
    const seen = new Set(keysOf(queues));
    expect(rows.filter(({ id }) => !seen.has(id))).toEqual([]);
    expect(await dueComparisons(database.app)).toEqual([]);
    expect(rows.length).toBeGreaterThan(3_000);
  }, 120_000);

  test('its backend is terminated: it connects again', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    const { active_pid } = await slotOf(database);
    await database.app.query('select pg_terminate_backend($1)', [active_pid]);
    expect(await streamer.line(({ level }) => level === 'WARN')).toMatchObject({
      message: 'the stream broke: connect again',
      code: '57P01',
    });
    await database.app.query("insert into lenders (name) values ('after')");
    await queues.until(() => keysOf(queues).includes('1'));
  });

  test('the server is restarted: it connects again, and nothing is missing', async () => {
    await using stack = new AsyncDisposableStack();
    const own = await startOwnPostgres();
    stack.defer(() => own.stop());
    const database = await streamerDatabase(own);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await database.app.query("insert into lenders (name) values ('before')");
    await own.restart();
    const app = await database.client();
    await app.query("insert into lenders (name) values ('after')");
    await queues.until(() => keysOf(queues).includes('2'));
    expect(keysOf(queues)).toContain('1');
    const streaming = () => streamer.lines.filter(({ message }) => message.startsWith('streaming from'));
    await streamer.line(() => streaming().length === 2);
    expect(await dueComparisons(app)).toEqual([]);
  });

  test('the database is away: a streamer that tries again is healthy, and stops when asked', async () => {
    const database = await streamerDatabase(server);
    const directory = await mkdtemp(join(tmpdir(), 'sfsync-heartbeat-'));
    const file = join(directory, 'heartbeat');
    try {
      await using queues = await startQueueService();
      await using streamer = startStreamer(database, queues, { HEARTBEAT_FILE: file, PGPORT: '1' });
      expect(await streamer.line(({ level }) => level === 'WARN')).toMatchObject({
        message: 'the stream broke: connect again',
        code: 'ECONNREFUSED',
      });
      const beat = async () => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
      while ((await beat()) === 0) await pause(20);
      const first = await beat();
      while ((await beat()) === first) await pause(20);
      expect(await streamer.end('SIGTERM')).toBe(0);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('another streamer has the slot: it waits, and takes over when that one ends', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    const first = startStreamer(database, queues);
    await first.streaming();
    await using second = startStreamer(database, queues);
    expect(await second.line(({ level }) => level === 'WARN')).toMatchObject({
      message: 'the stream broke: wait for the slot',
      code: '55006',
    });
    expect(await first.end('SIGTERM')).toBe(0);
    await second.streaming();
    await database.app.query("insert into lenders (name) values ('after')");
    await queues.until(() => keysOf(queues).includes('1'));
  });

  test.each([
    ['its slot', 'select pg_drop_replication_slot($1)', /replication slot \S+ does not exist: run `sfsync prepare`/],
    ['its publication', 'drop publication sfsync', /publication sfsync does not exist: run `sfsync prepare`/],
  ])('without %s it stops, says what to do, and makes nothing', async (_, statement, advice) => {
    const database = await streamerDatabase(server);
    await database.app.query(statement, statement.includes('$1') ? [database.name] : []);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    expect(await streamer.exit()).toBe(2);
    expect(streamer.lines.at(-1)?.message).toMatch(advice);
  });

  test('a mapped table gets another name, and another table has its name: edits are missing, which is told and compared', async () => {
    const database = await streamerDatabase(server);
    const { app } = database;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query("insert into lenders (name) values ('before')");
    await app.query('create table lenders_new (like lenders including all)');
    await app.query(
      'begin; alter table lenders rename to lenders_old; alter table lenders_new rename to lenders; commit',
    );
    const told = await streamer.line(({ message }) => message === 'edits do not come through the slot');
    expect(told).toMatchObject({
      object: 'Account',
      faults: expect.arrayContaining([expect.stringContaining('not in the publication')]),
    });
    await streamer.line(({ message }) => message === 'a comparison is due');
    await queues.until(() => queues.comparisons.includes('Account'));
    // What others write still arrives, and so does this table's again when prepare has mended the publication.
    await app.query("insert into borrowers (last_name) values ('of another table')");
    await queues.until(() => keysOf(queues, 'Contact').length > 0);
    await app.query('truncate sfsync.comparison');
    const { warnings } = await prepareDatabase(app, configuration, { slot: database.name });
    expect(warnings.join()).toMatch(/Account is compared by the deployment now/);
    expect((await dueComparisons(app)).map(({ object, reasons }) => [object, reasons])).toEqual([
      ['Account', ['publication changed']],
    ]);
    await streamer.line(({ message }) => message === 'edits come through the slot again');
    await app.query("insert into lenders (id, name) values (77, 'in the new table')");
    await queues.until(() => keysOf(queues).includes('77'));
  });

  test('the health check sees that it is alive', async () => {
    const database = await streamerDatabase(server);
    const directory = await mkdtemp(join(tmpdir(), 'sfsync-heartbeat-'));
    const file = join(directory, 'heartbeat');
    try {
      await using queues = await startQueueService();
      await using streamer = startStreamer(database, queues, { HEARTBEAT_FILE: file });
      await streamer.streaming();
      await database.app.query("insert into lenders (name) values ('a beat')");
      await queues.until(() => queues.messages.length > 0);
      expect(Date.now() - (await stat(file)).mtimeMs).toBeLessThan(10_000);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('a transaction of 300,000 rows passes through little memory, also when it is left in the middle', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    const first = startStreamer(database, queues);
    await first.streaming();
    const gate = Promise.withResolvers<void>();
    queues.gate = gate.promise;
    await database.app.query("insert into lenders (name) select 'n' || n from generate_series(1, 300000) n");
    // The queue answers no request, so the stream is held up somewhere in the middle.
    await queues.until(() => queues.arrived >= 3);
    await pause(500);
    expect(await peakMegabytes(first)).toBeLessThan(150);
    const stopping = first.line(({ message }) => message === 'stopping');
    const ended = first.end('SIGTERM');
    await stopping;
    gate.resolve();
    expect(await ended).toBe(0);
    const half = new Set(keysOf(queues)).size;
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(300_000);

    await using second = startStreamer(database, queues);
    await second.streaming();
    await queues.until(() => queues.messages.some(({ keys }) => keys.some(([key]) => key === '300000')));
    await confirmedUpToNow(database);
    expect(new Set(keysOf(queues)).size).toBe(300_000);
    expect(await peakMegabytes(second)).toBeLessThan(150);
  });
});

/** The most that the process ever had in memory; 0 where the system does not report it. */
async function peakMegabytes(streamer: StreamerProcess): Promise<number> {
  const status = await readFile(`/proc/${streamer.process.pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
