import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInstant, parseInstant } from '../../../core/mapping/instant.ts';

test('days are those of the calendar', () => {
  const day = fc.tuple(
    fc.integer({ min: 0, max: 9999 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
  );
  fc.assert(
    fc.property(day, ([year, month, dayOfMonth]) => {
      const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
      const instant = Date.parse(`${text}T00:00:00Z`);
      const exists = !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text);
      expect(parseInstant(`${text}T00:00:00Z`)).toBe(exists ? instant : undefined);
    }),
    { numRuns: 2000 },
  );
});

test('instants are whole seconds of UTC', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (instant) => {
      expect(parseInstant(formatInstant(instant))).toBe(Math.floor(instant / 1000) * 1000);
    }),
  );
  expect(formatInstant(-1)).toBe('1969-12-31T23:59:59Z');
  expect(parseInstant('yesterday')).toBeUndefined();
});
