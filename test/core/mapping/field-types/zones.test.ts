import { expect, test } from 'vitest';
import { datetime } from '../../../../core/mapping/field-types/datetime.ts';
import { dayIn } from '../../../../core/mapping/field-types/day-in.ts';
import { fieldTypeOf } from '../../../../core/mapping/field-types/field-types.ts';
import { inZone } from '../../../../core/mapping/field-types/in-zone.ts';
import { expectFromPostgres, expectFromSalesforce } from './one-value.ts';

const column = (type: string) => ({ type, kind: 'b', modifier: -1 });
const berlin = inZone('Europe/Berlin');

test('a zone is the field’s, or the object’s; UTC is what a datetime is anyway', () => {
  expect(fieldTypeOf({ type: 'datetime' })).toBe(datetime);
  expect(fieldTypeOf({ type: 'datetime' }).meaning).toBeUndefined();
  expect(fieldTypeOf({ type: 'datetime' }, 'Europe/Berlin').meaning).toEqual({ zone: 'Europe/Berlin' });
  expect(fieldTypeOf({ type: 'datetime', zone: 'Asia/Kolkata' }, 'Europe/Berlin').meaning).toEqual({
    zone: 'Asia/Kolkata',
  });
  expect(fieldTypeOf({ type: 'date', dayIn: 'Europe/Berlin' }).meaning).toEqual({
    dayIn: 'Europe/Berlin',
    zone: 'UTC',
  });
  expect(fieldTypeOf({ type: 'date' }, 'Europe/Berlin').meaning).toBeUndefined();
});

test('a datetime is local in the column, and UTC in Salesforce', () => {
  expectFromPostgres(berlin, '2024-07-01T12:00:00Z', [
    '2024-07-01 14:00:00',
    '2024-07-01 14:00:00.75',
    '2024-07-01 12:00:00+00',
  ]);
  expectFromSalesforce(berlin, '2024-07-01T12:00:00Z', [
    '2024-07-01T12:00:00.000+0000',
    '2024-07-01T14:00:00.999+02:00',
  ]);
  // A column without a zone drops the offset, one with a zone heeds it.
  expect(berlin.toPostgres('2024-07-01T12:00:00Z', column('timestamp'))).toBe('2024-07-01T14:00:00+02:00');
});

test.for([
  ['timestamp', '2024-07-01T12:00:00Z', true],
  ['timestamp', '2024-10-27T00:30:00Z', true],
  ['timestamp', '2024-10-27T01:30:00Z', false],
  ['timestamp', '2024-10-27T02:30:00Z', true],
  ['timestamp', '2024-03-31T01:00:00Z', true],
  ['timestamptz', '2024-10-27T01:30:00Z', true],
  ['text', 'a text', true],
  ['timestamp', 'a text', false],
] as const)('a column of type %s holds %s of Berlin as it is: %s', ([type, value, is]) => {
  expect(berlin.isExact(column(type), value)).toBe(is);
});

const day = dayIn('Europe/Berlin', 'UTC');

test('a date is the day of a point in time, and written as its beginning', () => {
  expectFromPostgres(day, '2024-07-02', ['2024-07-01 22:00:00', '2024-07-02 21:59:59.9', '2024-07-02 12:00:00+00']);
  expectFromPostgres(dayIn('UTC', 'UTC'), '2024-07-01', ['2024-07-01 22:00:00']);
  expectFromPostgres(dayIn('UTC', 'Europe/Berlin'), '2024-06-30', ['2024-07-01 01:00:00']);
  expectFromSalesforce(day, '2024-07-02', ['2024-07-02']);
  expect(day.toPostgres('2024-07-02', column('timestamp'))).toBe('2024-07-01T22:00:00Z');
  expect(day.toPostgres('2024-07-02', column('date'))).toBe('2024-07-02');
  expect(dayIn('Europe/Berlin', 'Europe/Berlin').toPostgres('2024-07-02', column('timestamp'))).toBe(
    '2024-07-02T00:00:00+02:00',
  );
});

test.for([
  ['Europe/Berlin', 'UTC', '2024-03-31'],
  // Its clocks were set forward at midnight.
  ['America/Sao_Paulo', 'UTC', '2018-11-04'],
  ['America/Sao_Paulo', 'America/Sao_Paulo', '2018-11-04'],
] as const)('the beginning of a day of %s, written in %s, is of that day: %s', ([dayZone, zone, value]) => {
  for (const type of ['timestamp', 'timestamptz']) expect(dayIn(dayZone, zone).isExact(column(type), value)).toBe(true);
});
