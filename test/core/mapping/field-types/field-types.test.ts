import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fromPostgres,
  fromSalesforce,
  toCsv,
  toPostgresJson,
  toSalesforce,
} from '../../../../core/mapping/canonical.ts';
import { FIELD_TYPE_NAMES, type FieldTypeName } from '../../../../core/mapping/field-types/field-type.ts';
import { FIELD_TYPES, fitsColumn } from '../../../../core/mapping/field-types/field-types.ts';
import { parseExact } from '../../../../core/mapping/salesforce-record.ts';
import * as face from '../../../../sfsync.ts';

/** A type without the function that a sync.config.ts imports does not compile here. */
const makers: Readonly<Record<FieldTypeName, (column: string) => { readonly type: FieldTypeName }>> = {
  ...face,
  reference: (column) => face.reference(column, 'Account'),
};

test.for(FIELD_TYPE_NAMES)('%s is registered by its name, and made by the function of its name', (name) => {
  expect(FIELD_TYPES[name].name).toBe(name);
  expect(makers[name]('x').type).toBe(name);
});

test('types that lead to one describe type are proposed in their order: text first', () => {
  expect(Object.keys(FIELD_TYPES)).toEqual([...FIELD_TYPE_NAMES]);
});

test.for([
  ['text', 'varchar', 'b', true],
  ['text', 'loan_stage', 'e', true],
  ['text', 'jsonb', 'b', false],
  ['number', 'int8', 'b', true],
  ['number', 'loan_stage', 'e', false],
  ['datetime', 'timestamp', 'b', true],
  ['datetime', 'date', 'b', false],
  ['date', 'timestamp', 'b', false],
  ['text', 'uuid', 'b', true],
  ['multipicklist', '_text', 'b', true],
  ['multipicklist', 'jsonb', 'b', true],
  ['multipicklist', 'text', 'b', true],
  ['multipicklist', '_int4', 'b', false],
  ['reference', 'uuid', 'b', true],
] as const)('%s and a column of type %s (%s): %s', ([name, type, kind, fits]) => {
  expect(fitsColumn(FIELD_TYPES[name], { type, kind })).toBe(fits);
});

/** Texts of every type as either side may spell them. */
const spelled: Readonly<Record<FieldTypeName, fc.Arbitrary<string>>> = {
  text: fc.string({ unit: fc.oneof(fc.constantFrom('\r', '\n', ' ', '\t', '\u00a0', '"', ',', ';'), fc.string()) }),
  number: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.bigInt().map(String),
    fc.tuple(fc.bigInt(), fc.nat()).map(([whole, part]) => `${whole}.${part}`),
  ),
  boolean: fc.constantFrom('true', 'false', 't', 'f', ''),
  date: fc.date({ min: new Date(0), max: new Date('4000-12-31'), noInvalidDate: true }).map((d) => d.toISOString()),
  datetime: fc.date({ min: new Date(0), max: new Date('4000-12-31'), noInvalidDate: true }).map((d) => d.toISOString()),
  time: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((d) => d.toISOString().slice(11)),
  multipicklist: fc.array(fc.string()).map((values) => values.join(';')),
  reference: fc.stringMatching(/^[0-9A-Za-z]{15}$/),
};
const typed = fc
  .constantFrom(...FIELD_TYPE_NAMES)
  .chain((name) => spelled[name].map((text) => ({ type: FIELD_TYPES[name], text })));

describe('for every value', () => {
  test('its canonical form is its own canonical form, in each spelling', () => {
    fc.assert(
      fc.property(typed, ({ type, text }) => {
        const canonical = fromSalesforce(type, text, 'F');
        expect(fromSalesforce(type, canonical, 'F')).toBe(canonical);
        expect(fromPostgres(type, text === '' ? null : text, 'F')).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });

  test('what is sent to Salesforce, as JSON or CSV, reads back as the same value', () => {
    fc.assert(
      fc.property(typed, ({ type, text }) => {
        const canonical = fromSalesforce(type, text, 'F');
        const json: unknown = parseExact(JSON.stringify(toSalesforce(type, canonical)));
        expect(fromSalesforce(type, json, 'F')).toBe(canonical);
        expect(fromSalesforce(type, toCsv(type, canonical), 'F')).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });

  test('what is written to PostgreSQL reads back as the same value', () => {
    fc.assert(
      fc.property(typed, ({ type, text }) => {
        const canonical = fromSalesforce(type, text, 'F');
        const written = toPostgresJson(type, canonical, undefined);
        const column = Array.isArray(written) ? written.join(';') : written;
        expect(fromPostgres(type, column === null ? null : String(column), 'F')).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });
});
