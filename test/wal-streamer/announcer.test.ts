import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Announcer } from '../../wal-streamer/announcer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(everyMs = 5_000) {
  const state = { announced: [] as string[], fails: 0, failures: 0 };
  const announcer = new Announcer({
    everyMs,
    put: async (objects) => {
      if (state.fails-- > 0) throw new Error('the bus is away');
      state.announced.push(objects.join());
    },
    failed: () => {
      state.failures++;
    },
  });
  return { announcer, state };
}

describe('announcements', () => {
  test('come at once after quiet', async () => {
    const { announcer, state } = setUp();
    announcer.changed('Contact');
    announcer.changed('Account');
    await vi.advanceTimersByTimeAsync(0);
    expect(state.announced).toEqual(['Contact', 'Account']);
  });

  test('come at most once in the time, and the last change is always followed by one', async () => {
    const { announcer, state } = setUp();
    for (let ms = 0; ms < 12_000; ms += 100) {
      announcer.changed('Contact');
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(state.announced).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(state.announced).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.announced).toHaveLength(4);
    announcer.changed('Contact');
    await vi.advanceTimersByTimeAsync(0);
    expect(state.announced).toHaveLength(5);
  });

  test('are tried again until the bus takes them', async () => {
    const { announcer, state } = setUp();
    state.fails = 5;
    announcer.changed('Contact');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.announced).toEqual(['Contact']);
    expect(state.failures).toBe(5);
  });

  test('that are due are made at once at the end, and nothing that is not', async () => {
    const { announcer, state } = setUp();
    announcer.changed('Contact');
    announcer.changed('Account');
    await vi.advanceTimersByTimeAsync(1_000);
    announcer.changed('Contact');
    await announcer.finish(new AbortController().signal);
    expect(state.announced).toEqual(['Contact', 'Account', 'Contact']);
  });

  test('are given up at the signal', async () => {
    const { announcer, state } = setUp();
    state.fails = Number.POSITIVE_INFINITY;
    announcer.changed('Contact');
    const tooLate = new AbortController();
    const finished = announcer.finish(tooLate.signal);
    await vi.advanceTimersByTimeAsync(1_000);
    tooLate.abort();
    await finished;
    expect(state.announced).toEqual([]);
  });
});
