import { expect, test } from 'vitest';
import { toPostgres, toPostgresJson } from '../../../../core/mapping/canonical.ts';
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

test.for([
  ['_text', '{"Car","\\"Big\\\\ House\\""}', ['Car', '"Big\\ House"']],
  ['jsonb', '["Car","\\"Big\\\\ House\\""]', ['Car', '"Big\\ House"']],
  ['text', 'Car;"Big\\ House"', 'Car;"Big\\ House"'],
] as const)('a column of type %s is written %s', ([type, text, json]) => {
  const shape = { type, kind: 'b', modifier: -1 };
  const value = 'Car;"Big\\ House"';
  expect(multipicklist.toPostgres(value, shape)).toBe(text);
  expect(multipicklist.toPostgresJson(value, shape)).toEqual(json);
});

test.for([
  ['_text', '{}', []],
  ['jsonb', '[]', []],
  ['text', '', ''],
] as const)('a column of type %s that allows no null holds no values as %j', ([type, text, json]) => {
  const shape = { type, kind: 'b', modifier: -1, notNull: true };
  expect(toPostgres(multipicklist, null, shape)).toBe(text);
  expect(toPostgresJson(multipicklist, null, shape)).toEqual(json);
  expect(toPostgres(multipicklist, null, { ...shape, notNull: false })).toBeNull();
});
