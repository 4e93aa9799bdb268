import { describe, expect, test } from 'vitest';
import {
  type CanonicalValue,
  fromPostgres,
  toPostgres as written,
  toPostgresJson as writtenJson,
} from '../../../../core/mapping/canonical.ts';
import { type AnyConversion, conversionFaults, converted } from '../../../../core/mapping/field-types/converted.ts';
import type { FieldType } from '../../../../core/mapping/field-types/field-type.ts';
import { FIELD_TYPES } from '../../../../core/mapping/field-types/field-types.ts';

const { text, number, boolean, datetime, multipicklist, reference } = FIELD_TYPES;
const toPostgres = (type: FieldType, value: CanonicalValue) => written(type, value, undefined);
const toPostgresJson = (type: FieldType, value: CanonicalValue) => writtenJson(type, value, undefined);
const shape = (type: string) => ({ type, kind: 'b', modifier: -1 });

/** An amount in cents. */
const cents: AnyConversion = {
  toPostgres: (euros: string) => {
    const [whole = '', part = ''] = euros.split('.');
    return String(BigInt(whole + part.slice(0, 2).padEnd(2, '0')));
  },
  toSalesforce: (held) => `${BigInt(held) / 100n}.${String(BigInt(held) % 100n).padStart(2, '0')}`,
  samples: { '1200.5': '120050', '0.01': '1' },
};
const amount = converted(number, cents);

function having(functions: Partial<AnyConversion>): AnyConversion {
  return { toPostgres: (value: string) => value, toSalesforce: (held) => held, samples: { a: 'a' }, ...functions };
}

/** Answers another text each time. */
function counting(): () => string {
  let n = 0;
  return () => `${n++}`;
}

describe('a computed column', () => {
  test('holds what the functions make of the value, and nothing else changes', () => {
    expect([toPostgres(amount, '1200.5'), toPostgresJson(amount, '1200.5')]).toEqual(['120050', '120050']);
    expect(fromPostgres(amount, '120050', 'F')).toBe('1200.5');
    expect(amount.toSalesforce('1200.5')).toBe(1200.5);
    expect(amount.refusal?.('1200.5')).toBeUndefined();
  });

  test('is null where the value is empty, and the functions are not asked', () => {
    expect([toPostgres(amount, null), fromPostgres(amount, null, 'F')]).toEqual([null, null]);
  });

  test('gives and takes booleans for a checkbox', () => {
    const since: AnyConversion = {
      toPostgres: (isActive: boolean) => (isActive ? 'active' : 'closed'),
      toSalesforce: (held) => held === 'active',
      samples: { true: 'active', false: 'closed' },
    };
    const flag = converted(boolean, since);
    expect([toPostgres(flag, true), fromPostgres(flag, 'active', 'F')]).toEqual(['active', true]);
    expect(fromPostgres(flag, null, 'F')).toBe(false);
    expect(conversionFaults(boolean, since)).toEqual([]);
  });

  test.for<[what: string, functions: Partial<AnyConversion>]>([
    ['throws', { toPostgres: (value: string) => expect.unreachable(value) }],
    ['answers undefined', { toPostgres: () => undefined as unknown as string }],
    ['answers null', { toPostgres: () => null as unknown as string }],
    ['answers a number', { toPostgres: () => 1 as unknown as string }],
    ['answers a promise', { toPostgres: async () => '1' } as unknown as AnyConversion],
    ['answers another text each time', { toPostgres: counting() }],
    ['answers what PostgreSQL cannot store', { toPostgres: () => 'a\0' }],
    ['cannot lead back', { toSalesforce: () => undefined as unknown as string }],
    ['leads back to a number', { toSalesforce: () => 1 as unknown as string }],
    ['leads back to another text each time', { toSalesforce: counting() }],
  ])('has nothing for a value where a function %s', ([, functions]) => {
    expect(converted(text, having(functions)).refusal?.('a')?.code).toBe('VALUE_NOT_CONVERTED');
  });

  test.for<[what: string, functions: Partial<AnyConversion>]>([
    ['throws', { toSalesforce: (held) => expect.unreachable(held) }],
    ['answers undefined', { toSalesforce: () => undefined as unknown as string }],
    ['answers another text each time', { toSalesforce: counting() }],
  ])('reads a row as no value where the function %s, and does not tell the text', ([, functions]) => {
    const read = () => fromPostgres(converted(text, having(functions)), 'secret', 'F');
    expect(read).toThrow('The value of F is no text.');
  });

  test('answers what the field cannot be: no value', () => {
    expect(() => fromPostgres(converted(number, having({ toSalesforce: () => 'much' })), '1', 'F')).toThrow();
  });

  test('of a value that does not come back as it was says so: it is what the column has made of it', () => {
    const lower = converted(text, having({ toPostgres: (value: string) => value.toLowerCase() }));
    expect([lower.isExact(shape('text'), 'abc'), lower.isExact(shape('text'), 'ABC')]).toEqual([true, false]);
    expect(lower.refusal?.('ABC')).toBeUndefined();
    expect(fromPostgres(lower, toPostgres(lower, 'ABC') as string, 'F')).toBe('abc');
  });

  test('asks the server what a column of another type makes of the text', () => {
    expect(amount.isExact(shape('int8'), '1200.5')).toBe(true);
    expect(amount.isExact({ ...shape('numeric'), modifier: 4 }, '1200.5')).toBe(true);
    expect(amount.isExact(shape('money'), '1200.5')).toBe(false);
    expect(converted(number, having({})).isExact(shape('int4'), '007')).toBe(false);
  });

  test('means what its samples say', () => {
    expect(amount.meaning).toEqual({ convert: { '1200.5': '120050', '0.01': '1' } });
  });
});

describe('samples', () => {
  test('are what the functions answer', () => {
    expect(conversionFaults(number, cents)).toEqual([]);
  });

  test.for<[samples: Record<string, string>, fault: string]>([
    [{}, 'has no samples; name values of Salesforce and what the column holds for each'],
    [{ much: '1' }, "has the sample 'much', which is no number; correct it"],
    [{ '': '1' }, 'has an empty sample, and the functions are not asked for an empty value; remove it'],
    [{ '1': '1' }, ": toPostgres answers '100' for the sample '1', which says '1'; correct one of them"],
  ])('%j: %s', ([samples, fault]) => {
    expect(conversionFaults(number, { ...cents, samples })).toEqual([fault]);
  });

  test('find functions that throw, depend on more than the value, or do not lead back', () => {
    const fails = having({ toPostgres: (value: string) => expect.unreachable(value) });
    expect(conversionFaults(text, fails)).toEqual([
      ": toPostgres throws, answers no text, or another one each time, for the sample 'a', which says 'a'; correct one of them",
    ]);
    expect(conversionFaults(text, having({ toSalesforce: () => `${Date.now()}` }))).toHaveLength(1);
    expect(conversionFaults(text, having({ toSalesforce: (held) => held.toUpperCase() }))).toEqual([
      ": toSalesforce answers 'A' for 'a', of the sample 'a'; it has to lead back",
    ]);
  });

  test('are not for sets and lookups', () => {
    expect(conversionFaults(multipicklist, having({}))).toEqual(['does not go with a multipicklist; remove it']);
    expect(conversionFaults(reference, having({}))).toEqual(['does not go with a reference; remove it']);
  });

  test('lead back in the canonical form', () => {
    const epoch = {
      toPostgres: (at: string) => String(Date.parse(at) / 1000),
      toSalesforce: (held: string) => new Date(Number(held) * 1000).toISOString(),
      samples: { '1970-01-01T00:00:10Z': '10' },
    };
    expect(conversionFaults(datetime, epoch)).toEqual([]);
  });
});
