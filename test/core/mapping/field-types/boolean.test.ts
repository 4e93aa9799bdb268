import { test } from 'vitest';
import { boolean } from '../../../../core/mapping/field-types/boolean.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

test.for([
  [false, [null, undefined, '', false, 'false', 'FALSE', 'f']],
  [true, [true, 'true', 'True', 't']],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(boolean, canonical, spellings);
});

test.for([
  [false, [null, 'f', 'false']],
  [true, ['t', 'true']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(boolean, canonical, texts);
});

test.for(['secret', 1])('%j is rejected by field, and the value is not in the message', (value) => {
  expectRejected(boolean, value);
});
