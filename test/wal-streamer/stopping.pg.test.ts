import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import type { RunningStream } from './running-stream.ts';
import { elapse, holdTheClock, newest, useStreamedLender } from './streamed-lender.ts';

const streamed = useStreamedLender();
const { started, lsnOf, walEnd, writtenDown, insertLender, sessions, lender } = streamed;

describe('asked to stop', () => {
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
    streamed.wire.passed = (kind) => {
      if (kind === 'C') commits++;
    };
    const [first, second] = [await insertLender('under way'), await insertLender('behind it')];
    await streamed.wire.until(() => commits === 2);
    await streamed.wire.ask(0n);
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
    expect(streamed.wire.reports.at(-1)?.position).toBe(await writtenDown());
    // Others that share this process have clocks of their own running.
    const done = () => [streamed.wire.reports.length, stream.beats, stream.queues.calls];
    const atTheEnd = done();
    await elapse(60_000);
    expect(done()).toEqual(atTheEnd);
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
    streamed.wire.reporting = async () => {
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
    expect(streamed.wire.reports.at(-1)?.position).toBeGreaterThanOrEqual(newest(stream));
    expect(await writtenDown()).toBe(streamed.wire.reports.at(-1)?.position);
    await expectNothingLeft(stream);
  });

  test('while it waits to connect again, it ends at once', async () => {
    holdTheClock();
    await streamed.wire.close();
    await using stream = started();
    await stream.until(() => stream.told.interrupted.length === 1);
    stream.stop();
    await stream.ended;
    await elapse(60_000);
    expect(stream.told.interrupted).toHaveLength(1);
  });

  test('it does not mind a connection that breaks then', async () => {
    await using stream = started();
    await stream.streaming();
    const accept = stream.queues.hold();
    await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    stream.stop();
    await streamed.wire.close();
    accept();
    await stream.ended;
    expect(stream.told.interrupted).toEqual([]);
  });
});
