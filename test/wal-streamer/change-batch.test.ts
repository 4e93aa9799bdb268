import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeMessage, MAX_MESSAGE_BYTES } from '../../core/contracts/change-message.ts';
import { ChangeBatch, MAX_KEYS, truncatedBody } from '../../wal-streamer/change-batch.ts';

function transaction(id: number, committedAt = 1_700_000_000_000) {
  return { id: String(id), committedAt, commitStart: 1n };
}

describe('a change message in the making', () => {
  test('holds each key once, with what was done to it last, and every transaction', () => {
    const batch = new ChangeBatch('Contact');
    batch.add('1', 'insert', transaction(10, Date.UTC(2026, 0, 2)));
    batch.add('2', 'update', transaction(10));
    batch.add('1', 'delete', transaction(11, Date.UTC(2026, 0, 1)));
    expect(batch.keys).toBe(2);
    expect(changeMessage.parse(JSON.parse(batch.body(0x16_b374_d848n)))).toEqual({
      object: 'Contact',
      keys: [
        ['1', 'delete'],
        ['2', 'update'],
      ],
      position: '16/B374D848',
      committedAt: new Date(1_700_000_000_000).toISOString(),
      transactions: ['10', '11'],
    });
  });

  test('never grows over its limits, whatever the keys', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 2700, minLength: 1 }), { minLength: 1 }), (keys) => {
        const batch = new ChangeBatch('Contact');
        for (let round = 0; round < 300; round++) {
          for (const key of keys) batch.add(`${key}${round}`, 'update', transaction(round));
        }
        const body = batch.body(1n);
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
        expect(batch.keys).toBeLessThanOrEqual(MAX_KEYS);
        expect(body).not.toMatch(/[\ufffe\uffff]/);
      }),
      { numRuns: 20 },
    );
  });

  test('says when it is full, and still renews a key that it holds', () => {
    const batch = new ChangeBatch('Contact');
    let key = 0;
    while (batch.add(String(key), 'update', transaction(1))) key++;
    expect(key).toBe(MAX_KEYS);
    expect(batch.add('0', 'delete', transaction(1))).toBe(true);
    expect(batch.add('new', 'update', transaction(1))).toBe(false);
  });

  test.each([
    ['plain letters', 'a'.repeat(100)],
    ['letters that JSON writes as escapes', '"'.repeat(100)],
    ['letters of several bytes', 'ü'.repeat(100)],
  ])('is nearly as large as it may be before it is full: %s', (_, letters) => {
    const batch = new ChangeBatch('Contact');
    let keys = 0;
    while (batch.add(`${letters}${keys}`, 'insert', transaction(1))) keys++;
    expect(keys).toBeLessThan(MAX_KEYS);
    const size = Buffer.byteLength(batch.body(1n));
    expect(size).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(size).toBeGreaterThan(MAX_MESSAGE_BYTES * 0.93);
  });

  test('is full of transactions, too', () => {
    const batch = new ChangeBatch('Contact');
    let id = 10_000_000;
    while (batch.add('1', 'update', transaction(id))) id++;
    const size = Buffer.byteLength(batch.body(1n));
    expect(size).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(size).toBeGreaterThan(MAX_MESSAGE_BYTES - 300);
    // One that it holds costs nothing.
    expect(batch.add('1', 'delete', transaction(10_000_000))).toBe(true);
  });

  test('takes its first key, whatever its size, and nothing beside one that fills it', () => {
    const batch = new ChangeBatch('Contact');
    expect(batch.add('k'.repeat(MAX_MESSAGE_BYTES), 'update', transaction(1))).toBe(true);
    expect(batch.add('1', 'update', transaction(1))).toBe(false);
    expect(batch.keys).toBe(1);
  });
});

test('rows that the WAL does not name are a message of their own, without keys', () => {
  const committedAt = Date.UTC(2026, 0, 2);
  const body = truncatedBody('Contact', { id: '12', committedAt, commitStart: 0x16_b374_d848n });
  expect(changeMessage.parse(JSON.parse(body))).toEqual({
    object: 'Contact',
    keys: [],
    truncated: true,
    position: '16/B374D848',
    committedAt: '2026-01-02T00:00:00.000Z',
    transactions: ['12'],
  });
});
