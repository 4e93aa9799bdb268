import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

let org: StartedOrg;
beforeAll(async () => {
  org = await startedOrg();
});
afterAll(() => org[Symbol.asyncDispose]());

const loan = { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2026-05-01' };

describe('values are stored as Salesforce stores them', () => {
  const cases: [string, string, Record<string, unknown>, Record<string, unknown>][] = [
    ['ASCII white space is trimmed', 'Account', { Name: ' \tAcme \n' }, { Name: 'Acme' }],
    ['a no-break space stays', 'Account', { Name: 'Acme\u00a0' }, { Name: 'Acme\u00a0' }],
    ['empty text is null', 'Account', { Name: 'A', Phone: '', Website: '  ' }, { Phone: null, Website: null }],
    ['newlines stay as sent', 'Account', { Name: 'A', Description: 'a\nb\r\nc' }, { Description: 'a\nb\r\nc' }],
    ['numbers keep their digits', 'Opportunity', { ...loan, Amount: 1234.5678 }, { Amount: 1234.5678 }],
    ['numbers may come as text', 'Account', { Name: 'A', AnnualRevenue: '12.5' }, { AnnualRevenue: 12.5 }],
    [
      'datetimes are cut to the second, in UTC',
      'Opportunity',
      { ...loan, Approved_At__c: '2026-01-31T23:59:59.999+02:00' },
      { Approved_At__c: '2026-01-31T21:59:59.000+0000' },
    ],
    [
      'multipicklists come back in the order of their values, each once',
      'Opportunity',
      { ...loan, Purposes__c: 'Vehicle; Home purchase;Vehicle' },
      { Purposes__c: 'Home purchase;Vehicle' },
    ],
    ['a null checkbox is false', 'Contact', { LastName: 'L', DoNotCall: null }, { DoNotCall: false }],
    ['an absent checkbox is false', 'Contact', { LastName: 'L' }, { DoNotCall: false }],
    ['the name of a person is put together', 'Contact', { FirstName: 'Ada', LastName: 'L' }, { Name: 'Ada L' }],
    ['the stage sets the probability', 'Opportunity', { ...loan, StageName: 'Approved' }, { Probability: 80 }],
    ['a given probability stays', 'Opportunity', { ...loan, Probability: 33 }, { Probability: 33 }],
    ['won loans are closed', 'Opportunity', { ...loan, StageName: 'Closed Won' }, { IsClosed: true, IsWon: true }],
    [
      'address parts make a compound',
      'Account',
      { Name: 'A', BillingCity: 'Bonn' },
      { BillingAddress: expect.objectContaining({ city: 'Bonn', street: null }) },
    ],
    ['field names are found in any case', 'Account', { nAmE: 'A' }, { Name: 'A' }],
  ];
  test.each(cases)('%s', async (_name, object, sent, stored) => {
    const id = await created(org, object, sent);
    expect(await org.connection.sobject(object).retrieve(id)).toMatchObject(stored);
  });

  test('a 15-character lookup comes back with 18', async () => {
    const account = await created(org, 'Account', { Name: 'Parent' });
    const id = await created(org, 'Contact', { LastName: 'L', AccountId: account.slice(0, 15) });
    expect(await org.connection.sobject('Contact').retrieve(id)).toMatchObject({ AccountId: account });
  });
});

describe('what is refused, with code, text and fields', () => {
  const text = (n: number) => 'x'.repeat(n);
  const cases: [string, string, Record<string, unknown>, string, string][] = [
    [
      'required fields',
      'Opportunity',
      { Name: 'L' },
      'REQUIRED_FIELD_MISSING',
      'Required fields are missing: [StageName, CloseDate]',
    ],
    [
      'long text',
      'Contact',
      { LastName: text(81) },
      'STRING_TOO_LONG',
      `Last Name: data value too large: ${text(81)} (max length=80)`,
    ],
    [
      'unknown values of a restricted picklist',
      'Opportunity',
      { ...loan, Purposes__c: 'Vehicle;Yacht' },
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      'Purposes: bad value for restricted picklist field: Yacht',
    ],
    [
      'unknown fields',
      'Account',
      { Name: 'A', Nope__c: 1 },
      'INVALID_FIELD',
      "No such column 'Nope__c' on sobject of type Account",
    ],
    [
      'read-only fields',
      'Opportunity',
      { ...loan, IsWon: true },
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      'Unable to create/update fields: IsWon. Please check the security settings of this field and verify that it is read/write for your profile or permission set.',
    ],
    [
      'bad mail addresses',
      'Contact',
      { LastName: 'L', Email: 'no address' },
      'INVALID_EMAIL_ADDRESS',
      'Email: invalid email address: no address',
    ],
    [
      'numbers with too many digits',
      'Contact',
      { LastName: 'L', Credit_Score__c: 1000 },
      'NUMBER_OUTSIDE_VALID_RANGE',
      'Credit Score: value outside of valid range on numeric field: 1000',
    ],
    [
      'text where a number belongs',
      'Account',
      { Name: 'A', AnnualRevenue: 'much' },
      'JSON_PARSER_ERROR',
      'Cannot deserialize instance of double from VALUE_STRING value much or request may be missing a required field',
    ],
    [
      'dates that are none',
      'Opportunity',
      { ...loan, CloseDate: '2026-02-30' },
      'JSON_PARSER_ERROR',
      'Cannot deserialize instance of date from VALUE_STRING value 2026-02-30 or request may be missing a required field',
    ],
    [
      'what is no id',
      'Contact',
      { LastName: 'L', AccountId: 'abc' },
      'MALFORMED_ID',
      'Account ID: id value of incorrect type: abc',
    ],
    [
      'ids of another object',
      'Contact',
      { LastName: 'L', AccountId: '003Ws0000000001IAA' },
      'FIELD_INTEGRITY_EXCEPTION',
      'Account ID: id value of incorrect type: 003Ws0000000001IAA',
    ],
    [
      'ids that nothing has',
      'Contact',
      { LastName: 'L', AccountId: '001Ws00000zzzzzIAA' },
      'INVALID_CROSS_REFERENCE_KEY',
      'invalid cross reference id',
    ],
  ];
  test.each(cases)('%s', async (_name, object, sent, errorCode, message) => {
    expect(await refusal(org.connection.sobject(object).create(sent))).toEqual({ errorCode, message });
  });

  test('an error names its fields, in an array with HTTP status 400', async () => {
    const answer = await org.call('POST', '/sobjects/Account', {});
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual([
      { errorCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Name]', fields: ['Name'] },
    ]);
  });

  test('broken JSON, an Id in the body, a wrong verb, an unknown path', async () => {
    expect((await org.call('POST', '/sobjects/Account', '{')).json).toMatchObject([{ errorCode: 'JSON_PARSER_ERROR' }]);
    expect((await org.call('POST', '/sobjects/Account', { Id: 'x' })).json).toEqual([
      {
        errorCode: 'INVALID_FIELD',
        message: 'The Id field should not be specified in the sobject data.',
        fields: ['Id'],
      },
    ]);
    expect((await org.call('PUT', '/sobjects/Account', {})).status).toBe(405);
    expect((await org.call('GET', '/nowhere')).json).toMatchObject([{ errorCode: 'NOT_FOUND' }]);
  });

  test('users and the organization are read-only', async () => {
    expect((await refusal(org.connection.sobject('User').create({}))).errorCode).toBe('INVALID_TYPE_FOR_OPERATION');
  });
});

describe('single records', () => {
  test('an update changes the given fields only, and answers 204 without a body', async () => {
    const id = await created(org, 'Account', { Name: 'A', Phone: '1' });
    const answer = await org.call('PATCH', `/sobjects/Account/${id}`, { Name: 'B' });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await org.connection.sobject('Account').retrieve(id)).toMatchObject({ Name: 'B', Phone: '1' });
  });

  test('each write moves the stamps, to the second', async () => {
    const id = await created(org, 'Account', { Name: 'A' });
    org.clock.now += 61_999;
    await org.connection.sobject('Account').update({ Id: id, Name: 'A' });
    const record = await org.connection.sobject('Account').retrieve(id);
    const second = `${new Date(org.clock.now).toISOString().slice(0, 19)}.000+0000`;
    expect(record).toMatchObject({ SystemModstamp: second, LastModifiedDate: second });
    expect(record.CreatedDate).not.toBe(second);
  });

  test('unknown, deleted and malformed ids', async () => {
    const id = await created(org, 'Account', { Name: 'A' });
    await org.connection.sobject('Account').destroy(id);
    const account = org.connection.sobject('Account');
    expect(await refusal(account.retrieve(id))).toEqual({
      errorCode: 'ENTITY_IS_DELETED',
      message: 'entity is deleted',
    });
    expect(await refusal(account.destroy(id))).toEqual({
      errorCode: 'ENTITY_IS_DELETED',
      message: 'entity is deleted',
    });
    expect((await org.call('DELETE', `/sobjects/Account/${id}`)).status).toBe(404);
    expect(await refusal(account.update({ Id: '001Ws00000zzzzzIAA', Name: 'B' }))).toEqual({
      errorCode: 'NOT_FOUND',
      message: 'The requested resource does not exist',
    });
    // The right 15 characters with a suffix whose case was folded are no id.
    expect((await refusal(account.retrieve(`${id.slice(0, 15)}${id.slice(15).toLowerCase()}`))).errorCode).toBe(
      'NOT_FOUND',
    );
  });

  test('only the named fields, and an unknown name is refused', async () => {
    const id = await created(org, 'Account', { Name: 'A' });
    const answer = await org.call('GET', `/sobjects/Account/${id}?fields=name,Phone`);
    expect(Object.keys(answer.json as object)).toEqual(['attributes', 'Name', 'Phone']);
    expect((await org.call('GET', `/sobjects/Account/${id}?fields=Nope`)).json).toMatchObject([
      { errorCode: 'INVALID_FIELD' },
    ]);
  });

  test('If-Unmodified-Since refuses a record that changed since, with 412', async () => {
    const id = await created(org, 'Account', { Name: 'A' });
    const since = new Date(org.clock.now).toUTCString();
    const headers = { 'If-Unmodified-Since': since };
    expect((await org.call('PATCH', `/sobjects/Account/${id}`, { Phone: '1' }, headers)).status).toBe(204);
    org.clock.now += 2000;
    await org.connection.sobject('Account').update({ Id: id, Phone: '2' });
    expect((await org.call('PATCH', `/sobjects/Account/${id}`, { Phone: '3' }, headers)).status).toBe(412);
  });

  test('If a lookup is given by the external id of its parent, an unknown one is refused', async () => {
    const answer = await org.call('POST', '/sobjects/Contact', { LastName: 'L', Account: { Name: 'x' } });
    expect(answer.json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
  });
});

describe('upsert by external id', () => {
  test('creates with 201, then updates with 200; slashes and blanks in the value are part of it', async () => {
    const opportunity = org.connection.sobject('Opportunity');
    const first = await opportunity.upsert({ ...loan, External_Id__c: 'a/b c%' }, 'External_Id__c');
    expect(first).toMatchObject({ success: true, created: true });
    const second = await opportunity.upsert({ External_Id__c: 'a/b c%', Name: 'Again' }, 'External_Id__c');
    expect(second).toMatchObject({ success: true, created: false, id: first.id });
    expect(await opportunity.retrieve(String(first.id))).toMatchObject({ Name: 'Again', External_Id__c: 'a/b c%' });
    expect((await org.call('HEAD', '/sobjects/Opportunity/External_Id__c/a/b%20c%25')).status).toBe(200);
    expect((await org.call('HEAD', '/sobjects/Opportunity/External_Id__c/other')).status).toBe(404);
  });

  test('updateOnly forbids the create; a field that is no external id is not found', async () => {
    expect((await org.call('PATCH', '/sobjects/Opportunity/External_Id__c/none?updateOnly=true', loan)).status).toBe(
      404,
    );
    expect((await org.call('PATCH', '/sobjects/Opportunity/Name/x', loan)).json).toMatchObject([
      { message: 'Provided external ID field does not exist or is not accessible: Name' },
    ]);
  });

  test('under upsertAnswers204 an update has no body', async () => {
    await using older = await startedOrg();
    await older.faults({ upsertAnswers204: {} });
    const opportunity = older.connection.sobject('Opportunity');
    await opportunity.upsert({ ...loan, External_Id__c: 'x' }, 'External_Id__c');
    const updated = await opportunity.upsert({ Name: 'y', External_Id__c: 'x' }, 'External_Id__c');
    expect(updated).toEqual({ success: true, errors: [] });
  });

  test('a unique value is given once, without regard to case; the message holds 15 characters of the holder', async () => {
    const id = await created(org, 'Opportunity', { ...loan, External_Id__c: 'Once' });
    expect(await refusal(org.connection.sobject('Opportunity').create({ ...loan, External_Id__c: 'ONCE' }))).toEqual({
      errorCode: 'DUPLICATE_VALUE',
      message: `duplicate value found: External_Id__c duplicates value on record with id: ${id.slice(0, 15)}`,
    });
  });
});
