import { expect, test } from 'vitest';
import { date, datetime, defineSync, text } from '../../../core/mapping/configuration.ts';

const of =
  (fields: object, more: object = {}) =>
  () =>
    defineSync({ objects: { Deal__c: { table: 'deals', ...more, fields } as never } });

test('a zone of the object is that of its datetimes, unless they state another', () => {
  const fields = {
    A__c: datetime('a'),
    B__c: datetime('b', { zone: 'Asia/Kolkata' }),
    C__c: date('c', { dayIn: 'UTC' }),
    D__c: text('d'),
  };
  const { objects } = defineSync({ objects: { Deal__c: { table: 'deals', zone: 'Europe/Berlin', fields } } });
  expect(objects[0]?.zone).toBe('Europe/Berlin');
  expect(objects[0]?.fields.map(({ type }) => type.meaning)).toEqual([
    { zone: 'Europe/Berlin' },
    { zone: 'Asia/Kolkata' },
    { dayIn: 'UTC', zone: 'Europe/Berlin' },
    undefined,
  ]);
});

const convert = {
  toPostgres: (value: string) => value,
  toSalesforce: (value: string) => value,
  samples: { '2026-01-31': '2026-01-31' },
};

test.for([
  [
    { A__c: datetime('a', { zone: 'Europe/Atlantis' }) },
    {},
    'objects.Deal__c.fields.A__c.zone: must be a time zone of the IANA database, such as Europe/Berlin (is "Europe/Atlantis")',
  ],
  [{ A__c: datetime('a') }, { zone: 'CEST!' }, 'objects.Deal__c.zone: must be a time zone'],
  [{ A__c: date('a', { zone: 'UTC' }) }, {}, 'A__c.zone: a date of a column with points in time needs dayIn, too'],
  [
    { A__c: { column: 'a', type: 'text', zone: 'UTC' } },
    {},
    'A__c.zone: is for datetimes, and for dates with dayIn; remove it',
  ],
  [{ A__c: { column: 'a', type: 'datetime', dayIn: 'UTC' } }, {}, 'A__c.dayIn: is for dates; remove it'],
  [
    { A__c: { column: 'a', type: 'date', dayIn: 'UTC', convert } },
    {},
    'A__c.convert: reads the text of the column itself; remove dayIn',
  ],
] as const)('%j with %j: says what to change', ([fields, more, words]) => {
  expect(of(fields, more)).toThrow(words);
});
