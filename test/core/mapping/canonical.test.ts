import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RejectedRecordError } from '../../../core/errors.ts';
import {
  type CanonicalValue,
  type FieldType,
  formatInstant,
  fromPostgres,
  fromSalesforce,
  parseInstant,
  toCsv,
  toPostgres,
  toSalesforce,
} from '../../../core/mapping/canonical.ts';
import { parseExact } from '../../../core/mapping/salesforce-record.ts';

const ID = '001D000000IqhSLIAZ';

describe('spellings of one value are equal', () => {
  const SAME: readonly (readonly [FieldType, CanonicalValue, readonly unknown[]])[] = [
    ['text', null, [null, undefined, '', ' ', '\t\r\n\f\v']],
    ['text', 'a b', ['a b', ' a b', 'a b\r\n', '\u0020\ta b']],
    ['text', 'a\nb', ['a\nb', 'a\r\nb', 'a\r\r\nb', ' a\r\nb ']],
    ['text', '\u00a0a', ['\u00a0a', ' \u00a0a ']],
    ['text', 'a\rb', ['a\rb']],
    ['text', '5', ['5', 5]],
    ['number', null, [null, undefined, '', '  ']],
    ['number', '100', [100, 100.0, '100', '100.0', '1E2', '1e+2', '+100', '0100', '100.', ' 100 ']],
    ['number', '0', [0, -0, '0', '-0', '0.00', '0E5', '.0']],
    ['number', '-0.5', [-0.5, '-.5', '-0.50', '-5e-1']],
    ['number', '12345678901234567890.123', ['12345678901234567890.1230', '1.2345678901234567890123E19']],
    ['number', '1000000000000000000000000', ['1E24', 1e24]],
    ['boolean', false, [null, undefined, '', false, 'false', 'FALSE', 'f']],
    ['boolean', true, [true, 'true', 'True', 't']],
    ['date', null, [null, '']],
    ['date', '2024-02-29', ['2024-02-29', ' 2024-02-29 ', '2024-02-29T00:00:00.000Z', '2024-02-29T00:00:00.000+0000']],
    ['datetime', null, [null, '']],
    [
      'datetime',
      '2024-04-16T19:00:00Z',
      [
        '2024-04-16T19:00:00.000+0000',
        '2024-04-16T19:00:00.000Z',
        '2024-04-16T19:00:00.999Z',
        '2024-04-16T21:00:00+02:00',
        '2024-04-17T00:30:00+0530',
        '2024-04-16 19:00:00+00',
        '2024-04-16T12:00:00-07',
      ],
    ],
    ['multipicklist', null, [null, '', ';', ' ; ']],
    ['multipicklist', 'Car;House', ['Car;House', 'House;Car', 'House; Car;House', ';Car;House;']],
    ['reference', null, [null, '', ' ']],
    ['reference', ID, [ID, '001D000000IqhSL', ` ${ID}\n`]],
  ];
  test.for(SAME)('%s %j', ([type, canonical, spellings]) => {
    const read = spellings.map((spelling) => fromSalesforce(type, spelling, 'F'));
    expect(read).toEqual(spellings.map(() => canonical));
  });

  test('the texts of PostgreSQL, too', () => {
    const SAME_IN_POSTGRES: readonly (readonly [FieldType, string | null, CanonicalValue])[] = [
      ['boolean', null, false],
      ['boolean', 't', true],
      ['number', '100.00', '100'],
      ['number', '1.7976931348623157e+308', `17976931348623157${'0'.repeat(292)}`],
      ['datetime', '2024-04-16 19:00:00.123456+00', '2024-04-16T19:00:00Z'],
      ['datetime', '2024-04-16 19:00:00.123456', '2024-04-16T19:00:00Z'],
      ['date', '2024-04-16', '2024-04-16'],
      ['date', '2024-04-16 23:59:59', '2024-04-16'],
      ['multipicklist', 'House;Car', 'Car;House'],
      ['multipicklist', '', null],
      ['text', null, null],
      ['reference', 'unlinked:42', 'unlinked:42'],
    ];
    for (const [type, text, canonical] of SAME_IN_POSTGRES) expect(fromPostgres(type, text, 'F')).toBe(canonical);
  });
});

describe('a value that does not fit its type', () => {
  const UNFIT: readonly (readonly [FieldType, unknown])[] = [
    ['text', { street: 'secret' }],
    ['text', ['secret']],
    ['number', 'secret'],
    ['number', '0x10'],
    ['number', 'NaN'],
    ['number', 'Infinity'],
    ['number', '1,5'],
    ['number', '1e999999999'],
    ['number', '1e99999999999999999999'],
    ['boolean', 'secret'],
    ['boolean', 1],
    ['date', '2026-02-30'],
    ['date', '2026-13-01'],
    ['date', '31.01.2026'],
    ['datetime', '2026-01-31'],
    ['datetime', '2026-01-31T10:00:00'],
    ['datetime', '2026-02-30T10:00:00Z'],
    ['datetime', '2026-01-31T10:61:00Z'],
    ['datetime', '9999-12-31T23:59:59-01:00'],
    ['reference', 'secret'],
    ['reference', '001D000000IqhSLiaz'],
    ['reference', '001D000000IqhS'],
  ];
  test.for(UNFIT)('%s %j is rejected by field, and the value is not told', ([type, value]) => {
    const error = refusalOf(() => fromSalesforce(type, value, 'Field__c'));
    expect(error).toMatchObject({ name: 'RejectedRecordError', code: 'UNREADABLE_VALUE', field: 'Field__c' });
    expect(error.message).toBe(`The value of Field__c is no ${type}.`);
  });
});

function refusalOf(run: () => unknown): RejectedRecordError {
  try {
    run();
  } catch (error) {
    if (error instanceof RejectedRecordError) return error;
    throw error;
  }
  throw new Error('the value was taken');
}

/** Texts of every type as either side may spell them. */
const spelled: Readonly<Record<FieldType, fc.Arbitrary<string>>> = {
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
  .constantFrom(...(Object.keys(spelled) as FieldType[]))
  .chain((type) => spelled[type].map((text) => ({ type, text })));

test.each([
  ['10:11:12.345Z', '10:11:12.345'],
  ['10:11:12.345678', '10:11:12.345'],
  ['10:11:12', '10:11:12.000'],
  ['10:11', '10:11:00.000'],
])('the time %s is %s', (text, canonical) => {
  expect(fromSalesforce('time', text, 'F')).toBe(canonical);
  expect(fromPostgres('time', text, 'F')).toBe(canonical);
});

describe('for every value', () => {
  test('its canonical form is its own canonical form, whoever spells it', () => {
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
        const written = toPostgres(type, canonical);
        const column = Array.isArray(written) ? written.join(';') : written;
        expect(fromPostgres(type, column === null ? null : String(column), 'F')).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });
});

test('plain spellings of a number, which are read without arithmetic, mean the same as the others', () => {
  const digits = fc.stringMatching(/^\d{1,30}$/);
  fc.assert(
    fc.property(fc.constantFrom('', '-'), digits, digits, (sign, whole, fraction) => {
      const plain = `${sign}${BigInt(whole)}.${fraction}`;
      const value = fromSalesforce('number', plain, 'F');
      expect(value).toBe(fromSalesforce('number', `${sign}0${whole}.${fraction}E0`, 'F'));
      expect(fromPostgres('number', plain, 'F')).toBe(value);
    }),
  );
});

test('days are those of the calendar', () => {
  const day = fc.tuple(
    fc.integer({ min: 0, max: 9999 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
  );
  fc.assert(
    fc.property(day, ([year, month, dayOfMonth]) => {
      const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
      const instant = Date.parse(`${text}T00:00:00Z`);
      const exists = !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text);
      expect(parseInstant(`${text}T00:00:00Z`)).toBe(exists ? instant : undefined);
    }),
    { numRuns: 2000 },
  );
});

test('an instant in UTC, which is read without a calendar, means the same as with an offset', () => {
  const minutes = fc.integer({ min: -14 * 60, max: 14 * 60 });
  const moment = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(moment, minutes, (at, offset) => {
      const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19);
      const [sign, size] = [offset < 0 ? '-' : '+', Math.abs(offset)];
      const zone = `${sign}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
      const utc = `${at.toISOString().slice(0, 19)}Z`;
      expect(fromSalesforce('datetime', `${local}${zone}`, 'F')).toBe(utc);
      expect(fromPostgres('datetime', utc.replace('T', ' ').replace('Z', '.75+00'), 'F')).toBe(utc);
    }),
  );
});

test('a number travels as a JSON number only when that holds it exactly', () => {
  expect(toSalesforce('number', '0.1')).toBe(0.1);
  expect(toSalesforce('number', '9007199254740993')).toBe('9007199254740993');
  expect(toSalesforce('number', '1234567890.12345678901')).toBe('1234567890.12345678901');
  expect(toSalesforce('text', '5')).toBe('5');
});

test('instants are whole seconds of UTC', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (instant) => {
      expect(parseInstant(formatInstant(instant))).toBe(Math.floor(instant / 1000) * 1000);
    }),
  );
  expect(formatInstant(-1)).toBe('1969-12-31T23:59:59Z');
  expect(parseInstant('yesterday')).toBeUndefined();
});
