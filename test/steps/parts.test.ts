/** Records in parts: what becomes of those that the database refuses, that meet a lock, or that there is no time for. */
import { describe, expect, test, vi } from 'vitest';
import { RetryableError } from '../../core/errors.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { RowRefusedError, RowsLockedError, ServerError } from '../../postgres/session/server-errors.ts';
import { type PartWork, retryingLocks, waitBriefly, workInParts } from '../../steps/parts.ts';

const items = (n: number, from = 1) => Array.from({ length: n }, (_, i) => `r${String(from + i).padStart(4, '0')}`);
const lockNotInTime = () => new RetryableError('55P03', 'locked', { cause: new ServerError({ code: '55P03' }) });
const refusal = () => new RowRefusedError(new ServerError({ code: '23514' }));
const moved = () => new RetryableError('COLUMNS_MOVED', 'moved');

/** Works in parts beside a database that takes everything. `ms`: how long each part takes. */
function surroundings({ ms = 0 } = {}) {
  const world = { clock: 0, transactions: 0, committed: 0 };
  const session = { query: async () => ({ rows: [], rowCount: 0 }) } as unknown as Session;
  const tried: (readonly string[])[] = [];
  const run = (
    all: readonly string[],
    work: (part: readonly string[]) => unknown,
    more: Partial<PartWork<string, unknown>> = {},
  ) =>
    workInParts(
      {
        session,
        transaction: async (part) => {
          world.transactions += 1;
          const done = await part();
          world.committed += 1;
          return done;
        },
        isMoved: (error) => error instanceof RetryableError && error.code === 'COLUMNS_MOVED',
        now: () => world.clock,
      },
      all,
      {
        idOf: (item) => item,
        refuse: () => undefined,
        work: async (part) => {
          tried.push(part);
          world.clock += ms;
          return work(part);
        },
        ...more,
      },
    );
  return { world, tried, run };
}

test('parts go one after the other, each in a transaction of its own, and grow while they are quick', async () => {
  const { world, tried, run } = surroundings();
  const all = items(2000);
  const done = await run(all, (part) => part.length);
  expect(done).toEqual({ parts: [500, 1000, 500], refused: [], locked: [], left: [], because: undefined });
  expect(tried.flat()).toEqual(all);
  expect(world).toMatchObject({ transactions: 3, committed: 3 });
});

test('nothing is nothing: there is no transaction', async () => {
  const { world, run } = surroundings();
  expect(await run([], () => expect.unreachable())).toMatchObject({ parts: [], left: [], because: undefined });
  expect(world.transactions).toBe(0);
});

test('all at once means one part, however many there are', async () => {
  const { run } = surroundings();
  expect((await run(items(1200), (part) => part.length, { atOnce: true })).parts).toEqual([1200]);
});

test('parts become smaller when their rows are held for long', async () => {
  const { tried, run } = surroundings({ ms: 400 });
  await run(items(1000), () => undefined);
  expect(tried.slice(0, 2).map(({ length }) => length)).toEqual([500, 125]);
});

test('what was undone has freed its rows: only the longest of it counts for the size', async () => {
  const { tried, run } = surroundings({ ms: 90 });
  const bad = 'r0001';
  await run(items(1000), (part) => {
    if (part.includes(bad)) throw refusal();
    return undefined;
  });
  // Of the first part nine sets were tried and undone, and as many kept.
  const second = tried.find((part) => part[0] === 'r0501') ?? [];
  expect(second.length).toBeGreaterThan(30);
  expect(second.length).toBeLessThan(500);
});

test('a record that is refused is refused by itself, in the transaction of its part, and answered with the reason', async () => {
  const { world, run } = surroundings();
  const told: unknown[] = [];
  const done = await run(
    items(5),
    (part) => {
      if (part.includes('r0003')) throw refusal();
      return part;
    },
    { refuse: (item, error) => void told.push([item, error.code, world.committed]) },
  );
  expect(done.parts.flat()).toEqual(['r0001', 'r0002', 'r0004', 'r0005']);
  expect(done.refused).toMatchObject([{ item: 'r0003', error: { code: '23514' } }]);
  expect(told).toEqual([['r0003', '23514', 0]]);
});

test('a part is done before it is committed', async () => {
  const { world, run } = surroundings();
  const told: unknown[] = [];
  await run(items(700), (part) => part.length, { done: (result) => void told.push([result, world.committed]) });
  expect(told).toEqual([
    [500, 0],
    [200, 1],
  ]);
});

test('an error that is neither a refusal nor a lock is thrown', async () => {
  const { run } = surroundings();
  await expect(run(items(3), () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
});

describe('rows that another transaction holds', () => {
  test('are left out by their ids, and the others of their part go', async () => {
    const { world, run } = surroundings();
    const held = new Set(['r0002', 'r0004']);
    const done = await run(items(5), (part) => {
      const locked = part.filter((item) => held.has(item));
      if (locked.length > 0) throw new RowsLockedError('t', locked);
      return part;
    });
    expect(done).toMatchObject({ locked: ['r0002', 'r0004'], left: [], because: undefined });
    expect(done.parts).toEqual([['r0001', 'r0003', 'r0005']]);
    expect(world).toMatchObject({ transactions: 2, committed: 1 });
  });

  test('that no error names are found by halves, in new transactions and in order', async () => {
    const { tried, run } = surroundings();
    const done = await run(items(4), (part) => {
      if (part.includes('r0002')) throw lockNotInTime();
      return part;
    });
    expect(tried).toEqual([items(4), items(2), items(1), ['r0002'], ['r0003', 'r0004']]);
    expect(done).toMatchObject({ locked: ['r0002'], left: [], because: undefined });
    expect(done.parts).toEqual([['r0001'], ['r0003', 'r0004']]);
  });

  test('and are of records that the part does not have are found by halves, too', async () => {
    const { run } = surroundings();
    const done = await run(items(2), (part) => {
      if (part.includes('r0002')) throw new RowsLockedError('parents', ['someone else']);
      return part;
    });
    expect(done).toMatchObject({ parts: [['r0001']], locked: ['r0002'] });
  });

  test('as the last two are locked: the table is not, for less than three are in a row', async () => {
    const { run } = surroundings();
    const done = await run(items(4), (part) => {
      if (part.some((item) => item > 'r0002')) throw lockNotInTime();
      return part;
    });
    expect(done).toMatchObject({
      parts: [['r0001', 'r0002']],
      locked: ['r0003', 'r0004'],
      left: [],
      because: undefined,
    });
  });

  test('three of them in a row mean that the table is locked: they and the rest are left, in their order', async () => {
    const { tried, run } = surroundings();
    const done = await run(items(600), () => {
      throw lockNotInTime();
    });
    expect(done).toMatchObject({ parts: [], refused: [], locked: [], because: 'locked' });
    expect(done.left).toEqual(items(600));
    expect(tried.length).toBeLessThan(15);
  });

  test('three that do not follow each other do not', async () => {
    const { run } = surroundings();
    const held = new Set(['r0001', 'r0003', 'r0005', 'r0007']);
    const done = await run(items(8), (part) => {
      if (part.some((item) => held.has(item))) throw lockNotInTime();
      return part;
    });
    expect(done).toMatchObject({ locked: [...held], left: [], because: undefined });
  });
});

describe('columns that move', () => {
  test('end the call where something was committed: the rest is left', async () => {
    const { run } = surroundings();
    const done = await run(items(1200), (part) => {
      if (part.includes('r0501')) throw moved();
      return part.length;
    });
    expect(done).toMatchObject({ parts: [500], because: 'moved' });
    expect(done.left).toEqual(items(700, 501));
  });

  test('before that are thrown: all of it may be done again', async () => {
    const { run } = surroundings();
    await expect(run(items(3), () => Promise.reject(moved()))).rejects.toMatchObject({ code: 'COLUMNS_MOVED' });
  });
});

describe('a call works for a minute', () => {
  test('and leaves the rest', async () => {
    const { run } = surroundings({ ms: 60_001 });
    const done = await run(items(700), (part) => part.length);
    expect(done).toMatchObject({ parts: [500], because: 'time' });
    expect(done.left).toEqual(items(200, 501));
  });

  test('to the end of it', async () => {
    const { run } = surroundings({ ms: 60_000 });
    expect(await run(items(501), (part) => part.length)).toMatchObject({ parts: [500, 1], because: undefined });
  });

  test('and nothing is left where it was the last part that took so long', async () => {
    const { run } = surroundings({ ms: 70_000 });
    expect(await run(items(3), (part) => part.length)).toMatchObject({ parts: [3], left: [], because: undefined });
  });

  test('also where it only meets locks', async () => {
    const { run } = surroundings({ ms: 70_000 });
    const done = await run(items(4), () => {
      throw lockNotInTime();
    });
    expect(done).toMatchObject({ parts: [], locked: [], left: items(4), because: 'time' });
  });
});

describe('work that cannot be halved', () => {
  const retried = async (work: () => Promise<unknown>) => {
    vi.useFakeTimers();
    try {
      const done = retryingLocks(work);
      const answer = expect(done.catch((error: Error) => error.message)).resolves;
      await vi.runAllTimersAsync();
      return answer;
    } finally {
      vi.useRealTimers();
    }
  };

  test('is tried four times where it meets locks', async () => {
    let tries = 0;
    await (
      await retried(async () => {
        tries += 1;
        throw lockNotInTime();
      })
    ).toBe('locked');
    expect(tries).toBe(4);
    tries = 0;
    await (
      await retried(async () => {
        tries += 1;
        if (tries < 4) throw new RowsLockedError('t', []);
        return 'done';
      })
    ).toBe('done');
  });

  test('and not where it fails otherwise', async () => {
    let tries = 0;
    await (
      await retried(async () => {
        tries += 1;
        throw new Error('a bug');
      })
    ).toBe('a bug');
    expect(tries).toBe(1);
  });
});

test('no statement waits longer than the server does before it looks for a deadlock', async () => {
  const statements: string[] = [];
  const query = async (sql: string) => {
    statements.push(sql);
    return { rows: [] };
  };
  await waitBriefly({ query } as unknown as Session);
  expect(statements.join()).toMatch(/^select set_config\('lock_timeout',\s+.*deadlock_timeout/);
});
