import { getEventListeners } from 'node:events';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Lsn, parseLsn } from '../../core/contracts/lsn.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { ReplicationWire } from '../support/postgres/replication-wire.ts';
import { type RunningStream, startStream } from './running-stream.ts';

/** A test that waits for what does not come is not waited for as long as one that has much to do. */
vi.setConfig({ testTimeout: 20_000 });

const lender = useLenderDatabase('test');
let wire: ReplicationWire;
beforeEach(async () => {
  wire = await ReplicationWire.to(lender.credentials.port);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await wire[Symbol.asyncDispose]();
});

const started = () => startStream({ port: wire.port, database: lender.database.name });

/** The test says how time passes. */
function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
}

const elapse = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function lsnOf(sql: string): Promise<Lsn> {
  const [row] = await lender.rows(`select (${sql})::text as lsn`);
  return parseLsn(row?.lsn ?? '0/0');
}

const walEnd = () => lsnOf('pg_current_wal_insert_lsn()');
const writtenDown = () =>
  lsnOf(`select confirmed from sfsync.stream where slot = '${lender.database.name}'`).catch(() => 0n);

async function insertLender(name = 'Northwind'): Promise<string> {
  const [row] = await lender.rows('insert into lenders (name) values ($1) returning id::text', [name]);
  return String(row?.id);
}

/** The server lets go of a slot a moment after its reader has gone. */
async function slotIsFree(): Promise<void> {
  const active = 'select from pg_replication_slots where slot_name = $1 and active';
  await expect.poll(() => lender.rows(active, [lender.database.name]), { timeout: 15_000 }).toEqual([]);
}

const OBJECTS = ['Account', 'Contact', 'Opportunity'];

async function comparisonsDue() {
  const due = await dueComparisons(lender.application);
  return due.map(({ object, reasons }) => [object, ...reasons]);
}

/** The position of the last message that was accepted. */
const newest = ({ queues }: RunningStream) => parseLsn(queues.messages.at(-1)?.position ?? '0/0');

describe('what is handed on', () => {
  test('which rows changed, with the transactions that changed them', async () => {
    await using stream = started();
    await stream.streaming();
    await lender.rows('begin');
    const [transaction] = await lender.rows('select pg_current_xact_id()::text as id');
    const [one, two] = [await insertLender('Northwind'), await insertLender('Contoso')];
    await lender.rows('update lenders set phone = $2 where id = $1', [one, '1']);
    await lender.rows('commit');
    await stream.until(() => stream.queues.messages.length === 1);
    expect(stream.queues.messages[0]).toMatchObject({
      object: 'Account',
      keys: [
        [one, 'update'],
        [two, 'insert'],
      ],
      transactions: [transaction?.id],
    });
  });

  test('of truncated tables that their rows are gone', async () => {
    await using stream = started();
    await stream.streaming();
    await lender.rows('truncate lenders, borrowers, loan_applications');
    await stream.until(() => stream.queues.messages.length === 3);
    expect(stream.queues.messages.map(({ object, truncated }) => [object, truncated]).sort()).toEqual(
      OBJECTS.map((object) => [object, true]),
    );
    expect(stream.told.unnamedRows.sort()).toEqual(OBJECTS.map((object) => [object, 'truncate']));
    await wire.confirmed(newest(stream));
  });

  test('nothing of our own transactions, which are passed', async () => {
    await using stream = started();
    await stream.streaming();
    await lender.rows('begin');
    await lender.rows("select pg_logical_emit_message(true, 'sfsync', 'echo')");
    await insertLender('ours');
    await lender.rows('commit');
    await wire.confirmed(await walEnd());
    expect(stream.queues.calls).toBe(0);
    const theirs = await insertLender('theirs');
    await stream.until(() => stream.queues.messages.length === 1);
    expect(stream.queues.keysOf('Account')).toEqual([theirs]);
  });
});

describe('what is confirmed', () => {
  test('nothing that a queue has not accepted, whatever the server has sent since', async () => {
    await using stream = started();
    await stream.streaming();
    stream.queues.next.push('failed', 'refused');
    const accept = stream.queues.hold();
    await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    const confirmed = await wire.ask(await walEnd());
    accept();
    await stream.until(() => stream.queues.messages.length === 1);
    expect(confirmed).toBeLessThan(newest(stream));
    expect(stream.failures).toEqual([new Error('the queue is away'), 'InternalError']);
    await wire.confirmed(newest(stream));
  });

  test('nothing that is not written down', async () => {
    const tooFar: Lsn[] = [];
    wire.reporting = async ({ position }) => {
      if (position > (await writtenDown())) tooFar.push(position);
    };
    await using stream = started();
    await stream.streaming();
    for (const n of [1, 2, 3]) {
      await insertLender();
      await stream.until(() => stream.queues.messages.length === n);
      await wire.confirmed(newest(stream));
    }
    expect(tooFar).toEqual([]);
  });

  test('nothing where a position cannot be written down: the stream ends', async () => {
    await lender.rows(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '42501'; end $$;
      create trigger refuse before update on sfsync.stream for each row execute function refuse()`);
    await using stream = started();
    await stream.streaming();
    await insertLender();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
    expect(wire.reports.filter(({ position }) => position >= newest(stream))).toEqual([]);
  });

  test('nothing before it is known where the slot is', async () => {
    const holder = await lender.database.client();
    await holder.query('begin; lock table sfsync.stream in exclusive mode');
    await using stream = started();
    await insertLender();
    await stream.until(() => stream.accepted === 1);
    wire.keepalive(await walEnd(), true);
    // The answer to a question: there is none.
    expect(wire.reports).toEqual([]);
    expect(stream.told.streaming).toEqual([]);
    await holder.query('commit');
    await wire.confirmed(newest(stream));
    expect(stream.told.streaming).toHaveLength(1);
  });

  test('nothing where it cannot be known', async () => {
    const before = started();
    await before.streaming();
    before.stop();
    await before.ended;
    const written = await writtenDown();
    const holder = await lender.database.client();
    await holder.query(`
      begin;
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '42501'; end $$;
      create trigger refuse before insert on sfsync.stream for each row execute function refuse()`);
    wire.reports.splice(0);
    await using stream = started();
    await insertLender();
    await stream.until(() => stream.accepted === 1);
    await holder.query('commit');
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
    expect(wire.reports).toEqual([]);
    expect(await writtenDown()).toBe(written);
  });

  test('not what lies behind a position that the server says inside a transaction', async () => {
    await using stream = started();
    await stream.streaming();
    const far = (await walEnd()) + 1024n ** 2n;
    wire.passed = (kind) => {
      if (kind === 'B') wire.keepalive(far);
    };
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await wire.confirmed(newest(stream));
    expect(wire.reports.filter(({ position }) => position >= far)).toEqual([]);
  });

  test('traffic that is not ours: far ahead, or after a while', async () => {
    holdTheClock();
    wire.keepalives = 'are lost';
    await using stream = started();
    await stream.streaming();
    const from = await walEnd();
    await lender.rows("select pg_logical_emit_message(false, 'unknown', repeat('x', 1000000))");
    expect(await wire.ask(from)).toBeLessThan(from);
    await elapse(0);
    await wire.confirmed(from);

    const near = from + 200n;
    expect(await wire.ask(from + 100n)).toBe(from);
    await elapse(4_000);
    expect(await wire.ask(near)).toBe(from);
    // At six seconds, and a timer that is set then.
    await elapse(2_001);
    await wire.confirmed(near);

    const far = near + 256n * 1024n;
    expect(await wire.ask(far - 1n)).toBe(near);
    await elapse(500);
    expect(await wire.ask(far)).toBe(near);
    await elapse(500);
    await wire.confirmed(far);
    expect([...new Set(wire.reports.map(({ position }) => position))].slice(1)).toEqual([from, near, far]);
  });

  test('what a queue has accepted: after half a second at the latest, and not more often', async () => {
    holdTheClock();
    wire.keepalives = 'are lost';
    await using stream = started();
    await stream.streaming();
    const positions: Lsn[] = [];
    for (const n of [1, 2, 3]) {
      await elapse(n === 1 ? 0 : 200);
      await insertLender(`${n}`);
      await stream.until(() => stream.accepted === n);
      positions.push(newest(stream));
      if (n > 1) continue;
      await elapse(0);
      await wire.confirmed(newest(stream));
    }
    const [first = 0n, second = 0n, third = 0n] = positions;
    await elapse(99);
    expect(await wire.ask(0n)).toBeLessThan(second);
    await elapse(1);
    await wire.confirmed(third);
    expect(wire.reports.filter(({ position }) => position > first && position < third)).toEqual([]);
  });
});

/** Another process reads the slot. */
async function anotherReader(): Promise<pg.Client> {
  const { name, url } = lender.database;
  const reader = await lender.database.client(`${url}?replication=database`);
  const reading = new Promise((resolve) => reader.connection.once('replicationStart', resolve));
  const options = `proto_version '1', publication_names 'sfsync'`;
  reader.query(`START_REPLICATION SLOT ${name} LOGICAL 0/0 (${options})`).catch(() => undefined);
  await reading;
  return reader;
}

/** How long the stream waits after each of so many attempts, as the longest of what chance may choose. */
async function pausesOf(stream: RunningStream, next: string, attempts: number): Promise<number[]> {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  const pauses: number[] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await stream.until(() => stream.told.interrupted.length === attempt);
    expect(stream.told.interrupted.at(-1)).toMatchObject({ next, attempt });
    const before = Date.now();
    await vi.advanceTimersToNextTimerAsync();
    pauses.push(Date.now() - before);
  }
  return pauses;
}

describe('a connection', () => {
  test('begins where the slot was confirmed, and reads the rest again', async () => {
    await using stream = started();
    await stream.streaming();
    const first = await insertLender('accepted');
    await stream.until(() => stream.queues.messages.length === 1);
    await wire.confirmed(newest(stream));
    const accept = stream.queues.hold();
    const second = await insertLender('held');
    await stream.until(() => stream.queues.calls === 2);
    wire.cut();
    await stream.streaming(2);
    const { from, taken } = stream.told.streaming[1] ?? expect.unreachable();
    expect(from).toBeGreaterThanOrEqual(newest(stream));
    expect(taken).toMatchObject({ gap: undefined, confirmed: from });
    accept();
    await stream.until(() => stream.queues.messages.length === 3);
    expect(stream.queues.keysOf('Account')).toEqual([first, second, second]);
    await wire.confirmed(newest(stream));
    expect(await comparisonsDue()).toEqual([]);
  });

  test('that breaks is made again, the first time soon; and none is left behind', async () => {
    await using stream = started();
    for (const times of [1, 2, 3]) {
      await stream.streaming(times);
      expect(getEventListeners(stream.stopping, 'abort')).toHaveLength(1);
      const { length } = stream.told.interrupted;
      wire.cut();
      await stream.until(() => stream.told.interrupted.length > length);
      expect(stream.told.interrupted[length]).toMatchObject({ next: 'connect again', attempt: 1 });
    }
    await stream.streaming(4);
    const sessions = `select from pg_stat_activity where datname = current_database() and usename = 'sfsync_streamer'`;
    await expect.poll(() => lender.rows(sessions), { timeout: 30_000 }).toHaveLength(2);
  });

  test('is asked for again and again while there is no server, ever more seldom; that is a sign of life', async () => {
    holdTheClock();
    await wire.close();
    await using stream = started();
    expect(await pausesOf(stream, 'connect again', 8)).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000]);
    expect(stream.beats).toBe(8);
  });

  test('waits for a slot that another process reads, and gets it when that one ends', async () => {
    const reader = await anotherReader();
    holdTheClock();
    await using stream = started();
    expect(await pausesOf(stream, 'wait for the slot', 6)).toEqual([200, 400, 800, 1_600, 2_000, 2_000]);
    await stream.until(() => stream.told.interrupted.length === 7);
    reader.connection.stream.destroy();
    await slotIsFree();
    await vi.advanceTimersToNextTimerAsync();
    await stream.streaming();
    expect(stream.told.streaming[0]?.taken.gap).toBeUndefined();
  });

  test('lives as long as the server answers; one that says nothing for half a minute is given up', async () => {
    holdTheClock();
    await using stream = started();
    await stream.streaming();
    for (let tick = 1; tick <= 20; tick++) {
      const [{ heard }, { beats }] = [wire, stream];
      await elapse(2_000);
      expect(stream.beats).toBe(beats + 1);
      await wire.until(() => wire.heard > heard);
    }
    expect(wire.reports.filter(({ reply }) => reply).length).toBeGreaterThanOrEqual(20);
    wire.silence();
    await elapse(2_000);
    const { beats } = stream;
    await elapse(28_000);
    expect(stream.beats).toBe(beats + 14);
    expect(stream.told.interrupted).toEqual([]);
    await elapse(2_000);
    await stream.until(() => stream.told.interrupted.length === 1);
    expect(stream.told.interrupted[0]).toMatchObject({
      next: 'connect again',
      attempt: 1,
      error: { name: 'RetryableError', code: 'SILENT', message: 'PostgreSQL has not been heard for 30 s.' },
    });
  });

  test('is not asked for again where an operator has to act', async () => {
    await lender.rows('drop publication sfsync');
    await using stream = started();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: 'NOT_PREPARED' });
    expect(stream.told).toMatchObject({ streaming: [], interrupted: [] });
    expect(stream.beats).toBe(0);
  });
});

describe('a slot that is not where the streamer left it', () => {
  test('is ahead of what was written down: all objects are compared, once', async () => {
    const before = started();
    await before.streaming();
    before.stop();
    await before.ended;
    await slotIsFree();
    await insertLender('skipped');
    await lender.rows('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [lender.database.name]);
    const after = started();
    await after.streaming();
    expect(after.told.streaming[0]?.taken).toMatchObject({
      gap: { reason: 'slot moved', records: false },
      confirmed: after.told.streaming[0]?.from,
    });
    expect(await comparisonsDue()).toEqual(OBJECTS.map((object) => [object, 'slot moved']));
    await after.until(() => after.told.comparisonsDue.length > 0);
    expect(after.told.comparisonsDue[0]?.[0].map(({ object }) => object)).toEqual(OBJECTS);
    after.stop();
    await after.ended;
    await using last = started();
    await last.streaming();
    expect(last.told.streaming[0]?.taken.gap).toBeUndefined();
  });

  test('is on a server that has sent more before than it has now: a restored copy, which is told once', async () => {
    await using stream = started();
    await stream.streaming();
    const accept = stream.queues.hold();
    await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    // What is not accepted keeps the position back.
    await wire.ask((await walEnd()) + 1024n ** 3n);
    wire.cut();
    await stream.streaming(2);
    wire.cut();
    await stream.streaming(3);
    accept();
    expect(stream.told.streaming.map(({ taken }) => taken.gap)).toEqual([
      undefined,
      { reason: 'database restored', records: true },
      undefined,
    ]);
    expect(await comparisonsDue()).toEqual(OBJECTS.map((object) => [object, 'database restored']));
  });
});

describe('the mapped tables are looked at while it streams', () => {
  test('one that edits do not come from any more, and then do again', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    expect(stream.told.unseen).toEqual([]);
    await lender.rows('alter publication sfsync drop table lenders');
    await elapse(5_000);
    await stream.until(() => stream.told.comparisonsDue.length === 2);
    expect(stream.told.unseen).toEqual([['Account', ['not published']]]);
    expect(stream.told.changed).toEqual([['Account', ['publication changed']]]);
    expect(stream.told.comparisonsDue[1]?.[0]).toMatchObject([{ object: 'Account', reasons: ['publication changed'] }]);
    await lender.rows('alter publication sfsync add table lenders');
    await elapse(5_000);
    await stream.until(() => stream.told.comparisonsDue.length === 3);
    expect(stream.told.unseen[1]).toEqual(['Account', []]);
  });

  test('one that gets another name before it was ever written to', async () => {
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length > 0);
    await lender.rows('alter table lenders rename to former');
    await lender.rows("insert into former (name) values ('Northwind')");
    await stream.until(() => stream.told.tableChanged.length > 0);
    expect(stream.told.tableChanged).toMatchObject([
      { object: 'Account', table: 'public.lenders', leaves: 'table replaced' },
    ]);
    expect(stream.queues.calls).toBe(0);
    await expect.poll(comparisonsDue, { timeout: 30_000 }).toContainEqual(['Account', 'table replaced']);
  });

  test('one of which the stream describes another replica identity: the object is compared', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await lender.rows('alter table lenders replica identity full');
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 2);
    expect(stream.told.tableChanged).toMatchObject([{ object: 'Account', leaves: 'replica identity changed' }]);
    await expect.poll(comparisonsDue, { timeout: 30_000 }).toEqual([['Account', 'replica identity changed']]);
  });

  test('one with another column type is told, and nothing has to be compared for it', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await lender.rows('alter table lenders alter annual_revenue type text');
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 2);
    expect(stream.told.tableChanged).toMatchObject([{ object: 'Account', column: 'annual_revenue' }]);
    await wire.ask(await walEnd());
    expect(await comparisonsDue()).toEqual([]);
  });

  test('a comparison that cannot be ordered ends the stream', async () => {
    await lender.rows(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '42501'; end $$;
      create trigger refuse before insert on sfsync.comparison for each row execute function refuse()`);
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await lender.rows('alter table lenders replica identity full');
    await insertLender();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
  });

  test('where they cannot be looked at, the stream ends', async () => {
    await lender.rows('alter table sfsync.mapped_table rename to elsewhere');
    await using stream = started();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42P01' });
  });
});

describe('asked to stop', () => {
  const sessions = () =>
    lender.rows(`select from pg_stat_activity where datname = current_database() and usename = 'sfsync_streamer'`);

  async function expectNothingLeft(stream: RunningStream): Promise<void> {
    expect(getEventListeners(stream.stopping, 'abort')).toEqual([]);
    await expect.poll(sessions, { timeout: 30_000 }).toEqual([]);
  }

  test('it waits until a queue has what was read, confirms it, and leaves nothing behind', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    const accept = stream.queues.hold();
    let commits = 0;
    wire.passed = (kind) => {
      if (kind === 'C') commits++;
    };
    const [first, second] = [await insertLender('under way'), await insertLender('behind it')];
    await wire.until(() => commits === 2);
    await wire.ask(0n);
    const ended = vi.fn();
    void stream.ended.then(ended);
    stream.stop();
    const late = await insertLender('after the end');
    await elapse(0);
    expect(ended).not.toHaveBeenCalled();
    accept();
    await stream.ended;
    expect(stream.queues.keysOf('Account')).toEqual([first, second]);
    expect(stream.queues.keysOf('Account')).not.toContain(late);
    expect(await writtenDown()).toBeGreaterThanOrEqual(newest(stream));
    expect(wire.reports.at(-1)?.position).toBe(await writtenDown());
    expect(vi.getTimerCount()).toBe(0);
    await expectNothingLeft(stream);
  });

  test('it leaves what a queue does not take in time to the next one', async () => {
    const late = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
    const stream = started();
    await stream.streaming();
    stream.queues.hold();
    const key = await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    const before = await walEnd();
    stream.stop();
    late.abort(new Error('too late'));
    await stream.ended;
    expect(timeout.mock.calls).toEqual([[4_000]]);
    expect(await writtenDown()).toBeLessThan(before);
    await using next = started();
    await next.until(() => next.queues.messages.length === 1);
    expect(next.queues.keysOf('Account')).toEqual([key]);
    expect(next.told.streaming[0]?.taken.gap).toBeUndefined();
  });

  test('what it has confirmed last reaches the server before it ends, however long that takes', async () => {
    await using stream = started();
    await stream.streaming();
    const accept = stream.queues.hold();
    await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    stream.stop();
    wire.reporting = async () => {
      await writtenDown();
    };
    accept();
    await stream.ended;
    const slot = `select confirmed_flush_lsn from pg_replication_slots where slot_name = '${lender.database.name}'`;
    expect(await lsnOf(slot)).toBeGreaterThanOrEqual(newest(stream));
  });

  test('before it is connected, it does not begin', async () => {
    await using stream = started();
    stream.stop();
    await stream.ended;
    expect(stream.told.streaming).toEqual([]);
    await expectNothingLeft(stream);
  });

  test('before it knows where the slot is, it finds out first', async () => {
    const holder = await lender.database.client();
    await holder.query('begin; lock table sfsync.stream in exclusive mode');
    await using stream = started();
    await insertLender();
    await stream.until(() => stream.accepted === 1);
    stream.stop();
    await holder.query('commit');
    await stream.ended;
    expect(wire.reports.at(-1)?.position).toBeGreaterThanOrEqual(newest(stream));
    expect(await writtenDown()).toBe(wire.reports.at(-1)?.position);
    await expectNothingLeft(stream);
  });

  test('while it waits to connect again, it ends at once', async () => {
    holdTheClock();
    await wire.close();
    await using stream = started();
    await stream.until(() => stream.told.interrupted.length === 1);
    stream.stop();
    await stream.ended;
    expect(stream.told.interrupted).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('it does not mind a connection that breaks then', async () => {
    await using stream = started();
    await stream.streaming();
    const accept = stream.queues.hold();
    await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    stream.stop();
    await wire.close();
    accept();
    await stream.ended;
    expect(stream.told.interrupted).toEqual([]);
  });
});
