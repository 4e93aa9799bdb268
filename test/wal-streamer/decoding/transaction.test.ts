import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../../core/contracts/lsn.ts';
import type { StreamMessage } from '../../../wal-streamer/decoding/stream-message.ts';
import { TransactionReader } from '../../../wal-streamer/decoding/transaction.ts';
import { TransactionIds } from '../../../wal-streamer/decoding/transaction-id.ts';

function change(key: string): StreamMessage {
  return { kind: 'change', objects: ['Account'], operation: 'update', key, oldKey: undefined };
}
const begin: StreamMessage = { kind: 'begin', xid: 900, committedAt: 1000, commitStart: 90n };
const commit: StreamMessage = { kind: 'commit', end: 100n };

function read(messages: readonly StreamMessage[]) {
  const seen = { keys: [] as string[], transactions: [] as string[], ends: [] as Lsn[], unnamed: [] as string[] };
  const reader = new TransactionReader(
    {
      changed: ({ key }, { id }) => {
        seen.keys.push(key);
        seen.transactions.push(id);
        return undefined;
      },
      committed: (end) => seen.ends.push(end),
      unnamed: (object) => {
        seen.unnamed.push(object);
        return undefined;
      },
    },
    new TransactionIds(1000n),
  );
  for (const message of messages) reader.read(message);
  return { ...seen, open: reader.open };
}

describe('transactions of the stream', () => {
  test("hand on the application's changes as they come", () => {
    expect(read([begin, change('1'), change('2')])).toMatchObject({ keys: ['1', '2'], ends: [], open: true });
    expect(read([begin, change('1'), commit])).toMatchObject({ transactions: ['900'], ends: [100n], open: false });
  });

  test('are dropped when they carry an origin of ours, and their end still counts', () => {
    const seen = read([begin, { kind: 'origin', name: 'sfsync_3' }, change('1'), commit]);
    expect(seen).toMatchObject({ keys: [], ends: [100n] });
  });

  test("are kept when they carry another feed's origin", () => {
    expect(read([begin, { kind: 'origin', name: 'pg_16402' }, change('1'), commit]).keys).toEqual(['1']);
  });

  test('are dropped when our marker comes first', () => {
    expect(read([begin, { kind: 'marker', prefix: 'sfsync' }, change('1'), commit]).keys).toEqual([]);
  });

  test('are kept when the marker is not ours, or not first', () => {
    expect(read([begin, { kind: 'marker', prefix: 'audit' }, change('1'), commit]).keys).toEqual(['1']);
    expect(read([begin, change('1'), { kind: 'marker', prefix: 'sfsync' }, change('2'), commit]).keys).toEqual([
      '1',
      '2',
    ]);
  });

  test('are kept when our marker comes after another one', () => {
    const markers = ['audit', 'sfsync'].map((prefix): StreamMessage => ({ kind: 'marker', prefix }));
    expect(read([begin, ...markers, change('1'), commit]).keys).toEqual(['1']);
  });

  test('are waited for where there is no room, also for rows without a key: until there is for all of them', async () => {
    const rooms = new Map<string, PromiseWithResolvers<void>>();
    const room = (object: string) => {
      const waiting = Promise.withResolvers<void>();
      rooms.set(object, waiting);
      return waiting.promise;
    };
    const reader = new TransactionReader(
      {
        changed: ({ objects: [object = ''] }) => room(object),
        committed: () => undefined,
        unnamed: (object) => room(object),
      },
      new TransactionIds(1000n),
    );
    expect(reader.read(begin)).toBeUndefined();
    expect(reader.read(change('1'))).toBeInstanceOf(Promise);
    const gone: StreamMessage = { kind: 'unnamed rows', objects: ['Contact', 'Account'], by: 'truncate' };
    let isOver = false;
    const waits = Promise.resolve(reader.read(gone)).then(() => {
      isOver = true;
    });
    rooms.get('Contact')?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    rooms.get('Account')?.resolve();
    await waits;
    // Both were handed on before.
    expect(reader.read(gone)).toBeUndefined();
  });

  test('a dropped one does not touch the next', () => {
    const own: StreamMessage = { kind: 'origin', name: 'sfsync_0' };
    expect(read([begin, own, change('1'), commit, begin, change('2'), commit]).keys).toEqual(['2']);
  });

  test('count rows without a key, once for each object, unless they are our own', () => {
    const truncate: StreamMessage = { kind: 'unnamed rows', objects: ['Account', 'Contact'], by: 'truncate' };
    const gone: StreamMessage = { kind: 'unnamed rows', objects: ['Account'], by: 'delete' };
    expect(read([begin, gone, truncate, gone, commit]).unnamed).toEqual(['Account', 'Contact']);
    expect(read([begin, gone, commit, begin, gone, commit]).unnamed).toEqual(['Account', 'Account']);
    expect(read([begin, { kind: 'origin', name: 'sfsync_0' }, truncate, commit]).unnamed).toEqual([]);
  });

  test('a change outside of one is a bug', () => {
    expect(() => read([change('1')])).toThrow('outside of a transaction');
  });
});

describe('transaction ids', () => {
  test('are widened to the nearest: also across the end of 32 bits, in both directions', () => {
    const ids = new TransactionIds(0x2_0000_0005n);
    expect(ids.widen(3)).toBe(0x2_0000_0003n);
    expect(ids.widen(0xffff_fff0)).toBe(0x1_ffff_fff0n);
    expect(ids.widen(9)).toBe(0x2_0000_0009n);
  });

  test('follow the stream for more than 32 bits', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 62n), fc.array(fc.integer({ min: -1000, max: 2 ** 30 })), (start, steps) => {
        const ids = new TransactionIds(start);
        let now = start;
        for (const step of steps) {
          const next = now + BigInt(step);
          if (next < 0n) continue;
          now = next;
          expect(ids.widen(Number(BigInt.asUintN(32, now)))).toBe(now);
        }
      }),
    );
  });
});
