import { describe, expect, test } from 'vitest';
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

  send(bodies: readonly string[]): Promise<readonly Refusal[]> {
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
      object: 'Account',
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
    const { queue, publisher, position, commit } = setUp();
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
