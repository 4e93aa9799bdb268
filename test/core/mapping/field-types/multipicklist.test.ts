import { expect, test } from 'vitest';
import { multipicklist } from '../../../../core/mapping/field-types/multipicklist.ts';
import { expectFromPostgres, expectFromSalesforce } from './one-value.ts';

test.for([
  [null, [null, '', ';', ' ; ']],
  ['Car;House', ['Car;House', 'House;Car', 'House; Car;House', ';Car;House;']],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(multipicklist, canonical, spellings);
});

test.for([
  [null, [null, '']],
  ['Car;House', ['House;Car']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(multipicklist, canonical, texts);
});

test('is written as an array, with its values quoted', () => {
  expect(multipicklist.toPostgres('Car;"Big\\ House"')).toBe('{"Car","\\"Big\\\\ House\\""}');
  expect(multipicklist.toPostgresJson('Car;House')).toEqual(['Car', 'House']);
});
