import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { objectsFromDescribes } from '../schema/from-describe.ts';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

function field(name: string, type = 'string', attributes: object = {}) {
  return { name, label: name, type, length: 80, nillable: true, createable: true, updateable: true, ...attributes };
}
const readOnly = { createable: false, updateable: false };
const system = [
  ...[field('Id', 'id', readOnly), field('CreatedDate', 'datetime', readOnly), field('IsDeleted', 'boolean', readOnly)],
  ...[field('LastModifiedDate', 'datetime', readOnly), field('SystemModstamp', 'datetime', readOnly)],
  field('IsPersonAccount', 'boolean', readOnly),
];
const parts = [
  field('FirstName', 'string', { compoundFieldName: 'Name' }),
  field('LastName', 'string', { compoundFieldName: 'Name' }),
];
const TYPES = [
  { recordTypeId: '012000000000000AAA', name: 'Master', developerName: 'Master', master: true },
  { recordTypeId: '012Ws0000000001IAA', name: 'Person', developerName: 'PersonAccount' },
];
const ACCOUNT = {
  ...{ name: 'Account', keyPrefix: '001', recordTypeInfos: TYPES },
  childRelationships: [
    { childSObject: 'Contact', field: 'AccountId', relationshipName: 'Contacts', cascadeDelete: true },
  ],
  fields: [
    ...[...system, ...parts, field('Name', 'string', { nillable: false, nameField: true })],
    field('PersonContactId', 'reference', { ...readOnly, referenceTo: ['Contact'], relationshipName: 'PersonContact' }),
    field('RecordTypeId', 'reference', { referenceTo: ['RecordType'], relationshipName: 'RecordType' }),
    ...['PersonEmail', 'Rating__pc', 'Phone'].map((name) => field(name)),
  ],
};
const CONTACT = {
  ...{ name: 'Contact', keyPrefix: '003' },
  fields: [
    ...[...system, ...parts, field('Name', 'string', { ...readOnly, nameField: true })],
    field('AccountId', 'reference', { referenceTo: ['Account'], relationshipName: 'Account' }),
    ...['Email', 'Rating__c', 'Phone'].map((name) => field(name)),
  ],
};

let org: StartedOrg;
beforeAll(async () => {
  org = await startedOrg({ objects: objectsFromDescribes([ACCOUNT, CONTACT]).objects });
});
afterAll(() => org[Symbol.asyncDispose]());

const all = async (soql: string) => (await org.connection.query<Record<string, unknown>>(soql)).records;
const account = async (id: string) =>
  (await all(`SELECT Name, IsPersonAccount, PersonContactId FROM Account WHERE Id = '${id}'`))[0];
const contacts = (id: string) =>
  all(`SELECT Id, Name, Email, Rating__c, Phone, IsPersonAccount FROM Contact WHERE AccountId = '${id}'`);
const bad = (fields: string) => ({
  errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE',
  message: `Account: bad field names on insert/update call: ${fields}`,
});

describe('a person', () => {
  test('is an account with a last name, whose name is composed, with a contact that holds the same', async () => {
    const id = await created(org, 'Account', {
      ...{ FirstName: 'Mo', LastName: 'Ott', PersonEmail: 'mo@ott.example', Rating__pc: 'A', Phone: '1' },
    });
    const [contact, ...others] = await contacts(id);
    expect(others).toEqual([]);
    expect(contact).toMatchObject({ Name: 'Mo Ott', Email: 'mo@ott.example', Rating__c: 'A', IsPersonAccount: true });
    expect(contact).toMatchObject({ Phone: null });
    expect(await account(id)).toMatchObject({ Name: 'Mo Ott', IsPersonAccount: true, PersonContactId: contact?.Id });

    await org.connection.sobject('Account').update({ Id: id, LastName: 'Otto', PersonEmail: null });
    expect(await account(id)).toMatchObject({ Name: 'Mo Otto', PersonContactId: contact?.Id });
    expect(await contacts(id)).toMatchObject([{ Id: contact?.Id, Name: 'Mo Otto', Email: null, Rating__c: 'A' }]);
  });

  test('takes no name, and keeps a last name', async () => {
    const type = '012Ws0000000001IAA';
    const make = (fields: object) => refusal(org.connection.sobject('Account').create(fields));
    expect(await make({ Name: 'Ott', LastName: 'Ott' })).toMatchObject(bad('Name'));
    expect(await make({ Name: 'Ott', RecordTypeId: type })).toMatchObject(bad('Name'));
    expect(await make({ RecordTypeId: type })).toMatchObject({ errorCode: 'REQUIRED_FIELD_MISSING' });
    const Id = await created(org, 'Account', { LastName: 'Ott' });
    const update = (fields: object) => refusal(org.connection.sobject('Account').update({ Id, ...fields }));
    expect(await update({ Name: 'Otto' })).toMatchObject(bad('Name'));
    expect(await update({ LastName: null })).toMatchObject({ errorCode: 'REQUIRED_FIELD_MISSING' });
  });

  test('has a contact that is neither edited nor deleted by itself, goes with the account and comes back with it', async () => {
    const id = await created(org, 'Account', { LastName: 'Ott' });
    const { PersonContactId: Id } = (await account(id)) as { PersonContactId: string };
    const readonly = { errorCode: 'INSUFFICIENT_ACCESS_OR_READONLY' };
    expect(await refusal(org.connection.sobject('Contact').update({ Id, Phone: '2' }))).toMatchObject(readonly);
    expect(await refusal(org.connection.sobject('Contact').destroy(Id))).toMatchObject(readonly);

    await org.connection.sobject('Account').destroy(id);
    expect(await contacts(id)).toEqual([]);
    await org.connection.soap.undelete([id]);
    expect(await contacts(id)).toMatchObject([{ Id, Name: 'Ott' }]);
    expect(await account(id)).toMatchObject({ PersonContactId: Id });
  });
});

test('another account has its own name, takes none of the fields of people, and has contacts as ever', async () => {
  const make = (fields: object) => refusal(org.connection.sobject('Account').create({ Name: 'Bank', ...fields }));
  expect(await make({ PersonEmail: 'a@b.example', Rating__pc: 'A' })).toMatchObject(bad('PersonEmail, Rating__pc'));
  const id = await created(org, 'Account', { Name: 'Bank' });
  expect(await account(id)).toMatchObject({ Name: 'Bank', IsPersonAccount: false, PersonContactId: null });
  const Id = await created(org, 'Contact', { LastName: 'Ott', AccountId: id });
  await org.connection.sobject('Contact').update({ Id, Phone: '2' });
  expect(await contacts(id)).toMatchObject([{ Phone: '2' }]);
  expect(await refusal(org.connection.sobject('Account').update({ Id: id, LastName: 'B' }))).toMatchObject(
    bad('LastName'),
  );
});
