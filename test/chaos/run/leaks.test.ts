import { describe, expect, test } from 'vitest';
import { normalForm } from '../history/normal-form.ts';
import { OBJECT_NAMES, objectCalled } from '../plan/objects.ts';
import { Random } from '../plan/random.ts';
import { MARKED, valueFor } from '../plan/values.ts';
import { leaksIn } from './leaks.ts';

const markers = (text: string) => leaksIn({ where: 'a log', text }).map(({ marker }) => marker);

describe('what clients write is known again in a log', () => {
  const fields = OBJECT_NAMES.flatMap((name) => objectCalled(name).fields);
  const marked = fields.filter(({ type, choices, length = 0 }) => {
    return (type === 'text' && choices === undefined) || /^date/.test(type) || (type === 'number' && length > 10);
  });
  test.each(marked)('$field', (field) => {
    const random = new Random(1);
    for (let i = 0; i < 300; i++) {
      const value = valueFor(field, random, '1-2-3', 0);
      if (value === null) continue;
      expect(markers(JSON.stringify({ value }))).toEqual([field.type === 'datetime' ? 'date' : field.type]);
      expect(markers(`a log line: ${normalForm(field, value)}, and so on`), 'as it is kept').toHaveLength(1);
    }
  });
  test('numbers and dates are among them', () => {
    expect(new Set(marked.map(({ type }) => type))).toEqual(new Set(['text', 'number', 'date', 'datetime']));
    expect(Object.keys(MARKED)).toEqual(['text', 'number', 'date']);
  });
});

test.each([
  '2026-12-01T05:00:00.000Z',
  '1970-01-01T00:00:00Z',
  '1796101200123',
  '6b0a6031-7123-4560-a031-60317123456a',
  '0/60317123456A',
  'ab60317123456',
  '603171234',
  '1.60317123456',
  'run-1944-12-01-7',
])('others write %s, too', (text) => {
  expect(markers(text)).toEqual([]);
});
