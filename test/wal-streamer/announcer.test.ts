import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Announcer } from '../../wal-streamer/announcer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
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

  test('that fail are tried again after ever longer pauses, each told with its number; the next ones begin anew', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const start = Date.now();
    const [puts, failures] = [[] as number[], [] as unknown[]];
    let fails = 9;
    const announcer = new Announcer({
      everyMs: 5_000,
      put: async () => {
        puts.push(Date.now() - start);
        if (fails-- > 0) throw new Error('the bus is away');
      },
      failed: (object, attempt, error) => failures.push([object, attempt, error]),
    });
    announcer.changed('Contact');
    await vi.advanceTimersByTimeAsync(70_000);
    const pauses = puts.map((at, n) => at - (puts[n - 1] ?? 0));
    expect(pauses).toEqual([0, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]);
    expect(failures).toEqual(Array.from({ length: 9 }, (_, n) => ['Contact', n + 1, new Error('the bus is away')]));
    failures.splice(0);
    fails = 1;
    announcer.changed('Contact');
    await vi.advanceTimersByTimeAsync(200);
    expect(failures).toEqual([['Contact', 1, new Error('the bus is away')]]);
    expect(puts).toHaveLength(12);
    announcer.changed('Contact');
    await vi.advanceTimersByTimeAsync(4_999);
    expect(puts).toHaveLength(12);
    await vi.advanceTimersByTimeAsync(1);
    expect(puts).toHaveLength(13);
  });

  describe('at the end', () => {
    /** An announcer whose calls the test answers. */
    function held() {
      const calls: { objects: readonly string[]; signal: AbortSignal; answer: PromiseWithResolvers<void> }[] = [];
      const failures: unknown[] = [];
      const announcer = new Announcer({
        everyMs: 5_000,
        put: (objects, signal) => {
          const answer = Promise.withResolvers<void>();
          calls.push({ objects, signal, answer });
          return answer.promise;
        },
        failed: (...what) => failures.push(what),
      });
      const pass = () => vi.advanceTimersByTimeAsync(0);
      return { announcer, calls, failures, pass };
    }
    const signal = () => new AbortController().signal;

    test('the one under way is waited for, and made again where the end has cut it off', async () => {
      const { announcer, calls, failures, pass } = held();
      announcer.changed('Contact');
      const last = signal();
      const ended = vi.fn();
      const finished = announcer.finish(last).then(ended);
      await pass();
      expect(calls).toHaveLength(1);
      expect(calls[0]?.signal.aborted).toBe(true);
      expect(ended).not.toHaveBeenCalled();
      calls[0]?.answer.reject(new Error('aborted'));
      await pass();
      expect(calls[1]).toMatchObject({ objects: ['Contact'], signal: last });
      calls[1]?.answer.resolve();
      await finished;
      // That it was cut off is no failure of the bus.
      expect(failures).toEqual([]);
    });

    test('all that are due go together, are told together, and are tried until they are taken', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(1);
      const { announcer, calls, failures, pass } = held();
      for (const object of ['Contact', 'Account']) announcer.changed(object);
      for (const { answer } of calls.slice()) answer.resolve();
      await pass();
      for (const object of ['Contact', 'Account']) announcer.changed(object);
      const finished = announcer.finish(signal());
      await pass();
      expect(calls.slice(2).map(({ objects }) => objects)).toEqual([['Contact', 'Account']]);
      const away = new Error('away');
      calls[2]?.answer.reject(away);
      await vi.advanceTimersByTimeAsync(199);
      expect(calls).toHaveLength(3);
      await vi.advanceTimersByTimeAsync(1);
      calls[3]?.answer.reject(away);
      await vi.advanceTimersByTimeAsync(400);
      calls[4]?.answer.resolve();
      await finished;
      expect(failures).toEqual([
        ['Contact, Account', 1, away],
        ['Contact, Account', 2, away],
      ]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(calls).toHaveLength(5);
    });

    test('what was announced is not announced again, and after the signal nothing is', async () => {
      const { announcer, calls, pass } = held();
      announcer.changed('Contact');
      calls[0]?.answer.resolve();
      await pass();
      await announcer.finish(signal());
      expect(calls).toHaveLength(1);
      const other = held();
      other.announcer.changed('Contact');
      const finished = other.announcer.finish(AbortSignal.abort());
      other.calls[0]?.answer.reject(new Error('aborted'));
      await finished;
      expect(other.calls).toHaveLength(1);
    });
  });
});
