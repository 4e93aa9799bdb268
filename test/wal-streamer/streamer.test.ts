import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ChangeSender } from '../../aws/change-publisher.ts';
import { comparisonReason } from '../../core/contracts/comparison.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { tableFault } from '../../core/stream/table-faults.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { Comparison } from '../../postgres/ledger/comparison.ts';
import type { TakenStream } from '../../postgres/ledger/stream.ts';
import type { StreamFacts } from '../../postgres/stream/stream-facts.ts';
import { FlushPosition } from '../../wal-streamer/flush-position.ts';
import { readSettings } from '../../wal-streamer/settings.ts';
import type { ChangeStreamOptions } from '../../wal-streamer/stream-session.ts';
import { reasonOf, runStreamer } from '../../wal-streamer/streamer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const OBJECTS = ['Account', 'Contact', 'Opportunity'];
const settings = readSettings(
  {
    PGHOST: 'db.example.com',
    PGDATABASE: 'portal',
    PGUSER: 'sfsync_streamer',
    PGPASSWORD: 'hush',
    REPLICATION_SLOT: 'a_slot',
    CHANGE_QUEUE_URLS: JSON.stringify(Object.fromEntries(OBJECTS.map((object) => [object, `http://q/${object}`]))),
  },
  configuration,
);
const pass = () => vi.advanceTimersByTimeAsync(0);
const transaction = { id: '7', committedAt: 0, commitStart: 0x2fn };

/** A streamer whose stream, queues and bus are the test's. */
function setUp(heartbeatFile?: string) {
  const lines: unknown[][] = [];
  const puts: { type: string; objects: readonly string[]; signal: AbortSignal }[] = [];
  const sent: string[] = [];
  const [ended, stop] = [Promise.withResolvers<void>(), new AbortController()];
  const [confirm, discarded] = [vi.fn(), vi.fn()];
  const away = { queue: false, bus: '' };
  let options: ChangeStreamOptions | undefined;
  const sender = (url: string): ChangeSender => ({
    send: async (bodies) => {
      if (away.queue) throw Object.assign(new Error('the queue is away'), { code: 'ECONNREFUSED' });
      sent.push(...bodies.map(() => url));
      return [];
    },
  });
  const running = runStreamer(
    configuration,
    { ...settings, heartbeatFile },
    {
      log: {
        info: (...line) => lines.push(['info', ...line]),
        warn: (...line) => lines.push(['warn', ...line]),
      },
      senderTo: sender,
      eventsOf: (type) => ({
        put: async (objects, signal) => {
          puts.push({ type, objects, signal });
          if (away.bus === type) throw new Error('the bus is away');
        },
      }),
      streamOf: (given) => {
        options = given;
        return { run: () => ended.promise, confirm };
      },
      discarded,
    },
    stop.signal,
  );
  const stream = options ?? expect.unreachable('there is no stream');
  const streaming = (taken: Partial<TakenStream> = {}, from = 0x16_b374_d848n) =>
    stream.events.streaming(
      from,
      { server: 'PostgreSQL 17' } as unknown as StreamFacts,
      {
        gap: undefined,
        wasAway: false,
        confirmed: from,
        ...taken,
      } as TakenStream,
    );
  const announced = (type = 'Changes available') =>
    puts.filter((put) => put.type === type).map(({ objects }) => objects.join());
  return { stream, streaming, lines, puts, announced, sent, ended, running, stop, confirm, discarded, away };
}

test('the stream reads the slot of the settings, for the objects of the configuration', () => {
  const { stream } = setUp();
  const { database, slot, names } = settings;
  expect(stream).toMatchObject({ configuration, database, slot, names });
});

describe('a message that a queue has accepted', () => {
  test('is told by its keys, announced, and confirmed where the position has moved', async () => {
    const { stream, lines, announced, sent, confirm, discarded } = setUp();
    stream.publisher.startOver(new FlushPosition(0n));
    for (let n = 0; n < 2; n++) stream.publisher.truncated('Contact', transaction);
    stream.publisher.committed(0x30n);
    await pass();
    expect(sent).toEqual(['http://q/Contact', 'http://q/Contact']);
    expect(lines).toEqual(Array(2).fill(['info', 'published', { object: 'Contact', keys: 0, position: '0/2F' }]));
    expect(announced()).toEqual(['Contact']);
    // The first of the two does not reach the end of the transaction.
    expect(confirm).toHaveBeenCalledOnce();
    const bytes = discarded.mock.calls.map(([count]) => count as number);
    expect(bytes).toHaveLength(2);
    for (const count of bytes) expect(count).toBeGreaterThan(100);
  });

  test('that it does not accept is logged at the first attempt and at every tenth', async () => {
    const { stream, lines, away, announced } = setUp();
    vi.spyOn(Math, 'random').mockReturnValue(1);
    away.queue = true;
    stream.publisher.truncated('Contact', transaction);
    await vi.advanceTimersByTimeAsync(300_000);
    const logged = [1, 10, 20].map((attempt) => [
      'warn',
      'changes cannot be published',
      { object: 'Contact', attempt, code: 'ECONNREFUSED', reason: 'the queue is away' },
    ]);
    expect(lines.filter(([level]) => level === 'warn')).toEqual(logged);
    expect(announced()).toEqual([]);
  });
});

describe('once it streams', () => {
  test('it says from where, and announces all objects: the one before it may have been killed before it could', async () => {
    const { streaming, lines, announced } = setUp();
    streaming();
    await pass();
    expect(lines).toEqual([['info', 'streaming from 16/B374D848', { server: 'PostgreSQL 17' }]]);
    expect(announced()).toEqual(OBJECTS);
    await vi.advanceTimersByTimeAsync(60_000);
    streaming();
    await pass();
    expect(announced()).toEqual(OBJECTS);
  });

  test('it says what may have been skipped', () => {
    const { streaming, lines } = setUp();
    streaming({ gap: { reason: 'slot moved', records: false } });
    expect(lines[0]).toEqual(['warn', `all objects are compared: ${comparisonReason('slot moved')}`]);
  });

  test('after it was away for a while, all objects are swept; the schedule makes up for an event that is lost', async () => {
    const { streaming, lines, puts, announced, away, stop } = setUp();
    streaming();
    expect(announced('Sweep due')).toEqual([]);
    streaming({ wasAway: true });
    expect(announced('Sweep due')).toEqual([OBJECTS.join()]);
    expect(puts.find(({ type }) => type === 'Sweep due')?.signal).toBe(stop.signal);
    lines.splice(0);
    away.bus = 'Sweep due';
    streaming({ wasAway: true });
    await pass();
    expect(lines).toContainEqual(['warn', 'sweeps cannot be announced', { code: 'Error', reason: 'the bus is away' }]);
  });

  test('it is measured every 15 seconds whether it still does', async () => {
    const { stream, streaming, lines, ended, running } = setUp();
    const measured = async () => {
      lines.splice(0);
      await vi.advanceTimersByTimeAsync(15_000);
      return lines.filter(([, message]) => message === 'measured');
    };
    expect(await measured()).toEqual([['info', 'measured', { streaming: 0 }]]);
    streaming();
    expect(await measured()).toEqual([['info', 'measured', { streaming: 1 }]]);
    stream.events.interrupted('connect again', 1, new Error('gone'));
    expect(await measured()).toEqual([['info', 'measured', { streaming: 0 }]]);
    ended.resolve();
    await running;
    expect(await measured()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what the stream tells is logged', () => {
  test('a connection that breaks: the first time, and every tenth', () => {
    const { stream, lines } = setUp();
    const gone = Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    for (let attempt = 1; attempt <= 20; attempt++) stream.events.interrupted('wait for the slot', attempt, gone);
    expect(lines).toEqual(
      [1, 10, 20].map((attempt) => [
        'warn',
        'the stream broke: wait for the slot',
        { attempt, code: 'ECONNRESET', reason: 'gone' },
      ]),
    );
  });

  test('a truncated table, and no delete', () => {
    const { stream, lines } = setUp();
    stream.events.unnamedRows('Account', 'delete');
    stream.events.unnamedRows('Account', 'truncate');
    expect(lines).toEqual([
      ['warn', 'a mapped table was truncated: its records count as deleted', { object: 'Account' }],
    ]);
  });

  test('edits that do not come through the slot, and that they do again', () => {
    const { stream, lines } = setUp();
    stream.events.unseen('Account', ['not published']);
    stream.events.unseen('Account', []);
    expect(lines).toEqual([
      ['warn', 'edits do not come through the slot', { object: 'Account', faults: [tableFault('not published')] }],
      ['info', 'edits come through the slot again', { object: 'Account' }],
    ]);
  });

  test('a comparison that is due, and a table that was changed', () => {
    const { stream, lines } = setUp();
    stream.events.changed('Account', ['publication changed']);
    stream.events.tableChanged({ object: 'Account', table: 'public.lenders', column: 'phone', change: 'is gone' });
    expect(lines).toEqual([
      ['warn', 'a comparison is due', { object: 'Account', reasons: [comparisonReason('publication changed')] }],
      ['warn', 'a mapped table was changed: is gone', { table: 'public.lenders', column: 'phone' }],
    ]);
  });

  test('a heartbeat file that cannot be written', async () => {
    const place = mkdtempSync(join(tmpdir(), 'sfsync-heartbeat-'));
    const { stream, lines } = setUp(join(place, 'not', 'there'));
    stream.heartbeat.beat();
    await vi.waitFor(() => {
      expect(lines).toEqual([
        ['warn', 'the heartbeat file cannot be written', expect.objectContaining({ code: 'ENOENT' })],
      ]);
    });
    rmSync(place, { recursive: true });
  });
});

describe('comparisons that are due', () => {
  const comparison = { object: 'Account', order: '1', stage: 'links', after: null } as unknown as Comparison;

  test('are announced, but not those whose table cannot be read again and again', async () => {
    const { stream, announced, puts, stop } = setUp();
    stream.events.comparisonsDue([comparison], new Set());
    expect(announced('Comparison due')).toEqual(['Account']);
    expect(puts[0]?.signal).toBe(stop.signal);
    await vi.advanceTimersByTimeAsync(400_000);
    stream.events.comparisonsDue([comparison], new Set(['Account']));
    expect(announced('Comparison due')).toEqual(['Account']);
    stream.events.comparisonsDue([comparison], new Set());
    expect(announced('Comparison due')).toEqual(['Account', 'Account']);
  });

  test('and cannot be announced are told', async () => {
    const { stream, lines, away } = setUp();
    away.bus = 'Comparison due';
    stream.events.comparisonsDue([comparison], new Set());
    await pass();
    expect(lines).toEqual([
      ['warn', 'comparisons cannot be announced', { objects: ['Account'], code: 'Error', reason: 'the bus is away' }],
    ]);
  });
});

describe('announcements', () => {
  test('come as often as the settings say; that they cannot be made is logged at the first attempt and every tenth', async () => {
    const { streaming, announced, lines, stream, away } = setUp();
    vi.spyOn(Math, 'random').mockReturnValue(1);
    streaming();
    await pass();
    const everyMs = configuration.settings.announceEverySeconds * 1000;
    stream.publisher.startOver(new FlushPosition(0n));
    stream.publisher.truncated('Contact', transaction);
    await vi.advanceTimersByTimeAsync(everyMs - 1);
    expect(announced()).toHaveLength(3);
    away.bus = 'Changes available';
    lines.splice(0);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(lines.filter(([level]) => level === 'warn')).toEqual(
      [1, 10].map((attempt) => [
        'warn',
        'changes cannot be announced',
        { object: 'Contact', attempt, code: 'Error', reason: 'the bus is away' },
      ]),
    );
  });

  test.each(['ended', 'failed'] as const)(
    'that are due are made when the stream has %s, in two seconds',
    async (how) => {
      const timeout = vi.spyOn(AbortSignal, 'timeout');
      const { streaming, announced, stream, ended, running } = setUp();
      streaming();
      await pass();
      stream.publisher.startOver(new FlushPosition(0n));
      stream.publisher.truncated('Contact', transaction);
      await pass();
      const outcome = running.catch((error: unknown) => error);
      const error = new ConfigurationError('NOT_PREPARED', 'prepare');
      if (how === 'ended') ended.resolve();
      else ended.reject(error);
      expect(await outcome).toBe(how === 'ended' ? undefined : error);
      expect(timeout.mock.calls).toEqual([[2_000]]);
      expect(announced()).toEqual([...OBJECTS, 'Contact']);
    },
  );
});

test.each([
  ['an error by its code', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED', 'refused'],
  ['one without a code by its name', new TypeError('no function'), 'TypeError', 'no function'],
  ['one whose code is a number by its name', Object.assign(new Error('odd'), { code: 7 }), 'Error', 'odd'],
  ['what is no error as it is', 'InternalError', 'InternalError', 'InternalError'],
])('a reason names %s', (_, error, code, reason) => {
  expect(reasonOf(error)).toEqual({ code, reason });
});
