import { describe, expect, test } from 'vitest';
import { mappedLine } from '../../../core/contracts/inbound-tasks.ts';
import { wholeRecord } from '../../../core/mapping/whole-record.ts';
import { thing as mapping } from '../agreement/thing.ts';

describe('a whole record', () => {
  test('has every field of the mapping, null', () => {
    const fields = mapping.fields.map(({ field }) => field);
    expect(wholeRecord(mapping)).toEqual(Object.fromEntries(fields.map((field) => [field, null])));
  });

  test('is a new one each time', () => {
    const first = wholeRecord(mapping);
    first[mapping.fields[0]?.field ?? ''] = 'filled';
    expect(wholeRecord(mapping)).not.toEqual(first);
  });
});

describe('fields of a mapped line', () => {
  const line = (fields: unknown) => ({ line: 1, version: { id: 'x', deleted: false, stamp: 0, fields } });

  test('hold texts, booleans and nulls', () => {
    expect(mappedLine.safeParse(line({ A: 'a', B: true, C: null })).success).toBe(true);
  });

  test.each([{ A: 1 }, { A: {} }, { A: ['a'] }, [], ['a'], null, 'A', undefined])('are not %j', (fields) => {
    expect(mappedLine.safeParse(line(fields)).success).toBe(false);
  });
});
