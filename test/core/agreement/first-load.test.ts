import { describe, expect, test } from 'vitest';
import { matchingKey, needsKey, placeKey } from '../../../core/agreement/first-load.ts';
import { UNREADABLE } from '../../../core/mapping/canonical.ts';

describe('a key', () => {
  test.for([
    ['one record and one row, both free', [1, 1, 1, 1], 'pair'],
    ['a record without a row', [1, 1, 0, 0], 'apart'],
    ['several records without a row', [2, 2, 0, 0], 'apart'],
    ['a row without a record', [0, 0, 1, 1], 'apart'],
    ['several rows without a record', [0, 0, 2, 2], 'apart'],
    ['a record and its row, linked before', [1, 0, 1, 0], 'apart'],
    ['a linked pair, and another record', [2, 1, 1, 0], 'apart'],
    ['two records and one row', [2, 2, 1, 1], 'ambiguous'],
    ['one record and two rows', [1, 1, 2, 2], 'ambiguous'],
    ['two of each', [2, 2, 2, 2], 'ambiguous'],
    ['a linked pair, and another of each', [2, 1, 2, 1], 'ambiguous'],
    ['a linked pair, and another row', [1, 0, 2, 1], 'ambiguous'],
    ['a record whose row has another key by now, and a row', [1, 0, 1, 1], 'ambiguous'],
    ['a record, a free row, and a row of another record', [1, 1, 2, 1], 'ambiguous'],
    ['two records of which one has a row with another key, and a row', [2, 1, 1, 1], 'ambiguous'],
  ] as const)('of %s', ([, [records, freeRecords, rows, freeRows], place]) => {
    expect(placeKey({ records, freeRecords, rows, freeRows })).toBe(place);
  });

  test('says the same of many as of two', () => {
    const counts = [0, 1, 2, 9];
    for (const records of counts)
      for (const freeRecords of counts.filter((n) => n <= records))
        for (const rows of counts)
          for (const freeRows of counts.filter((n) => n <= rows)) {
            const few = placeKey({
              records: Math.min(records, 2),
              freeRecords: Math.min(freeRecords, 2),
              rows: Math.min(rows, 2),
              freeRows: Math.min(freeRows, 2),
            });
            expect(placeKey({ records, freeRecords, rows, freeRows })).toBe(few);
          }
  });

  test('is the canonical value; what is empty, or on one side only, matches nothing', () => {
    expect(['anna@x.example', '100', '2026-01-31'].map(matchingKey)).toEqual(['anna@x.example', '100', '2026-01-31']);
    for (const value of [null, undefined, UNREADABLE, { unlinked: '7' }]) expect(matchingKey(value)).toBe(undefined);
  });
});

test('a key is needed when both sides have what could belong together', () => {
  const counts = (onlyInSalesforce: number, onlyInPostgres: number) => ({
    records: { linked: 1, byId: 1, byKey: 0, onlyInSalesforce, ambiguous: 0 },
    rows: { onlyInPostgres, ambiguous: 0, idNotLive: 1 },
  });
  expect(needsKey(counts(1, 1), undefined)).toBe(true);
  expect(needsKey(counts(1, 1), 'Email')).toBe(false);
  expect(needsKey(counts(0, 5), undefined)).toBe(false);
  expect(needsKey(counts(5, 0), undefined)).toBe(false);
});
