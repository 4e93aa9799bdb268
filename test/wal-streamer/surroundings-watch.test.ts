import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ComparisonReason } from '../../core/contracts/comparison.ts';
import type { TableFault } from '../../core/stream/table-faults.ts';
import type { Look } from '../../wal-streamer/slot-keeper.ts';
import { SurroundingsWatch } from '../../wal-streamer/surroundings-watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Found = Partial<{
  readonly faults: Readonly<Record<string, readonly TableFault[]>>;
  readonly changed: Readonly<Record<string, readonly ComparisonReason[]>>;
  readonly comparisons: Look['comparisons'];
}>;

function lookOf({ faults = {}, changed = {}, comparisons = [] }: Found = {}): Look {
  const maps = { faults: new Map(Object.entries(faults)), changed: new Map(Object.entries(changed)) };
  return { tables: [], comparisons, origins: new Map(), ...maps };
}

/** A keeper whose looks are answered by the test. */
class AnsweredKeeper {
  looks: PromiseWithResolvers<Look>[] = [];

  look(): Promise<Look> {
    const look = Promise.withResolvers<Look>();
    this.looks.push(look);
    return look.promise;
  }

  async answer(found?: Found): Promise<void> {
    this.looks.at(-1)?.resolve(lookOf(found));
    await vi.advanceTimersByTimeAsync(0);
  }

  async fail(error: Error): Promise<void> {
    this.looks.at(-1)?.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  }
}

function setUp() {
  const said: unknown[] = [];
  const watch = new SurroundingsWatch({
    unseen: (object, faults) => said.push(['unseen', object, faults]),
    changed: (object, reasons) => said.push(['changed', object, reasons]),
    comparisonsDue: (comparisons, held) => said.push(['due', comparisons, [...held]]),
  });
  // A connection that breaks before it streams.
  watch.detach();
  const [keeper, failed, looked] = [new AnsweredKeeper(), vi.fn(), vi.fn()];
  watch.attach(keeper, failed, looked);
  /** What is said of one look more. */
  const saidOf = async (found: Found): Promise<unknown[]> => {
    if (keeper.looks.length > 1 || said.length > 0) await vi.advanceTimersByTimeAsync(5_000);
    const before = said.length;
    await keeper.answer(found);
    return said.slice(before);
  };
  return { watch, keeper, failed, looked, said, saidOf };
}

const NOTHING_DUE = ['due', [], []];

test('it looks at once, and then every five seconds', async () => {
  const { keeper, looked } = setUp();
  expect(keeper.looks).toHaveLength(1);
  await keeper.answer();
  await vi.advanceTimersByTimeAsync(4_999);
  expect(keeper.looks).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(keeper.looks).toHaveLength(2);
  expect(looked.mock.calls).toEqual([[lookOf()]]);
});

test('a look that takes long is not joined by another', async () => {
  const { keeper } = setUp();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(keeper.looks).toHaveLength(1);
  await keeper.answer();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(keeper.looks).toHaveLength(2);
});

test('a look that fails is reported, and does not end the looking', async () => {
  const { keeper, failed, said } = setUp();
  const error = new Error('away');
  await keeper.fail(error);
  expect(failed.mock.calls).toEqual([[error]]);
  expect(said).toEqual([]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(keeper.looks).toHaveLength(2);
});

test.for(['found', 'failed'] as const)(
  'once detached it looks no more, and says nothing of what is %s',
  async (end) => {
    const { watch, keeper, failed, looked, said } = setUp();
    const timers = vi.getTimerCount();
    watch.detach();
    expect(vi.getTimerCount()).toBe(timers - 1);
    if (end === 'found') await keeper.answer({ faults: { Account: ['no table'] } });
    else await keeper.fail(new Error('away'));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(keeper.looks).toHaveLength(1);
    expect([said, failed.mock.calls, looked.mock.calls]).toEqual([[], [], []]);
  },
);

test('what an earlier connection finds late is not said of the next one', async () => {
  const { watch, keeper, failed, said } = setUp();
  watch.detach();
  const next = new AnsweredKeeper();
  watch.attach(next, failed, vi.fn());
  await keeper.answer({ faults: { Account: ['no table'] } });
  expect(said).toEqual([]);
  await next.answer();
  expect(said).toEqual([NOTHING_DUE]);
});

test('that edits of an object do not come is said once, and again when it is for another reason, or over', async () => {
  const { saidOf } = setUp();
  expect(await saidOf({})).toEqual([NOTHING_DUE]);
  const [missing, hidden] = [{ Account: ['not published'] }, { Account: ['not published', 'not logged'] }] as const;
  expect(await saidOf({ faults: missing })).toEqual([['unseen', 'Account', ['not published']], NOTHING_DUE]);
  expect(await saidOf({ faults: missing })).toEqual([NOTHING_DUE]);
  expect(await saidOf({ faults: { ...hidden, Contact: ['not logged'] } })).toEqual([
    ['unseen', 'Account', ['not published', 'not logged']],
    ['unseen', 'Contact', ['not logged']],
    NOTHING_DUE,
  ]);
  expect(await saidOf({ faults: { Contact: ['not logged'] } })).toEqual([['unseen', 'Account', []], NOTHING_DUE]);
  expect(await saidOf({ faults: { Contact: ['not logged'] } })).toEqual([NOTHING_DUE]);
  expect(await saidOf({ faults: missing })).toEqual([
    ['unseen', 'Account', ['not published']],
    ['unseen', 'Contact', []],
    NOTHING_DUE,
  ]);
});

test('it is not said again over the next connection', async () => {
  const { watch, keeper, said, failed } = setUp();
  await keeper.answer({ faults: { Account: ['not published'] } });
  watch.detach();
  const next = new AnsweredKeeper();
  watch.attach(next, failed, vi.fn());
  await next.answer({ faults: { Account: ['not published'] } });
  expect(said).toEqual([['unseen', 'Account', ['not published']], NOTHING_DUE, NOTHING_DUE]);
});

test('what is due is said at every look, with the objects whose tables cannot be read', async () => {
  const { saidOf } = setUp();
  const comparisons = [{ object: 'Account' }] as unknown as Look['comparisons'];
  const changed = { Account: ['publication changed'] } as const;
  const faults = {
    Account: ['not published', 'no table'],
    Contact: ['no rights'],
    Opportunity: ['not logged'],
  } as const;
  expect(await saidOf({ comparisons, changed, faults })).toEqual([
    ['changed', 'Account', ['publication changed']],
    ['unseen', 'Account', ['not published', 'no table']],
    ['unseen', 'Contact', ['no rights']],
    ['unseen', 'Opportunity', ['not logged']],
    ['due', comparisons, ['Account', 'Contact']],
  ]);
  expect(await saidOf({ comparisons, faults })).toEqual([['due', comparisons, ['Account', 'Contact']]]);
});
