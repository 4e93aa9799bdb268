import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLsn } from '../../core/contracts/lsn.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../support/postgres/lender-tables.ts';
import type { TestDatabase, TestPostgres } from '../support/postgres/postgres.ts';
import { startOwnPostgres, startPostgres } from '../support/postgres/postgres.ts';
import type { QueueService } from '../support/system/queue-service.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import type { StreamerProcess } from '../support/system/streamer.ts';
import { startStreamer } from '../support/system/streamer.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function preparedDatabase(on: TestPostgres = server): Promise<TestDatabase & { readonly app: pg.Client }> {
  const database = await on.createDatabase();
  const app = await database.client();
  await app.query(LENDER_TABLES);
  await prepareDatabase(app, configuration, { passwords: TEST_PASSWORDS, slot: database.name });
  return { ...database, app };
}

async function slotOf(database: TestDatabase & { readonly app: pg.Client }) {
  const { rows } = await database.app.query<{ confirmed: string; active_pid: number | null; behind: string }>(
    `select confirmed_flush_lsn::text as confirmed, active_pid, pg_current_wal_insert_lsn() - confirmed_flush_lsn as behind
       from pg_replication_slots where slot_name = $1`,
    [database.name],
  );
  return rows[0] ?? { confirmed: '0/0', active_pid: null, behind: '0' };
}

/** A slot sends no signal: it is asked until it has confirmed everything up to now. */
async function confirmedUpToNow(database: TestDatabase & { readonly app: pg.Client }): Promise<void> {
  const { rows } = await database.app.query<{ now: string }>('select pg_current_wal_insert_lsn()::text as now');
  const now = parseLsn(rows[0]?.now ?? '0/0');
  while (parseLsn((await slotOf(database)).confirmed) < now) await pause(20);
}

/** The server has sent everything up to now, whatever is confirmed. */
async function caughtUp(database: TestDatabase & { readonly app: pg.Client }): Promise<void> {
  const { rows } = await database.app.query<{ now: string }>('select pg_current_wal_insert_lsn()::text as now');
  const now = parseLsn(rows[0]?.now ?? '0/0');
  for (;;) {
    const sent = await database.app.query<{ sent: string | null }>(
      `select r.sent_lsn::text as sent from pg_stat_replication r
         join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = $1`,
      [database.name],
    );
    if (parseLsn(sent.rows[0]?.sent ?? '0/0') >= now) return;
    await pause(20);
  }
}

function keysOf(queues: QueueService, object = 'Account'): string[] {
  return queues.messages.filter((message) => message.object === object).flatMap(({ keys }) => keys.map(([key]) => key));
}

describe('what is published', () => {
  test('which rows changed and how, with the exact transactions; announced and confirmed', async () => {
    const database = await preparedDatabase();
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    expect((await streamer.streaming()).level).toBe('INFO');
    await database.app.query('begin');
    const { rows } = await database.app.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    await database.app.query("insert into lenders (name) values ('Northwind'), ('Contoso')");
    await database.app.query("update lenders set name = 'Fabrikam' where id = 1");
    await database.app.query('commit');
    await queues.until(() => queues.messages.length === 1);
    expect(queues.messages[0]).toEqual({
      object: 'Account',
      keys: [
        ['1', 'update'],
        ['2', 'insert'],
      ],
      position: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      committedAt: expect.stringMatching(/Z$/),
      transactions: [rows[0]?.xid],
    });
    await queues.until(() => queues.announced.includes('Account'));
    await confirmedUpToNow(database);
    const published = await streamer.line(({ message }) => message === 'published');
    expect(published).toMatchObject({ object: 'Account', keys: 2, position: queues.messages[0]?.position });
    expect(JSON.stringify(streamer.lines)).not.toMatch(/Northwind|Fabrikam|-password/);
  });

  test('every kind of key, and both keys of a row whose key changes, under each replica identity', async () => {
    const database = await preparedDatabase();
    const { app } = database;
    await app.query('alter table borrowers replica identity full');
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query("insert into lenders (id, name) values (7, 'a')");
    await app.query('update lenders set id = 8 where id = 7');
    await app.query("insert into borrowers (id, last_name) values (7, 'b')");
    await app.query("update borrowers set id = 8, last_name = 'c' where id = 7");
    await app.query("update borrowers set last_name = 'd'");
    await app.query('delete from borrowers');
    await app.query("insert into loan_applications (id) values ('6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10')");
    await confirmedUpToNow(database);
    expect(new Set(keysOf(queues))).toEqual(new Set(['7', '8']));
    expect(
      queues.messages
        .flatMap(({ keys }) => keys)
        .filter(([key]) => key === '7')
        .at(-1)?.[1],
    ).toBe('delete');
    expect(new Set(keysOf(queues, 'Contact'))).toEqual(new Set(['7', '8']));
    expect(keysOf(queues, 'Opportunity')).toEqual(['6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10']);
  });

  test('nothing of our own transactions, marked by origin or by message; but another feed is not ours', async () => {
    const database = await preparedDatabase();
    const { app } = database;
    const another = `feed_${database.name}`;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await withOrigin(app, 'sfsync_', "insert into lenders (name) values ('own')");
    await app.query('begin');
    await app.query("select pg_logical_emit_message(true, 'sfsync', 'echo')");
    await app.query("insert into lenders (name) values ('own, too')");
    await app.query('commit');
    // The other feed starts after the stream.
    await app.query('select pg_replication_origin_create($1)', [another]);
    await withOrigin(app, another, "insert into lenders (id, name) values (500, 'fed')");
    await app.query("insert into lenders (id, name) values (1000, 'the application')");
    await queues.until(() => keysOf(queues).includes('1000'));
    expect(keysOf(queues)).toEqual(['500', '1000']);
    await app.query('select pg_replication_origin_drop($1)', [another]);
  });

  test('of truncated tables that their rows are gone, with the transaction', async () => {
    const database = await preparedDatabase();
    const { app } = database;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query('begin');
    const { rows } = await app.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    await app.query("insert into borrowers (last_name) values ('short-lived')");
    await app.query('truncate lenders, borrowers, loan_applications');
    await app.query("insert into borrowers (last_name) values ('new')");
    await app.query('commit');
    await confirmedUpToNow(database);
    const truncates = queues.messages.filter(({ truncated }) => truncated === true);
    expect(truncates.sort((a, b) => a.object.localeCompare(b.object))).toEqual(
      ['Account', 'Contact', 'Opportunity'].map((object) => ({
        object,
        keys: [],
        truncated: true,
        position: expect.any(String),
        committedAt: expect.any(String),
        transactions: [rows[0]?.xid],
      })),
    );
    expect(keysOf(queues, 'Contact')).toEqual(['1', '2']);
    const truncated = streamer.lines.filter(({ message }) => message.startsWith('a mapped table was truncated'));
    expect(truncated.map(({ object }) => object)).toEqual(['Account', 'Contact', 'Opportunity']);
  });

  test('all rows of a table whose replica identity does not name the deleted one', async () => {
    const database = await preparedDatabase();
    const { app } = database;
    await app.query("insert into lenders (name, salesforce_id) values ('a', 'x')");
    await app.query('alter table lenders alter salesforce_id set not null');
    await app.query('alter table lenders replica identity using index lenders_salesforce_id_key');
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query('delete from lenders');
    await queues.until(() => queues.messages.some(({ truncated }) => truncated === true));
    const { message } = await streamer.line(({ level, table }) => level === 'WARN' && table === 'public.lenders');
    expect(message).toContain('the replica identity lacks the key');
  });

  test('what is written before and after DDL, which is logged', async () => {
    const database = await preparedDatabase();
    const { app } = database;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query("insert into lenders (name) values ('before')");
    await app.query('alter table lenders drop column phone');
    await app.query('alter table lenders alter annual_revenue type text');
    await app.query('alter table lenders rename id to lender_id');
    await app.query("insert into lenders (name) values ('after')");
    await app.query('delete from lenders where lender_id = 1');
    await confirmedUpToNow(database);
    expect(new Set(keysOf(queues))).toEqual(new Set(['1', '2']));
    const warnings = streamer.lines.filter(({ message }) => message.startsWith('a mapped table was changed'));
    expect(new Set(warnings.map(({ column }) => column))).toEqual(new Set(['phone', 'annual_revenue', 'id']));
    expect(warnings).toHaveLength(3);
  });
});

/** Runs the statement as a writer under an origin; `sfsync_` stands for the first that no other session holds now. */
async function withOrigin(app: pg.Client, origin: string, statement: string): Promise<void> {
  const names = origin === 'sfsync_' ? [7, 6, 5, 4, 3, 2, 1, 0].map((n) => `sfsync_${n}`) : [origin];
  for (const name of names) {
    const held = await app.query('select pg_replication_origin_session_setup($1)', [name]).catch(() => undefined);
    if (held === undefined) continue;
    await app.query(statement);
    await app.query('select pg_replication_origin_session_reset()');
    return;
  }
  throw new Error(`No origin of ${names.join(', ')} was free.`);
}

describe('the position', () => {
  test('advances past traffic that is not ours, and while nothing happens at all', async () => {
    const database = await preparedDatabase();
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await database.app.query('create table unrelated (t text)');
    await database.app.query("insert into unrelated select repeat('x', 100) from generate_series(1, 50000)");
    await confirmedUpToNow(database);
    await database.app.query("select pg_logical_emit_message(false, 'unknown', 'a position')");
    await confirmedUpToNow(database);
    expect(queues.messages).toEqual([]);
  });

  test('stays in front of what the queue has not accepted, whatever comes after it', async () => {
    const database = await preparedDatabase();
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await confirmedUpToNow(database);
    queues.away = true;
    const before = parseLsn((await slotOf(database)).confirmed);
    await database.app.query("insert into lenders (name) values ('stuck')");
    await streamer.line(({ message }) => message === 'changes cannot be published');
    await database.app.query('create table unrelated (t text)');
    await database.app.query("insert into unrelated select repeat('x', 100) from generate_series(1, 5000)");
    await database.app.query("insert into borrowers (last_name) values ('stuck, too')");
    const { rows } = await database.app.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    await caughtUp(database);
    // Longer than the streamer keeps a position to itself.
    await pause(1_000);
    const during = parseLsn((await slotOf(database)).confirmed);
    expect(during).toBeGreaterThanOrEqual(before);
    expect(during).toBeLessThan(parseLsn(rows[0]?.lsn ?? '0/0'));
    queues.away = false;
    await queues.until(() => keysOf(queues, 'Contact').length > 0 && keysOf(queues).length > 0);
    await confirmedUpToNow(database);
  });
});

describe('a slot that is not where the streamer left it', () => {
  /** Edits that another reader gets. */
  const ELSEWHERE: readonly [string, (database: TestDatabase & { readonly app: pg.Client }) => Promise<unknown>][] = [
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
    await database.app.query("insert into lenders (name) values ('theirs')");
    await database.app.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [database.name]);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    expect(await dueComparisons(database.app)).toHaveLength(3);
  });

  test('a slot that recover-slot or prepare has made begins a numbering of its own', async () => {
    const database = await preparedDatabase();
    await database.app.query('select pg_drop_replication_slot($1)', [database.name]);
    await database.app.query("insert into lenders (name) values ('while there was none')");
    await prepareDatabase(database.app, configuration, { slot: database.name });
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    expect(await dueComparisons(database.app)).toEqual([]);
  });

  test('it is on another server, or another timeline: rows may be older than what Salesforce has', async () => {
    const database = await preparedDatabase();
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
  const database = await preparedDatabase();
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

describe('what may happen to it', () => {
  test('SIGTERM: publishes what it has read, confirms it and exits with 0', async () => {
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase(own);
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
    await database.app.query(statement, statement.includes('$1') ? [database.name] : []);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    expect(await streamer.exit()).toBe(2);
    expect(streamer.lines.at(-1)?.message).toMatch(advice);
  });

  test('a mapped table gets another name, and another table has its name: edits are missing, which is told and compared', async () => {
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
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
    const database = await preparedDatabase();
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
