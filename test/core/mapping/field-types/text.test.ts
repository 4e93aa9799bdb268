import { expect, test } from 'vitest';
import { toPostgres, toPostgresJson, toSalesforce } from '../../../../core/mapping/canonical.ts';
import { text } from '../../../../core/mapping/field-types/text.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

test.for([
  [null, [null, undefined, '', ' ', '\t\r\n\f\v']],
  ['a b', ['a b', ' a b', 'a b\r\n', '\u0020\ta b']],
  ['a\nb', ['a\nb', 'a\r\nb', 'a\r\r\nb', ' a\r\nb ']],
  ['\u00a0a', ['\u00a0a', ' \u00a0a ']],
  ['a\rb', ['a\rb']],
  ['5', ['5', 5]],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(text, canonical, spellings);
});

test.for([
  [null, [null, '', ' ']],
  ['a\nb', [' a\r\nb ']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(text, canonical, texts);
});

test.for([{ street: 'secret' }, ['secret']])(
  '%j is rejected by field, and the value is not in the message',
  (value) => {
    expectRejected(text, value);
  },
);

test('is sent as it is, also when it is a number', () => {
  expect(toSalesforce(text, '5')).toBe('5');
});

test('a column that is shorter than the field is narrow', () => {
  const of = (maxLength: number | null) => text.narrowness({ length: 80, scale: 0 }, { type: 'varchar', maxLength });
  expect([of(null), of(80)]).toEqual([undefined, undefined]);
  expect(of(79)).toEqual({ inSalesforce: 'takes 80 characters', inColumn: '79', change: 'make the column text' });
});

test.for([
  ['varchar', ''],
  ['citext', ''],
  // No text of this is empty.
  ['uuid', null],
] as const)('a column of type %s that allows no null, and is empty by default, holds no text as %j', ([type, held]) => {
  const shape = { type, kind: 'b', modifier: -1, notNull: true, emptyByDefault: true };
  expect(toPostgres(text, null, shape)).toBe(held);
  expect(toPostgresJson(text, null, shape)).toBe(held);
  expect(toPostgres(text, null, { ...shape, notNull: false })).toBeNull();
  expect(toPostgres(text, null, { ...shape, emptyByDefault: false })).toBeNull();
});
