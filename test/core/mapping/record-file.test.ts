import { describe, expect, test } from 'vitest';
import {
  boolean,
  datetime,
  defineSync,
  mappingOf,
  number,
  reference,
  text,
} from '../../../core/mapping/configuration.ts';
import { anyReadable, isArray, isHeader, readRecords } from '../../../core/mapping/record-file.ts';
import { parseRecord } from '../../../core/mapping/salesforce-record.ts';

const mapping = mappingOf(
  defineSync({
    objects: {
      Contact: {
        table: 'borrowers',
        fields: {
          Name: text('name'),
          Score__c: number('score'),
          Seen_At__c: datetime('seen_at'),
          DoNotCall: boolean('do_not_call'),
          ReportsToId: reference('reports_to_id', 'Contact'),
        },
      },
    },
  }),
  'Contact',
);
const ID = '003D000000IqhSLIAZ';
const record = { Id: ID, IsDeleted: false, SystemModstamp: '2026-01-01T00:00:01.000+0000' };
const version = {
  id: ID,
  deleted: false,
  mergedInto: undefined,
  stamp: Date.UTC(2026, 0, 1, 0, 0, 1),
  fields: {},
};
const read = (content: string) => readRecords(mapping, content).map(({ line, record: each }) => ({ line, ...each }));

describe('a record', () => {
  test('is read in canonical values; what it lacks stays absent', () => {
    const line = {
      attributes: { type: 'Contact' },
      Id: '003D000000IqhSL',
      IsDeleted: 'true',
      SystemModstamp: '2026-01-01T00:00:01Z',
      MasterRecordId: '003D000000IqhSM',
      Name: ' Ada ',
      Score__c: 1e2,
      DoNotCall: null,
      Email: 'not@mapped',
    };
    expect(parseRecord(mapping, line).version).toEqual({
      id: ID,
      deleted: true,
      mergedInto: '003D000000IqhSMIAZ',
      stamp: version.stamp,
      fields: { Name: 'Ada', Score__c: '100', DoNotCall: false },
    });
  });

  test.for([
    ['no object', 5, { code: 'UNREADABLE_LINE', id: undefined, field: undefined }],
    ['a list', [record], { code: 'UNREADABLE_LINE', id: undefined, field: undefined }],
    ['no id', { ...record, Id: undefined }, { code: 'NO_ID', id: undefined, field: 'Id' }],
    ['an id that is none', { ...record, Id: 'secret' }, { code: 'NO_ID', id: undefined, field: 'Id' }],
    ['no stamp', { ...record, SystemModstamp: null }, { code: 'NO_STAMP', id: ID, field: 'SystemModstamp' }],
    ['a stamp without zone', { ...record, SystemModstamp: '2026-01-01' }, { code: 'NO_STAMP', id: ID }],
    ['a value that does not fit', { ...record, Score__c: 'secret' }, { code: 'UNREADABLE_VALUE', field: 'Score__c' }],
    ['a mark that is none', { ...record, IsDeleted: 'secret' }, { code: 'UNREADABLE_VALUE', field: 'IsDeleted' }],
    ['a compound value', { ...record, Name: { first: 'secret' } }, { code: 'UNREADABLE_VALUE', id: ID }],
  ] as const)('with %s is unusable, and says why without a value', ([, value, why]) => {
    const { unusable } = parseRecord(mapping, value);
    expect(unusable).toMatchObject(why);
    expect(JSON.stringify(unusable)).not.toContain('secret');
  });

  test('keeps the digits that a JavaScript number would lose', () => {
    for (const digits of [
      '12345678901234567.25',
      '9007199254740993',
      '12345678901.123456789',
      '-0.12345678901234567',
    ]) {
      const line = JSON.stringify({ ...record, Score__c: 0 }).replace('"Score__c":0', `"Score__c":${digits}`);
      expect(read(line)).toMatchObject([{ version: { fields: { Score__c: digits } } }]);
    }
  });
});

describe('JSON lines', () => {
  const line = JSON.stringify(record);

  test('are numbered from 1; blank lines count and are no records', () => {
    expect(read(`${line}\r\n\n  \n${line}\nno json\n`)).toEqual([
      { line: 1, version },
      { line: 4, version },
      {
        line: 5,
        unusable: { code: 'UNREADABLE_LINE', reason: 'The line is no JSON.', field: undefined, id: undefined },
      },
    ]);
  });

  test('may begin with a byte order mark, and need no line end', () => {
    expect(read(`\uFEFF${line}`)).toEqual([{ line: 1, version }]);
  });

  test('hold line breaks and separators inside of values', () => {
    const names = 'a\nb\u2028c\u0085d';
    const [only, ...others] = read(JSON.stringify({ ...record, Name: names }));
    expect([only?.version?.fields.Name, others]).toEqual([names, []]);
  });
});

describe('an array', () => {
  test('is read as a whole, each record with its place', () => {
    expect(read(`\uFEFF [\n${JSON.stringify(record)},\n5]`)).toMatchObject([
      { line: 1, version },
      { line: 2, unusable: { code: 'UNREADABLE_LINE' } },
    ]);
    expect(read('[]')).toEqual([]);
  });

  test('that is cut off is one unreadable line', () => {
    expect(read(`[${JSON.stringify(record)},`)).toMatchObject([{ line: 1, unusable: { code: 'UNREADABLE_LINE' } }]);
  });
});

test.for([
  ['Id,Name,SystemModstamp\n', true],
  ['"Id","Name"\r\n', true],
  ['\uFEFFName, Id', true],
  ['Name,Email', false],
  ['Id,Ada Lovelace', false],
  ['{"Id":"x"}', false],
  ['', false],
] as const)('%j: header %s', ([content, header]) => {
  expect(isHeader(content)).toBe(header);
});

test.for([
  ['[', true],
  ['\uFEFF \n[{', true],
  ['{"a":[1]}', false],
  ['', false],
] as const)('%j: array %s', ([content, array]) => {
  expect(isArray(content)).toBe(array);
});

test('a part holds a readable record as soon as its id and stamp are read', () => {
  const unfit = JSON.stringify({ ...record, Score__c: 'x' });
  expect(anyReadable(readRecords(mapping, `garbage\n${unfit}`))).toBe(true);
  expect(anyReadable(readRecords(mapping, 'garbage\n{"Id":"x"}\n'))).toBe(false);
  expect(anyReadable(readRecords(mapping, ''))).toBe(false);
});
