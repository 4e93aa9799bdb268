import { expect, test } from 'vitest';
import { dateLiteralSpan } from '../soql/date-literals.ts';

// A Wednesday.
const NOW = Date.UTC(2026, 3, 15, 13, 30);

test.each([
  ['TODAY', '2026-04-15', '2026-04-16'],
  ['YESTERDAY', '2026-04-14', '2026-04-15'],
  ['TOMORROW', '2026-04-16', '2026-04-17'],
  ['LAST_N_DAYS:3', '2026-04-12', '2026-04-16'],
  ['NEXT_N_DAYS:3', '2026-04-16', '2026-04-19'],
  ['N_DAYS_AGO:3', '2026-04-12', '2026-04-13'],
  ['LAST_90_DAYS', '2026-01-15', '2026-04-16'],
  ['NEXT_90_DAYS', '2026-04-16', '2026-07-15'],
  ['THIS_WEEK', '2026-04-12', '2026-04-19'],
  ['LAST_N_WEEKS:2', '2026-03-29', '2026-04-12'],
  ['LAST_MONTH', '2026-03-01', '2026-04-01'],
  ['NEXT_N_MONTHS:2', '2026-05-01', '2026-07-01'],
  ['N_MONTHS_AGO:4', '2025-12-01', '2026-01-01'],
  ['THIS_QUARTER', '2026-04-01', '2026-07-01'],
  ['LAST_FISCAL_QUARTER', '2026-01-01', '2026-04-01'],
  ['LAST_N_FISCAL_YEARS:2', '2024-01-01', '2026-01-01'],
  ['THIS_YEAR', '2026-01-01', '2027-01-01'],
])('%s is from %s to before %s', (literal, start, end) => {
  const span = dateLiteralSpan(literal, NOW);
  const day = (ms: number | undefined) => new Date(ms ?? 0).toISOString().slice(0, 10);
  expect([day(span?.start), day(span?.end)]).toEqual([start, end]);
});

test('an unknown literal is none', () => {
  expect(dateLiteralSpan('LAST_CENTURY', NOW)).toBeUndefined();
});
