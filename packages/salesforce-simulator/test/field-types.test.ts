import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFormula } from '../records/formula.ts';
import { cleanedHtml } from '../records/rich-text.ts';
import { objectsFromDescribes } from '../schema/from-describe.ts';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

/** A field as Salesforce describes one that clients may write and leave empty. */
function field(name: string, type: string, attributes: object = {}) {
  return { name, label: name, type, length: 0, nillable: true, createable: true, updateable: true, ...attributes };
}
const readOnly = { createable: false, updateable: false };
const formula = (name: string, type: string, calculatedFormula: string, attributes: object = {}) =>
  field(name, type, { ...readOnly, calculated: true, calculatedFormula, ...attributes });
const system = [
  field('Id', 'id', readOnly),
  field('CreatedDate', 'datetime', readOnly),
  field('LastModifiedDate', 'datetime', readOnly),
  field('SystemModstamp', 'datetime', readOnly),
];
const deleted = field('IsDeleted', 'boolean', readOnly);

const USER = {
  ...{ name: 'User', keyPrefix: '005', createable: true, updateable: true, deletable: false },
  fields: [
    ...system,
    ...['Username', 'Email', 'Alias', 'TimeZoneSidKey', 'LocaleSidKey', 'LanguageLocaleKey'].map((name) =>
      field(name, 'string', { length: 80 }),
    ),
    field('LastName', 'string', { length: 80, compoundFieldName: 'Name' }),
    field('FirstName', 'string', { length: 40, compoundFieldName: 'Name' }),
    field('UserType', 'picklist', readOnly),
    field('IsActive', 'boolean'),
    field('Name', 'string', { ...readOnly, length: 121, nameField: true }),
  ],
};
const RECORD_TYPES = [
  { recordTypeId: '012000000000000AAA', name: 'Master', developerName: 'Master', master: true },
  { recordTypeId: '012Ws0000000001IAA', name: 'Home loan', developerName: 'Home_Loan', defaultRecordTypeMapping: true },
  { recordTypeId: '012Ws0000000002IAA', name: 'Car', developerName: 'Car', available: false },
];
const LOAN = {
  ...{ name: 'Loan__c', keyPrefix: 'a01', recordTypeInfos: RECORD_TYPES },
  fields: [
    ...[...system, deleted, field('Name', 'string', { length: 80, nameField: true })],
    field('RecordTypeId', 'reference', { referenceTo: ['RecordType'], relationshipName: 'RecordType' }),
    field('About__c', 'reference', { referenceTo: ['Loan__c', 'User'], relationshipName: 'About__r' }),
    field('Pays_At__c', 'time'),
    field('Subject__c', 'combobox', { length: 20 }),
    field('Scan__c', 'base64'),
    field('Notes__c', 'textarea', { length: 40, htmlFormatted: true, extraTypeInfo: 'richtextarea' }),
    field('Site__c', 'location', readOnly),
    field('Site__Latitude__s', 'double', { precision: 18, scale: 15, compoundFieldName: 'Site__c' }),
    field('Site__Longitude__s', 'double', { precision: 18, scale: 15, compoundFieldName: 'Site__c' }),
    formula('Label__c', 'string', 'Name & " of " & About__r.Name'),
    formula('Roll_Up__c', 'double', 'SUM(x)'),
  ],
};
const PERIOD = {
  ...{ name: 'Period__c', keyPrefix: 'a02', replicateable: false, deletable: true },
  fields: [...system, field('Name', 'string', { length: 80, nameField: true })],
};

const { objects, notes } = objectsFromDescribes([USER, LOAN, PERIOD]);
let org: StartedOrg;
beforeAll(async () => {
  org = await startedOrg({ objects });
});
afterAll(() => org[Symbol.asyncDispose]());

const one = async (soql: string) => (await org.connection.query<Record<string, unknown>>(soql)).records[0];
const code = async (fields: object) => (await refusal(org.connection.sobject('Loan__c').create(fields))).errorCode;

test('what is not evaluated is noted', () => {
  expect(notes).toEqual(['formulas and roll-ups that are not evaluated are empty: Loan__c.Roll_Up__c']);
});

describe('users', () => {
  test('can be made and changed, and not deleted; they have no IsDeleted, as described', async () => {
    const id = await created(org, 'User', { Username: 'm@lender.example', FirstName: 'Mo', LastName: 'Ott' });
    expect(await one(`SELECT Name FROM User WHERE Id = '${id}'`)).toMatchObject({ Name: 'Mo Ott' });
    expect((await refusal(org.connection.sobject('User').destroy(id))).errorCode).toBe('INVALID_TYPE_FOR_OPERATION');
    expect((await refusal(org.connection.query('SELECT IsDeleted FROM User'))).errorCode).toBe('INVALID_FIELD');
    const { deletable, undeletable, createable } = await org.connection.sobject('User').describe();
    expect({ deletable, undeletable, createable }).toEqual({ deletable: false, undeletable: false, createable: true });
  });
});

test('an object without IsDeleted has no recycle bin; one that is not replicateable has no delete log', async () => {
  const id = await created(org, 'Period__c', { Name: 'May' });
  await org.connection.sobject('Period__c').destroy(id);
  expect((await org.connection.query('SELECT Id FROM Period__c', { scanAll: true })).totalSize).toBe(0);
  const window = 'start=2026-03-01T10:00:00Z&end=2026-03-01T11:00:00Z';
  expect((await org.call('GET', `/sobjects/Period__c/deleted/?${window}`)).json).toMatchObject([
    { errorCode: 'INVALID_TYPE_FOR_OPERATION', message: 'sObject type Period__c is not replicable' },
  ]);
});

describe('record types', () => {
  test('are records, with the developer names of the describe', async () => {
    const soql = "SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Loan__c' ORDER BY DeveloperName";
    expect((await org.connection.query(soql)).records).toMatchObject([
      { Id: '012Ws0000000002IAA', DeveloperName: 'Car' },
      { Id: '012Ws0000000001IAA', DeveloperName: 'Home_Loan' },
    ]);
    expect((await org.connection.sobject('Loan__c').describe()).recordTypeInfos).toMatchObject(RECORD_TYPES);
  });

  test('a new record gets the default one; another is refused unless it is available', async () => {
    const id = await created(org, 'Loan__c', { Name: 'A' });
    expect(await one(`SELECT RecordType.DeveloperName FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      RecordType: { DeveloperName: 'Home_Loan' },
    });
    expect(await code({ Name: 'B', RecordTypeId: '012Ws0000000002IAA' })).toBe('INVALID_CROSS_REFERENCE_KEY');
  });
});

describe('field types', () => {
  test('a time of day has milliseconds and no zone; a combobox takes any text up to its length', async () => {
    const id = await created(org, 'Loan__c', { Name: 'A', Pays_At__c: '09:30:00', Subject__c: 'Anything' });
    expect(await one(`SELECT Pays_At__c, Subject__c FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      ...{ Pays_At__c: '09:30:00.000Z', Subject__c: 'Anything' },
    });
    expect(await code({ Name: 'A', Pays_At__c: '25:00:00Z' })).toBe('JSON_PARSER_ERROR');
    expect(await code({ Name: 'A', Subject__c: 'x'.repeat(21) })).toBe('STRING_TOO_LONG');
  });

  test('a location is read whole and written by its parts', async () => {
    const id = await created(org, 'Loan__c', { Name: 'A', Site__Latitude__s: 45.07, Site__Longitude__s: 7.69 });
    expect(await one(`SELECT Site__c, Site__Latitude__s FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      ...{ Site__c: { latitude: 45.07, longitude: 7.69 }, Site__Latitude__s: 45.07 },
    });
    expect(await code({ Name: 'A', Site__c: { latitude: 1, longitude: 1 } })).toBe('INVALID_FIELD_FOR_INSERT_UPDATE');
    for (const outside of [{ Site__Latitude__s: -90.1 }, { Site__Longitude__s: 180.1 }])
      expect(await code({ Name: 'A', ...outside })).toBe('NUMBER_OUTSIDE_VALID_RANGE');
  });

  test('of base64 JSON has an address only', async () => {
    const id = await created(org, 'Loan__c', { Name: 'A', Scan__c: 'aGVsbG8=' });
    expect(await one(`SELECT Scan__c FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      Scan__c: `/services/data/v66.0/sobjects/Loan__c/${id}/Scan__c`,
    });
  });

  test('rich text is cleaned, and its length is that of the HTML', async () => {
    const id = await created(org, 'Loan__c', {
      Name: 'A',
      Notes__c: '<b onclick="x()">Tea & co</b><script>x</script>',
    });
    expect(await one(`SELECT Notes__c FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      Notes__c: '<b>Tea &amp; co</b>',
    });
    expect(await code({ Name: 'A', Notes__c: '&'.repeat(9) })).toBe('STRING_TOO_LONG');
  });

  test('a lookup to several objects finds its record by the id', async () => {
    const user = await created(org, 'User', { Username: 'z@lender.example', LastName: 'Zed' });
    const id = await created(org, 'Loan__c', { Name: 'A', About__c: user });
    expect(await one(`SELECT About__r.Name, Label__c FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      ...{ About__r: { Name: 'Zed' }, Label__c: 'A of Zed' },
    });
    // A formula over another record moves with that record, and its own stamps stay.
    const stamp = await one(`SELECT SystemModstamp FROM Loan__c WHERE Id = '${id}'`);
    org.clock.now += 60_000;
    await org.connection.sobject('User').update({ Id: user, LastName: 'Young' });
    expect(await one(`SELECT Label__c, SystemModstamp FROM Loan__c WHERE Id = '${id}'`)).toMatchObject({
      ...{ Label__c: 'A of Young', SystemModstamp: stamp?.SystemModstamp },
    });
  });
});

test.each([
  ['1 + 2 * 3', 7],
  ['(1 + 2) * Rate__c', 9],
  ['Rate__c / 0', null],
  ['Missing__c + 1', null],
  ['"a" & Missing__c & \'b\'', 'ab'],
])('formula %s', (text, value) => {
  const read = (path: string) => (path === 'Rate__c' ? 3 : undefined);
  expect(parseFormula(text)?.(read)).toBe(value);
});

test.each(['IF(A__c, 1, 2)', '1 +', '(1', '1 2'])('formula %s is not evaluated', (text) => {
  expect(parseFormula(text)).toBeUndefined();
});

test.each([
  ['a < b', 'a &lt; b'],
  ['&amp; "', '&amp; &quot;'],
  ['<custom>x</custom><a href="javascript:x">y</a>', 'x<a>y</a>'],
])('HTML %s becomes %s', (html, cleaned) => {
  expect(cleanedHtml(html)).toBe(cleaned);
});
