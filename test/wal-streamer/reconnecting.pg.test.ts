import { getEventListeners } from 'node:events';
import type pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import type { RunningStream } from './running-stream.ts';
import { elapse, holdTheClock, newest, OBJECTS, useStreamedLender } from './streamed-lender.ts';

const streamed = useStreamedLender();
const { started, lsnOf, walEnd, insertLender, slotIsFree, sessions, comparisonsDue, lender } = streamed;

const slotConfirmed = () =>
  lsnOf(`select confirmed_flush_lsn from pg_replication_slots where slot_name = '${lender.database.name}'`);

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
    await expect.poll(slotConfirmed, { timeout: 15_000 }).toBeGreaterThanOrEqual(newest(stream));
    const accept = stream.queues.hold();
    const second = await insertLender('held');
    await stream.until(() => stream.queues.calls === 2);
    streamed.wire.cut();
    await stream.streaming(2);
    const { from, taken } = stream.told.streaming[1] ?? expect.unreachable();
    expect(from).toBeGreaterThanOrEqual(newest(stream));
    expect(taken.gap).toBeUndefined();
    // What is written down is ahead where the cut came before the server was told.
    expect(taken.confirmed).toBeGreaterThanOrEqual(from);
    accept();
    await stream.until(() => stream.queues.messages.length === 3);
    expect(stream.queues.keysOf('Account')).toEqual([first, second, second]);
    await streamed.wire.confirmed(newest(stream));
    expect(await comparisonsDue()).toEqual([]);
  });

  test('that breaks is made again, the first time soon; and none is left behind', async () => {
    await using stream = started();
    for (const times of [1, 2, 3]) {
      await stream.streaming(times);
      expect(getEventListeners(stream.stopping, 'abort')).toHaveLength(1);
      const { length } = stream.told.interrupted;
      streamed.wire.cut();
      await stream.until(() => stream.told.interrupted.length > length);
      expect(stream.told.interrupted[length]).toMatchObject({ next: 'connect again', attempt: 1 });
    }
    await stream.streaming(4);
    await expect.poll(sessions, { timeout: 30_000 }).toHaveLength(2);
  });

  test('is asked for again and again while there is no server, ever more seldom; that is a sign of life', async () => {
    holdTheClock();
    await streamed.wire.close();
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
      const [{ heard }, { beats }] = [streamed.wire, stream];
      await elapse(2_000);
      expect(stream.beats).toBe(beats + 1);
      await streamed.wire.until(() => streamed.wire.heard > heard);
    }
    expect(streamed.wire.reports.filter(({ reply }) => reply).length).toBeGreaterThanOrEqual(20);
    streamed.wire.silence();
    // What was said before has arrived.
    await streamed.wire.ask(0n);
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
    await streamed.wire.ask((await walEnd()) + 1024n ** 3n);
    streamed.wire.cut();
    await stream.streaming(2);
    streamed.wire.cut();
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
