import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import type { ChangeSender, Refusal } from '../../aws/change-publisher.ts';
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import type { RowChange } from '../../wal-streamer/decoding/stream-message.ts';
import { FlushPosition } from '../../wal-streamer/flush-position.ts';
import { Publisher } from '../../wal-streamer/publisher.ts';

/** A queue that answers a call when the test says so. */
class StubbornQueue implements ChangeSender {
  readonly calls: { bodies: readonly string[]; answer: (refused?: readonly Refusal[]) => void; fail: () => void }[] =
    [];
  #waiting: (() => void)[] = [];

  /** What ends the calls. */
  aborted: AbortSignal | undefined;

  send(bodies: readonly string[], aborted: AbortSignal): Promise<readonly Refusal[]> {
    this.aborted = aborted;
    const { promise, resolve, reject } = Promise.withResolvers<readonly Refusal[]>();
    this.calls.push({ bodies, answer: (refused = []) => resolve(refused), fail: () => reject(new Error('away')) });
    for (const wake of this.#waiting.splice(0)) wake();
    return promise;
  }

  async call(index: number) {
    while (this.calls[index] === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.calls[index];
  }

  keysOf(index: number): string[] {
    return (
      this.calls[index]?.bodies.flatMap((body) => (JSON.parse(body) as ChangeMessage).keys.map(([key]) => key)) ?? []
    );
  }
}

function setUp() {
  const queue = new StubbornQueue();
  const moved: boolean[] = [];
  const failures: string[] = [];
  const publisher = new Publisher(new Map([['Account', queue]]), {
    accepted: (_publication, hasMoved) => moved.push(hasMoved),
    failed: (_object, _attempt, reason) => failures.push(String(reason)),
  });
  const position = new FlushPosition(0n);
  publisher.startOver(position);
  const commit = (key: string, end: bigint, extra: Partial<RowChange> = {}) => {
    const change: RowChange = {
      kind: 'change',
      objects: ['Account'],
      operation: 'update',
      key,
      oldKey: undefined,
      ...extra,
    };
    const room = publisher.changed(change, { id: String(end), committedAt: 0, commitStart: end - 1n });
    publisher.committed(end);
    return room;
  };
  return { queue, publisher, position, commit, moved, failures };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the publisher', () => {
  test('sends what came together in one message, and confirms when it is accepted', async () => {
    const { queue, position, commit, moved } = setUp();
    commit('1', 10n);
    commit('2', 20n);
    const call = await queue.call(0);
    expect(queue.keysOf(0)).toEqual(['1', '2']);
    expect(position.safe).toBe(0n);
    call.answer();
    await settled();
    expect(position.safe).toBe(20n);
    expect(moved).toEqual([true]);
  });

  test('folds what comes while a call is under way', async () => {
    const { queue, position, commit } = setUp();
    commit('1', 10n);
    const first = await queue.call(0);
    for (let n = 2n; n <= 100n; n++) commit(String(n % 5n), n * 10n);
    await settled();
    expect(queue.calls).toHaveLength(1);
    first.answer();
    const second = await queue.call(1);
    expect(queue.keysOf(1).sort()).toEqual(['0', '1', '2', '3', '4']);
    expect(position.safe).toBe(10n);
    second.answer();
    await settled();
    expect(position.safe).toBe(1000n);
  });

  test('tries again what failed or was refused, and confirms nothing before', async () => {
    const { queue, position, commit, failures } = setUp();
    commit('1', 10n);
    (await queue.call(0)).fail();
    const second = await queue.call(1);
    expect(queue.keysOf(1)).toEqual(['1']);
    second.answer([{ index: 0, code: 'InternalError' }]);
    const third = await queue.call(2);
    expect(position.safe).toBe(0n);
    third.answer();
    await settled();
    expect(position.safe).toBe(10n);
    expect(failures).toEqual(['Error: away', 'InternalError']);
  });

  test('publishes both keys of a row whose key was changed', async () => {
    const { queue, commit } = setUp();
    commit('new', 10n, { oldKey: 'old' });
    await queue.call(0);
    expect(JSON.parse(queue.calls[0]?.bodies[0] ?? '')).toMatchObject({
      keys: [
        ['old', 'delete'],
        ['new', 'update'],
      ],
    });
  });

  test('holds the stream up while the queue takes nothing, and lets it go on after', async () => {
    const { queue, commit } = setUp();
    let room: undefined | Promise<void>;
    let rows = 0;
    while (room === undefined && rows < 1_000_000) room = commit(`a-rather-long-key-${rows++}`, BigInt(rows) * 10n);
    expect(rows).toBeLessThan(300_000);
    let free = false;
    const freed = room?.then(() => {
      free = true;
    });
    await settled();
    expect(free).toBe(false);
    for (let n = 0; !free; n++) {
      (await queue.call(n)).answer();
      await settled();
    }
    await freed;
  });

  test('keeps what an earlier connection read apart from what a new one reads', async () => {
    const { queue, publisher, position, commit, moved } = setUp();
    commit('1', 10n);
    const first = await queue.call(0);
    commit('2', 20n);
    const next = new FlushPosition(5n);
    publisher.startOver(next);
    commit('3', 30n);
    expect(next.safe).toBe(5n);
    first.answer();
    for (let n = 1; next.safe < 30n; n++) {
      (await queue.call(n)).answer();
      await settled();
    }
    expect(position.safe).toBe(20n);
    // The position that the connection confirms by now is another one.
    expect(moved.filter(Boolean)).toHaveLength(1);
    expect(queue.calls.flatMap((_, n) => queue.keysOf(n)).sort()).toEqual(['1', '2', '3']);
  });

  test('drains: sends what is open, and gives up at the signal', async () => {
    const { queue, publisher, position, commit } = setUp();
    commit('1', 10n);
    const drained = publisher.drain(AbortSignal.timeout(5_000));
    (await queue.call(0)).answer();
    expect(await drained).toBe(true);
    expect(position.safe).toBe(10n);

    commit('2', 20n);
    const tooLate = new AbortController();
    const hopeless = publisher.drain(tooLate.signal);
    await queue.call(1);
    tooLate.abort();
    expect(await hopeless).toBe(false);
    expect(position.safe).toBe(10n);
  });
});

describe('a call', () => {
  const bodiesOf = (queue: StubbornQueue, index: number) =>
    (queue.calls[index]?.bodies ?? []).map((body) => JSON.parse(body) as ChangeMessage);
  const transaction = (n: number) => ({ id: String(n), committedAt: 0, commitStart: BigInt(n) });

  /** A message by itself, of about so many bytes. */
  function message({ publisher }: ReturnType<typeof setUp>, n: number, bytes = 0): void {
    if (bytes > 0) {
      const key = `${n}-${'k'.repeat(bytes)}`;
      publisher.changed(
        { kind: 'change', objects: ['Account'], operation: 'update', key, oldKey: undefined },
        transaction(n),
      );
    }
    publisher.truncated('Account', transaction(n));
  }

  test('is one of three at the most; what comes meanwhile goes in the next ones, ten messages in each', async () => {
    const streaming = setUp();
    const { queue } = streaming;
    for (let n = 1; n <= 28; n++) message(streaming, n);
    expect(queue.calls.map(({ bodies }) => bodies.length)).toEqual([1, 1, 1]);
    queue.calls[1]?.answer();
    await queue.call(3);
    queue.calls[0]?.answer();
    await queue.call(4);
    queue.calls[4]?.answer();
    await queue.call(5);
    const positions = [3, 4, 5].map((index) =>
      bodiesOf(queue, index).map(({ transactions }) => Number(transactions[0])),
    );
    const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);
    expect(positions).toEqual([range(4, 13), range(14, 23), range(24, 28)]);
  });

  test('has as many messages as fit in one, and always one', async () => {
    const streaming = setUp();
    const { queue } = streaming;
    for (const n of [1, 2, 3]) message(streaming, n);
    for (const n of [4, 5, 6]) message(streaming, n, 100 * 1024);
    message(streaming, 7, 300 * 1024);
    for (const index of [0, 1, 2]) queue.calls[index]?.answer();
    for (let index = 3; index < 6; index++) await queue.call(index);
    for (const index of [3, 4, 5]) queue.calls[index]?.answer();
    await settled();
    const sizes = queue.calls.slice(3).map(({ bodies }) => bodies.map((body) => Math.round(body.length / 102_400)));
    // Each of the large ones is followed by the small one that has closed it.
    expect(sizes).toEqual([[1, 0, 1, 0], [1, 0], [3], [0]]);
  });

  test('that ends while another is under way leaves what folds in the open batch', async () => {
    const streaming = setUp();
    const { queue, commit } = streaming;
    for (const n of [1, 2]) message(streaming, n);
    commit('a', 30n);
    await settled();
    queue.calls[0]?.answer();
    await settled();
    commit('b', 40n);
    await settled();
    expect(queue.calls).toHaveLength(2);
    queue.calls[1]?.answer();
    await queue.call(2);
    expect(queue.keysOf(2)).toEqual(['a', 'b']);
  });

  test('of which a part was refused is made again with that part, and the rest is accepted at once', async () => {
    const streaming = setUp();
    const { queue, failures, moved } = streaming;
    for (let n = 1; n <= 6; n++) message(streaming, n);
    for (const index of [0, 1, 2]) queue.calls[index]?.answer();
    const call = await queue.call(3);
    call.answer([
      { index: 2, code: 'InternalError' },
      { index: 0, code: 'Throttled' },
    ]);
    await queue.call(4);
    expect(bodiesOf(queue, 4).map(({ transactions }) => transactions[0])).toEqual(['4', '6']);
    expect(failures).toEqual(['InternalError']);
    expect(moved).toHaveLength(4);
    queue.calls[4]?.answer();
    await settled();
    expect(moved).toHaveLength(6);
    expect(queue.calls).toHaveLength(5);
  });

  test('that fails is told with its number, and made again after ever longer pauses', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const told: unknown[] = [];
      const pauses: number[] = [];
      let last = Date.now();
      const away: ChangeSender = {
        send: async () => {
          pauses.push(Date.now() - last);
          last = Date.now();
          throw new Error('away');
        },
      };
      const publisher = new Publisher(new Map([['Account', away]]), {
        accepted: () => expect.unreachable('nothing is accepted'),
        failed: (...what) => told.push(what),
      });
      publisher.startOver(new FlushPosition(0n));
      publisher.truncated('Account', transaction(1));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(pauses).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]);
      expect(told).toEqual(pauses.map((_, n) => ['Account', n + 1, new Error('away')]));
    } finally {
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });

  test('is cut off when the drain has come to its end: it is not made again, nor told', async () => {
    const { queue, publisher, commit, failures, moved } = setUp();
    commit('1', 10n);
    const call = await queue.call(0);
    expect(queue.aborted?.aborted).toBe(false);
    expect(await publisher.drain(AbortSignal.abort())).toBe(false);
    expect(queue.aborted?.aborted).toBe(true);
    call.fail();
    await settled();
    expect([queue.calls.length, failures, moved]).toEqual([1, [], []]);
  });
});

describe('a message', () => {
  test('says how far it goes: to the commit that was read last, or the last that it holds', async () => {
    const { queue, publisher, commit } = setUp();
    const position = (index: number) => JSON.parse(queue.calls[index]?.bodies[0] ?? '{}').position;
    commit('1', 0x10n);
    await queue.call(0);
    expect(position(0)).toBe('0/10');
    commit('2', 0x20n);
    commit('3', 0x30n);
    await settled();
    // Nothing of ours.
    publisher.committed(0x40n);
    queue.calls[0]?.answer();
    await queue.call(1);
    expect(position(1)).toBe('0/2F');
  });

  test('that is full goes at once, and the next one begins with what it has not taken', async () => {
    const { queue, position, commit } = setUp();
    for (let n = 1; n <= 5_001; n++) commit(String(n), BigInt(n) * 16n);
    expect(queue.calls).toHaveLength(1);
    expect(queue.keysOf(0)).toHaveLength(5_000);
    expect(JSON.parse(queue.calls[0]?.bodies[0] ?? '').position).toBe('0/1387F');
    queue.calls[0]?.answer();
    await queue.call(1);
    expect(queue.keysOf(1)).toEqual(['5001']);
    expect(position.safe).toBe(80_000n);
  });

  test('of rows that the WAL does not name comes after what was read before, and holds its place', async () => {
    const { queue, publisher, position, moved } = setUp();
    const transaction = { id: '7', committedAt: 0, commitStart: 0x2fn };
    const change: RowChange = {
      kind: 'change',
      objects: ['Account'],
      operation: 'insert',
      key: '1',
      oldKey: undefined,
    };
    expect(publisher.changed(change, transaction)).toBeUndefined();
    expect(publisher.truncated('Account', transaction)).toBeUndefined();
    expect(publisher.committed(0x30n)).toBe(false);
    expect(queue.calls.map(({ bodies }) => JSON.parse(bodies[0] ?? ''))).toMatchObject([
      { keys: [['1', 'insert']], position: '0/2F' },
      { keys: [], truncated: true, position: '0/2F', transactions: ['7'] },
    ]);
    queue.calls[0]?.answer();
    await settled();
    expect(position.safe).toBe(0n);
    queue.calls[1]?.answer();
    await settled();
    expect(position.safe).toBe(0x30n);
    expect(moved).toEqual([false, true]);
  });

  test('goes to the queue of its object, and one of an object without a queue is a bug', () => {
    const [accounts, contacts] = [new StubbornQueue(), new StubbornQueue()];
    const queues = new Map([
      ['Account', accounts],
      ['Contact', contacts],
    ]);
    const publisher = new Publisher(queues, { accepted: () => undefined, failed: () => undefined });
    publisher.startOver(new FlushPosition(0n));
    const transaction = { id: '7', committedAt: 0, commitStart: 1n };
    publisher.truncated('Contact', transaction);
    expect([accounts.calls.length, contacts.calls.length]).toEqual([0, 1]);
    expect(() => publisher.truncated('Lead', transaction)).toThrow(
      expect.objectContaining({ name: 'InvariantError', code: 'NO_QUEUE', message: 'Lead has no change queue.' }),
    );
  });
});

describe('what was read', () => {
  test('is passed at once where it is nothing of ours, and not beyond what is held', () => {
    const { publisher, position, commit } = setUp();
    expect(publisher.committed(10n)).toBe(true);
    expect(publisher.committed(10n)).toBe(false);
    commit('1', 20n);
    expect(publisher.committed(30n)).toBe(false);
    expect(position.safe).toBe(10n);
  });

  test('is sent when it comes no more, not before', async () => {
    const { queue, commit } = setUp();
    commit('1', 10n);
    await Promise.resolve();
    expect(queue.calls).toHaveLength(0);
    await settled();
    expect(queue.calls).toHaveLength(1);
    queue.calls[0]?.answer();
    await settled();
    commit('2', 20n);
    await settled();
    expect(queue.keysOf(1)).toEqual(['2']);
  });

  test('may be two megabytes before the stream is held up; there is room when there is less', async () => {
    const { queue, publisher } = setUp();
    const key = (n: number) => `${n}-${'k'.repeat(250 * 1024)}`;
    const read = (n: number) => {
      const change: RowChange = {
        kind: 'change',
        objects: ['Account'],
        operation: 'update',
        key: key(n),
        oldKey: undefined,
      };
      return publisher.changed(change, { id: '1', committedAt: 0, commitStart: 1n });
    };
    // Each closes the one before it; the ninth closes the eighth, of 2,000 KiB and their frames in all.
    for (let n = 1; n <= 9; n++) expect(read(n)).toBeUndefined();
    const room = read(10);
    expect(room).toBeInstanceOf(Promise);
    expect(read(11)).toBe(room);
    const free = vi.fn();
    void room?.then(free);
    queue.calls[0]?.answer();
    await settled();
    expect(free).not.toHaveBeenCalled();
    queue.calls[1]?.answer();
    await settled();
    queue.calls[2]?.answer();
    await settled();
    expect(free).toHaveBeenCalledOnce();
    expect(read(12)).toBeUndefined();
  });
});

describe('a drain', () => {
  test('of nothing is done; one that is done listens no more', async () => {
    const { queue, publisher, commit } = setUp();
    const stop = new AbortController();
    expect(await publisher.drain(stop.signal)).toBe(true);
    commit('1', 10n);
    const drained = publisher.drain(stop.signal);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    (await queue.call(0)).answer();
    expect(await drained).toBe(true);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    // What was handed on is not ended by it.
    expect(queue.aborted?.aborted).toBe(false);
  });

  test('waits for all that is under way', async () => {
    const { queue, publisher, commit } = setUp();
    commit('1', 10n);
    await queue.call(0);
    commit('2', 20n);
    const done = vi.fn();
    const drained = publisher.drain(new AbortController().signal).then(done);
    (await queue.call(1)).answer();
    await settled();
    expect(done).not.toHaveBeenCalled();
    queue.calls[0]?.answer();
    await drained;
    expect(done).toHaveBeenCalledWith(true);
  });
});
