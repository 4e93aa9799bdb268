import { describe, expect, test } from 'vitest';
import {
  type CanonicalValue,
  fromPostgres,
  toCsv,
  toPostgres as written,
  toPostgresJson as writtenJson,
} from '../../../../core/mapping/canonical.ts';
import type { FieldType } from '../../../../core/mapping/field-types/field-type.ts';
import { FIELD_TYPES, fitsColumn } from '../../../../core/mapping/field-types/field-types.ts';
import { type ValueMap, valueMapFaults, withValues } from '../../../../core/mapping/field-types/value-map.ts';

const { text, number, boolean, date } = FIELD_TYPES;
const toPostgres = (type: FieldType, value: CanonicalValue) => written(type, value, undefined);
const toPostgresJson = (type: FieldType, value: CanonicalValue) => writtenJson(type, value, undefined);
const column = (type: string, kind = 'b', modifier = -1) => ({ type, kind, modifier });
const stage = withValues(text, { Prospecting: 0, 'Closed Won': 3, '': -1 });

describe('a value map', () => {
  test('says what the column holds, and nothing else changes', () => {
    expect(toPostgres(stage, 'Closed Won')).toBe('3');
    expect(toPostgresJson(stage, 'Closed Won')).toBe('3');
    expect(fromPostgres(stage, '3', 'F')).toBe('Closed Won');
    expect(stage.toSalesforce('Closed Won')).toBe('Closed Won');
    expect(toCsv(stage, 'Closed Won')).toBe('Closed Won');
    expect(stage.canonical('Prospecting')).toBe('Prospecting');
  });

  test('may have a code for the empty value; null is empty, too', () => {
    expect([toPostgres(stage, null), toPostgresJson(stage, null)]).toEqual(['-1', '-1']);
    expect([fromPostgres(stage, '-1', 'F'), fromPostgres(stage, null, 'F')]).toEqual([null, null]);
    expect(toPostgres(withValues(text, { A: 1 }), null)).toBeNull();
  });

  test.for<[text: string, values: ValueMap, value: string | boolean | null]>([
    ['0', { A: 0 }, 'A'],
    ['0.00', { A: 0 }, 'A'],
    ['1.50', { A: 1.5 }, 'A'],
    ['-2', { A: -2 }, 'A'],
    ['Y  ', { A: 'Y' }, 'A'],
    ['', { A: '' }, 'A'],
    ['true', { A: true, B: false }, 'A'],
    ['false', { A: true, B: false }, 'B'],
  ])('reads %j by %j as %j', ([held, values, value]) => {
    expect(fromPostgres(withValues(text, values), held, 'F')).toBe(value);
  });

  test.for(['1', 'closed won', 'Closed Won', 'NaN', ''])('reads %j as no value', (held) => {
    expect(() => fromPostgres(stage, held, 'StageName')).toThrow('The value of StageName is no text.');
  });

  test('refuses a value without an entry, upper and lower case being different', () => {
    expect(stage.refusal?.('Closed Won')).toBeUndefined();
    for (const value of ['closed won', 'Qualified']) expect(stage.refusal?.(value)?.code).toBe('VALUE_NOT_MAPPED');
    expect(() => toPostgres(stage, 'Qualified')).toThrow('A value without an entry came to its column.');
  });

  test('maps checkboxes and numbers, too', () => {
    const flag = withValues(boolean, { true: 'Y', false: 'N' });
    expect([toPostgres(flag, true), toPostgres(flag, false)]).toEqual(['Y', 'N']);
    expect(['Y', 'N', null].map((held) => fromPostgres(flag, held, 'F'))).toEqual([true, false, false]);
    const score = withValues(number, { '1.0': 'low', 2: 'high' });
    expect(toPostgres(score, '1')).toBe('low');
    expect(fromPostgres(score, 'high', 'F')).toBe('2');
  });

  test('of several values with one code reads the first, which the others count as', () => {
    const many = withValues(text, { Lead: 0, Prospect: 0, Won: 1 });
    expect(fromPostgres(many, '0', 'F')).toBe('Lead');
    expect(['Lead', 'Prospect', 'Won'].map((value) => many.isExact(column('int4'), value))).toEqual([
      true,
      false,
      true,
    ]);
    expect(many.isExact(column('int4'), 'whatever')).toBe(false);
  });

  test.for([
    [{ A: 0 }, 'int2', 'b', true],
    [{ A: 0 }, 'numeric', 'b', true],
    [{ A: 0 }, 'text', 'b', false],
    [{ A: 'x' }, 'bpchar', 'b', true],
    [{ A: 'x' }, 'loan_stage', 'e', true],
    [{ A: 'x' }, 'int4', 'b', false],
    [{ A: true }, 'bool', 'b', true],
    [{ A: true }, 'text', 'b', false],
  ] as const)('%j goes into a column of type %s (%s): %s', ([values, type, kind, fits]) => {
    expect(fitsColumn(withValues(text, values), { type, kind })).toBe(fits);
  });

  test('means the same in whichever order it is written', () => {
    expect(withValues(text, { A: 0, B: 1 }).meaning).toEqual(withValues(text, { B: 1.0, A: 0 }).meaning);
  });
});

test.for<[values: ValueMap, faults: string[]]>([
  [{ A: 0, B: 1 }, []],
  [{}, ['has no entry, so that no value could come; name the values, or remove it']],
  [{ A: 0, B: 'x' }, ['has number and string codes, and a column holds one kind; write all of them as one']],
  [{ A: Number.NaN }, ["has NaN for 'A', which no column holds; name a number"]],
  [{ A: 0, ' A': 1 }, [": 'A' and ' A' are one value in Salesforce; keep one of them"]],
  [
    { A: 0, B: 0 },
    [
      ": 'A' and 'B' have the same code, so which of them a row means is not known; give each one of its own, or give the field the direction to-postgres",
    ],
  ],
])('%j has the faults %j', ([values, faults]) => {
  expect(valueMapFaults(text, values, false)).toEqual(faults);
});

test('values that only Salesforce writes may share a code', () => {
  expect(valueMapFaults(text, { A: 0, B: 0 }, true)).toEqual([]);
});

test('keys are values of the type, and a checkbox has two', () => {
  expect(valueMapFaults(number, { one: 'x' }, false)).toEqual(["names 'one', which is no number; correct it"]);
  expect(valueMapFaults(boolean, { true: 'Y' }, false)).toEqual([
    'names one of true and false, and a checkbox has both; name both',
  ]);
  expect(valueMapFaults(date, { '2026-01-01': 'x' }, false)).toEqual([
    'goes with picklist, text, number and boolean, and the field is a date; remove it',
  ]);
});
