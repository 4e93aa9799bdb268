import { expect, test } from 'vitest';
import { toCsv, toSalesforce } from '../../../../core/mapping/canonical.ts';
import { time } from '../../../../core/mapping/field-types/time.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

test.for([
  [null, [null]],
  ['10:11:12.345', ['10:11:12.345Z', '10:11:12.345678']],
  ['10:11:12.000', ['10:11:12']],
  ['10:11:00.000', ['10:11']],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(time, canonical, spellings);
});

test.for([
  [null, [null]],
  ['10:11:12.345', ['10:11:12.345Z', '10:11:12.345678']],
  ['10:11:12.000', ['10:11:12']],
  ['10:11:00.000', ['10:11']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(time, canonical, texts);
});

test.for(['24:00:00', '10:60', '10:11:12+02'])(
  '%j is rejected by field, and the value is not in the message',
  (value) => {
    expectRejected(time, value);
  },
);

test('is sent with the Z that means nothing, as JSON and as CSV', () => {
  expect(toSalesforce(time, '10:11:12.345')).toBe('10:11:12.345Z');
  expect(toCsv(time, '10:11:12.345')).toBe('10:11:12.345Z');
});
