import { describe, expect, test } from 'vitest';
import { DescribeFault, objectsFromDescribes } from '../schema/from-describe.ts';
import { LENDER_DESCRIBES } from './lender-org.ts';
import { created, refusal, startedOrg } from './started-org.ts';

/** A field as Salesforce describes one that clients may write and leave empty. */
function described(name: string, type: string, attributes: object = {}) {
  return { name, label: name, type, length: 0, nillable: true, createable: true, updateable: true, ...attributes };
}

function describedObject(name: string, keyPrefix: string, fields: readonly object[], attributes: object = {}) {
  const own = [described('Id', 'id'), described('OwnerId', 'reference', { referenceTo: ['Group', 'User'] })];
  return {
    name,
    label: name,
    keyPrefix,
    createable: true,
    updateable: true,
    fields: [...own, ...fields],
    ...attributes,
  };
}

const NAME = described('Name', 'string', { length: 80, nameField: true, nillable: false });
const NUMBER = { createable: false, updateable: false, nillable: false, length: 30, nameField: true };

test('an org made from describes is described as it was', async () => {
  const { objects, notes } = objectsFromDescribes(LENDER_DESCRIBES);
  expect(notes).toEqual([]);
  await using org = await startedOrg({ objects });
  for (const file of LENDER_DESCRIBES) {
    const { name } = file as { name: string };
    expect((await org.call('GET', `/sobjects/${name}/describe`)).json).toEqual(file);
  }
});

describe('a custom object of another org', () => {
  const parent = describedObject('Property__c', 'a01', [described('Name', 'string', { ...NUMBER, autoNumber: true })], {
    childRelationships: [
      { childSObject: 'Valuation__c', field: 'Property__c', relationshipName: 'Valuations__r', cascadeDelete: true },
    ],
  });
  const child = describedObject('Valuation__c', 'a02', [
    NAME,
    described('Property__c', 'reference', {
      referenceTo: ['Property__c'],
      relationshipName: 'Property__r',
      nillable: false,
    }),
    described('Agency__c', 'reference', { referenceTo: ['Agency__c'], relationshipName: 'Agency__r', length: 18 }),
    described('Value__c', 'currency', { precision: 10, scale: 2 }),
    described('Rooms__c', 'int', { digits: 3 }),
    described('Per_Room__c', 'double', { calculated: true, createable: false, updateable: false }),
    described('Kind__c', 'picklist', {
      length: 255,
      restrictedPicklist: true,
      picklistValues: [
        { value: 'Desk', active: true, defaultValue: true },
        { value: 'Drive-by', active: false },
        { value: 'Visit', active: true, defaultValue: false },
      ],
    }),
    described('At__c', 'time'),
    described('Any__c', 'anyType'),
    described('Key__c', 'string', { length: 20, externalId: true, unique: true }),
    described('Site__c', 'address', { createable: false, updateable: false }),
    described('Site__City__s', 'string', { length: 40, compoundFieldName: 'Site__c' }),
  ]);
  const { objects, notes } = objectsFromDescribes([parent, child]);

  test('notes say once what is held as text', () => {
    expect(notes).toEqual([
      'fields that refer to objects without a describe are text: Valuation__c.Agency__c',
      'formulas and roll-ups that are not evaluated are empty: Valuation__c.Per_Room__c',
      'fields of type anyType are text: Valuation__c.Any__c',
    ]);
  });

  test('records have the limits, choices, numbers and relationships that were described', async () => {
    await using org = await startedOrg({ objects });
    const house = await created(org, 'Property__c', {});
    const fields = { Name: 'First', Property__c: house, Value__c: 250_000.5, Key__c: 'k', At__c: '12:00:00.000Z' };
    await created(org, 'Valuation__c', { ...fields, Site__City__s: 'Turin' });
    const { records } = await org.connection.query(
      'SELECT Property__r.Name, Kind__c, Value__c, At__c, Site__c, OwnerId FROM Valuation__c',
    );
    expect(records).toMatchObject([
      { Property__r: { Name: '00000001' }, Kind__c: 'Desk', Value__c: 250_000.5, At__c: '12:00:00.000Z' },
    ]);
    expect(records[0]?.Site__c).toMatchObject({ city: 'Turin' });
    const refused = async (change: object) => {
      const create = org.connection.sobject('Valuation__c').create({ ...fields, Key__c: 'other', ...change });
      return (await refusal(create)).errorCode;
    };
    expect(await refused({ Kind__c: 'Drive-by' })).toBe('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST');
    expect(await refused({ Value__c: 100_000_000 })).toBe('NUMBER_OUTSIDE_VALID_RANGE');
    expect(await refused({ Rooms__c: 1000 })).toBe('NUMBER_OUTSIDE_VALID_RANGE');
    expect(await refused({ Per_Room__c: 1 })).toBe('INVALID_FIELD_FOR_INSERT_UPDATE');
    expect(await refused({ Property__c: null })).toBe('REQUIRED_FIELD_MISSING');
    expect(await refused({ Key__c: 'k' })).toBe('DUPLICATE_VALUE');
    expect(await refused({ Name: 'n'.repeat(81) })).toBe('STRING_TOO_LONG');
    await org.connection.sobject('Property__c').destroy(house);
    expect((await org.connection.query('SELECT Id FROM Valuation__c')).totalSize).toBe(0);
  });

  test('a User of the org itself takes the place of the built-in one', async () => {
    const user = ['Username', 'FirstName', 'LastName', 'Name', 'Email', 'Alias', 'TimeZoneSidKey', 'LocaleSidKey'];
    const texts = [...user, 'LanguageLocaleKey', 'UserType', 'Region__c'].map((name) => described(name, 'string'));
    const users = describedObject('User', '005', [...texts, described('IsActive', 'boolean', { nillable: false })]);
    await using org = await startedOrg(objectsFromDescribes([users]));
    expect((await org.connection.query('SELECT Name, Region__c FROM User')).records).toMatchObject([
      { Name: 'Integration User', Region__c: null },
    ]);
  });
});

test.each([
  [{ records: [] }, /no describe result of Salesforce[\s\S]*name/],
  [describedObject('Event__e', '', []), /Event__e has no keyPrefix/],
])('what is no describe is refused with the reason', (content, reason) => {
  expect(() => objectsFromDescribes([content])).toThrow(reason);
  expect(() => objectsFromDescribes([content])).toThrow(DescribeFault);
});
