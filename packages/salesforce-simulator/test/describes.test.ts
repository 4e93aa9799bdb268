import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StartedOrg, startedOrg } from './started-org.ts';

let org: StartedOrg;
beforeAll(async () => {
  org = await startedOrg();
});
afterAll(() => org[Symbol.asyncDispose]());

/** The field of an object's describe. */
async function field(object: string, name: string) {
  const { fields } = await org.connection.sobject(object).describe();
  return fields.find((f) => f.name === name);
}

describe('describe', () => {
  test('lists the objects', async () => {
    const { sobjects, maxBatchSize } = await org.connection.describeGlobal();
    expect(maxBatchSize).toBe(200);
    expect(sobjects.map(({ name, keyPrefix }) => [name, keyPrefix])).toEqual([
      ['User', '005'],
      ['UserPermissionAccess', '0Pp'],
      ['RecordType', '012'],
      ['Organization', '00D'],
      ['Account', '001'],
      ['Contact', '003'],
      ['Opportunity', '006'],
    ]);
  });

  test('says what cascades', async () => {
    const { childRelationships, mergeable, undeletable } = await org.connection.sobject('Account').describe();
    expect([mergeable, undeletable]).toEqual([true, true]);
    expect(childRelationships).toContainEqual(
      expect.objectContaining({
        childSObject: 'Contact',
        field: 'AccountId',
        relationshipName: 'Contacts',
        cascadeDelete: true,
      }),
    );
    expect(childRelationships).toContainEqual(
      expect.objectContaining({ childSObject: 'Account', field: 'ParentId', cascadeDelete: false }),
    );
  });

  test('only Name, LastName, StageName and CloseDate are required on create', async () => {
    const required: string[] = [];
    for (const object of ['Account', 'Contact', 'Opportunity'])
      for (const f of (await org.connection.sobject(object).describe()).fields)
        if (f.createable && !f.nillable && !f.defaultedOnCreate) required.push(`${object}.${f.name}`);
    expect(required).toEqual([
      'Account.Name',
      'Contact.LastName',
      'Opportunity.Name',
      'Opportunity.StageName',
      'Opportunity.CloseDate',
    ]);
  });

  const cases: [string, string, object][] = [
    ['Contact', 'Credit_Score__c', { type: 'double', precision: 3, scale: 0, custom: true, nillable: true }],
    ['Opportunity', 'Amount', { type: 'currency', precision: 18, scale: 2, soapType: 'xsd:double' }],
    ['Opportunity', 'Approved_At__c', { type: 'datetime', createable: true, updateable: true }],
    [
      'Opportunity',
      'External_Id__c',
      { length: 64, externalId: true, unique: true, idLookup: true, caseSensitive: false },
    ],
    ['Opportunity', 'Purposes__c', { type: 'multipicklist', restrictedPicklist: true }],
    ['Opportunity', 'IsWon', { type: 'boolean', nillable: false, createable: false, updateable: false }],
    [
      'Contact',
      'AccountId',
      { type: 'reference', referenceTo: ['Account'], relationshipName: 'Account', cascadeDelete: true },
    ],
    ['Contact', 'FirstName', { compoundFieldName: 'Name' }],
    ['Contact', 'Name', { nameField: true, createable: false }],
    ['Account', 'BillingAddress', { type: 'address', createable: false, filterable: false }],
    ['Account', 'Description', { type: 'textarea', length: 32000, filterable: false, sortable: false }],
    ['Account', 'NumberOfEmployees', { type: 'int', digits: 8 }],
    ['Account', 'SystemModstamp', { type: 'datetime', createable: false, nillable: false }],
    ['Account', 'MasterRecordId', { type: 'reference', referenceTo: ['Account'] }],
  ];
  test.each(cases)('%s.%s', async (object, name, attributes) => {
    expect(await field(object, name)).toMatchObject(attributes);
  });

  test('picklists list their values', async () => {
    const stage = await field('Opportunity', 'StageName');
    expect(stage?.picklistValues?.[0]).toEqual({
      active: true,
      defaultValue: false,
      label: 'Prospecting',
      validFor: null,
      value: 'Prospecting',
    });
    expect(stage?.picklistValues).toHaveLength(7);
  });

  test('304 until something changes: a hidden field is gone from describe, queries and writes', async () => {
    const first = await org.call('GET', '/sobjects/Contact/describe');
    const headers = { 'If-Modified-Since': String(first.headers.get('last-modified')) };
    const again = await org.call('GET', '/sobjects/Contact/describe', undefined, headers);
    expect([again.status, again.text]).toEqual([304, '']);
    await org.faults({ hiddenField: { object: 'Contact', field: 'Phone' } });
    expect((await org.call('GET', '/sobjects/Contact/describe', undefined, headers)).status).toBe(200);
    expect(await field('Contact', 'Phone')).toBeUndefined();
    const query = await org.call('GET', '/query?q=SELECT%20Phone%20FROM%20Contact');
    expect(query.json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
    const write = await org.call('POST', '/sobjects/Contact', { LastName: 'L', Phone: '1' });
    expect(write.json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
    await org.faults({ hiddenField: null });
    expect(await field('Contact', 'Phone')).toBeDefined();
  });

  test('an administrator changes the type of a field, and its values with it', async () => {
    const account = org.connection.sobject('Account');
    const { id = '' } = await account.create({ Name: 'Typed', NumberOfEmployees: 12 });
    const held = async () => (await account.retrieve(id)).NumberOfEmployees;
    const bulk = async () => {
      const rows = await org.connection.bulk2.query(`SELECT NumberOfEmployees FROM Account WHERE Id = '${id}'`);
      return (await rows.toArray())[0];
    };
    await org.faults({ changedField: { object: 'Account', field: 'NumberOfEmployees', type: 'string', length: 20 } });
    expect(await field('Account', 'NumberOfEmployees')).toMatchObject({ type: 'string', length: 20 });
    expect([await held(), await bulk()]).toEqual(['12', { NumberOfEmployees: '12' }]);
    await account.update({ Id: id, NumberOfEmployees: 'a dozen' });
    expect(await held()).toBe('a dozen');
    const { records } = await org.connection.query(`SELECT Id FROM Account WHERE NumberOfEmployees = 'a dozen'`);
    expect(records).toHaveLength(1);

    // What the type has no value for is empty.
    await org.faults({ changedField: { object: 'Account', field: 'NumberOfEmployees', type: 'date' } });
    expect(await held()).toBeNull();
    await org.faults({ changedField: null });
    expect(await field('Account', 'NumberOfEmployees')).toMatchObject({ type: 'int' });
    expect(await held()).toBeNull();
    await account.destroy(id);
  });
});

describe('the org', () => {
  test('offers v50.0 to v66.0; older versions are gone, newer ones unknown', async () => {
    const versions = (await org.call('GET', '~/services/data')).json as { version: string; label: string }[];
    expect([versions[0], versions.at(-1)]).toMatchObject([
      { version: '50.0' },
      { version: '66.0', label: "Spring '26" },
    ]);
    expect((await org.call('GET', '~/services/data/v49.0/limits')).status).toBe(410);
    expect((await org.call('GET', '~/services/data/v67.0/limits')).status).toBe(404);
    expect((await org.call('GET', '~/services/data/v50.0/limits')).status).toBe(200);
  });

  test('reads addresses with double slashes, a slash at the end and other case', async () => {
    expect((await org.call('GET', '~//services/data//v66.0/limits/')).status).toBe(200);
    expect((await org.call('GET', '~/services/data/v66.0/SObjects/account/Describe')).status).toBe(200);
  });

  test('reports its usage', async () => {
    await org.connection.limits();
    expect(org.connection.limitInfo.apiUsage?.limit).toBe(100_000);
    expect(org.connection.limitInfo.apiUsage?.used).toBeGreaterThan(0);
  });

  test('answers what the sf command line asks before it starts', async () => {
    expect((await org.call('GET', '~/services/oauth2/userinfo')).json).toMatchObject({
      user_id: org.simulator.userId,
      organization_id: org.simulator.organizationId,
    });
    const user = (await org.call('GET', `~/services/data/v51.0/sobjects/User/${org.simulator.userId}`)).json;
    expect(user).toMatchObject({ Username: org.simulator.username });
    const hub = await org.call(
      'GET',
      `~/services/data/v51.0/query?q=${encodeURIComponent('SELECT Id FROM ScratchOrgInfo limit 1')}`,
    );
    expect(hub.status).toBe(400);
    const soql =
      'SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, OrganizationType FROM Organization';
    expect((await org.connection.query(soql)).records).toHaveLength(1);
    expect((await org.call('GET', '')).json).toMatchObject({ identity: expect.stringContaining('/id/00D') });
  });

  test('lists what was changed last', async () => {
    await org.connection.sobject('Account').create({ Name: 'Newest' });
    expect(((await org.call('GET', '/recent?limit=1')).json as object[])[0]).toMatchObject({ Name: 'Newest' });
    expect(await org.connection.sobject('Account').recent()).toMatchObject([{ Name: 'Newest' }]);
  });
});
