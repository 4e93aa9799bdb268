import { test } from 'vitest';
import { reference } from '../../../../core/mapping/field-types/reference.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

const ID = '001D000000IqhSLIAZ';

test.for([
  [null, [null, '', ' ']],
  [ID, [ID, '001D000000IqhSL', ` ${ID}\n`]],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(reference, canonical, spellings);
});

test.for([
  [null, [null]],
  [ID, [ID]],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(reference, canonical, texts);
});

test.for(['secret', '001D000000IqhSLiaz', '001D000000IqhS'])(
  '%j is rejected by field, and the value is not in the message',
  (value) => {
    expectRejected(reference, value);
  },
);
