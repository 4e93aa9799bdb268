import { test } from 'vitest';
import { date } from '../../../../core/mapping/field-types/date.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

test.for([
  [null, [null, '']],
  ['2024-02-29', ['2024-02-29', ' 2024-02-29 ', '2024-02-29T00:00:00.000Z', '2024-02-29T00:00:00.000+0000']],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(date, canonical, spellings);
});

test.for([
  [null, [null]],
  ['2024-04-16', ['2024-04-16', '2024-04-16 23:59:59']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(date, canonical, texts);
});

test.for(['2026-02-30', '2026-13-01', '31.01.2026'])(
  '%j is rejected by field, and the value is not in the message',
  (value) => {
    expectRejected(date, value);
  },
);
