import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromPostgres, fromSalesforce } from '../../../../core/mapping/canonical.ts';
import { datetime } from '../../../../core/mapping/field-types/datetime.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

test.for([
  [null, [null, '']],
  [
    '2024-04-16T19:00:00Z',
    [
      '2024-04-16T19:00:00.000+0000',
      '2024-04-16T19:00:00.000Z',
      '2024-04-16T19:00:00.999Z',
      '2024-04-16T21:00:00+02:00',
      '2024-04-17T00:30:00+0530',
      '2024-04-16 19:00:00+00',
      '2024-04-16T12:00:00-07',
    ],
  ],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(datetime, canonical, spellings);
});

test.for([
  [null, [null]],
  ['2024-04-16T19:00:00Z', ['2024-04-16 19:00:00.123456+00', '2024-04-16 19:00:00.123456']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(datetime, canonical, texts);
});

test.for([
  '2026-01-31',
  '2026-01-31T10:00:00',
  '2026-02-30T10:00:00Z',
  '2026-01-31T10:61:00Z',
  '9999-12-31T23:59:59-01:00',
])('%j is rejected by field, and the value is not in the message', (value) => {
  expectRejected(datetime, value);
});

test('an instant in UTC, which is read without a calendar, means the same as with an offset', () => {
  const minutes = fc.integer({ min: -14 * 60, max: 14 * 60 });
  const moment = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(moment, minutes, (at, offset) => {
      const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19);
      const [sign, size] = [offset < 0 ? '-' : '+', Math.abs(offset)];
      const zone = `${sign}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
      const utc = `${at.toISOString().slice(0, 19)}Z`;
      expect(fromSalesforce(datetime, `${local}${zone}`, 'F')).toBe(utc);
      expect(fromPostgres(datetime, utc.replace('T', ' ').replace('Z', '.75+00'), 'F')).toBe(utc);
    }),
  );
});
