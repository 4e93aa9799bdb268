import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeMessage, MAX_MESSAGE_BYTES } from '../../core/contracts/change-message.ts';
import { ChangeBatch, MAX_KEYS } from '../../wal-streamer/change-batch.ts';

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
});
