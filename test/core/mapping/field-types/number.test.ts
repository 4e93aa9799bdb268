import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromPostgres, fromSalesforce, toCsv, toSalesforce } from '../../../../core/mapping/canonical.ts';
import { number } from '../../../../core/mapping/field-types/number.ts';
import { expectFromPostgres, expectFromSalesforce, expectRejected } from './one-value.ts';

test.for([
  [null, [null, undefined, '', '  ']],
  ['100', [100, 100.0, '100', '100.0', '1E2', '1e+2', '+100', '0100', '100.', ' 100 ']],
  ['0', [0, -0, '0', '-0', '0.00', '0E5', '.0']],
  ['-0.5', [-0.5, '-.5', '-0.50', '-5e-1']],
  ['12345678901234567890.123', ['12345678901234567890.1230', '1.2345678901234567890123E19']],
  ['1000000000000000000000000', ['1E24', 1e24]],
] as const)('%j as Salesforce spells it', ([canonical, spellings]) => {
  expectFromSalesforce(number, canonical, spellings);
});

test.for([
  [null, [null]],
  ['100', ['100.00']],
  [`17976931348623157${'0'.repeat(292)}`, ['1.7976931348623157e+308']],
] as const)('%j as PostgreSQL spells it', ([canonical, texts]) => {
  expectFromPostgres(number, canonical, texts);
});

test.for(['secret', '0x10', 'NaN', 'Infinity', '1,5', '1e999999999', '1e99999999999999999999'])(
  '%j is rejected by field, and the value is not in the message',
  (value) => {
    expectRejected(number, value);
  },
);

test('travels as a JSON number only when that holds it exactly', () => {
  expect(toSalesforce(number, '0.1')).toBe(0.1);
  expect(toSalesforce(number, '9007199254740993')).toBe('9007199254740993');
  expect(toSalesforce(number, '1234567890.12345678901')).toBe('1234567890.12345678901');
});

test('travels as CSV with all of its digits', () => {
  expect(toCsv(number, '1000000000000000000000000')).toBe('1000000000000000000000000');
});

test('plain spellings, which are read without arithmetic, mean the same as the others', () => {
  const digits = fc.stringMatching(/^\d{1,30}$/);
  fc.assert(
    fc.property(fc.constantFrom('', '-'), digits, digits, (sign, whole, fraction) => {
      const plain = `${sign}${BigInt(whole)}.${fraction}`;
      const value = fromSalesforce(number, plain, 'F');
      expect(value).toBe(fromSalesforce(number, `${sign}0${whole}.${fraction}E0`, 'F'));
      expect(fromPostgres(number, plain, 'F')).toBe(value);
    }),
  );
});

test('a column of whole numbers is narrow for a field with decimals', () => {
  const of = (scale: number, type: string) => number.narrowness({ length: 0, scale }, { type, maxLength: null });
  expect([of(0, 'int4'), of(2, 'numeric'), of(2, 'float8')]).toEqual([undefined, undefined, undefined]);
  expect(of(2, 'int8')).toEqual({
    inSalesforce: 'has 2 decimals',
    inColumn: 'none',
    change: 'make the column numeric',
  });
});

test.for([
  ['the same number, however it is spelled', '100.0', '1E2', true],
  ['a number that is rounded to the fifteenth digit', '123456789012345.67', '123456789012346', true],
  ['one with a large first digit', '9.87654321098765432', '9.87654321098765', true],
  ['a small one', '0.0000123456789012345678', '0.0000123456789012346', true],
  ['a negative one', '-0.12345678901234567', '-0.123456789012346', true],
  ['a number whose fifteenth digit is another one', '123456789012345', '123456789012346', false],
  ['a number with fewer digits', '1000.005', '1000.01', false],
  ['the opposite', '1', '-1', false],
  ['nought', '0', '0.0', true],
  ['a tiny number in place of nought', '0', '1e-20', false],
  ['nought in place of a tiny number', '1e-20', '0', false],
  ['a text', 'NaN', 'NaN', false],
] as const)('Salesforce stores as our number %s', ([, ours, theirs, is]) => {
  expect(number.isStoredAs(ours, theirs)).toBe(is);
});
