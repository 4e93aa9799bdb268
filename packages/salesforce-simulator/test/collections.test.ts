import { describe, expect, test } from 'vitest';
import { created, refusal, startedOrg } from './started-org.ts';

const loan = { StageName: 'Prospecting', CloseDate: '2026-05-01' };

describe('collections', () => {
  test('answer each row in order, good and bad; the error is called statusCode', async () => {
    await using org = await startedOrg();
    const results = await org.connection
      .sobject('Contact')
      .create([{ LastName: 'A' }, { FirstName: 'x' }, { LastName: 'B' }]);
    expect(results).toEqual([
      { id: expect.stringMatching(/^003/), success: true, errors: [] },
      {
        success: false,
        errors: [
          {
            statusCode: 'REQUIRED_FIELD_MISSING',
            message: 'Required fields are missing: [LastName]',
            fields: ['LastName'],
          },
        ],
      },
      { id: expect.stringMatching(/^003/), success: true, errors: [] },
    ]);
    expect((await org.stats()).writes).toEqual({ Contact: { create: 2 } });
    expect((await org.stats()).refused).toEqual({ Contact: { REQUIRED_FIELD_MISSING: 1 } });
  });

  test('with allOrNone one bad row takes back all: the others keep their id and say so', async () => {
    await using org = await startedOrg();
    const ids = [await created(org, 'Account', { Name: 'A' }), await created(org, 'Account', { Name: 'B' })];
    const results = await org.connection.sobject('Account').update(
      [
        { Id: String(ids[0]), Name: 'A2' },
        { Id: String(ids[1]), Name: '' },
      ],
      { allOrNone: true },
    );
    expect(results).toMatchObject([
      {
        id: ids[0],
        success: false,
        errors: [
          {
            statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
            message: 'Record rolled back because not all records were valid and the request was using AllOrNone header',
          },
        ],
      },
      { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING' }] },
    ]);
    expect(await org.connection.sobject('Account').retrieve(String(ids[0]))).toMatchObject({ Name: 'A' });
    expect((await org.stats()).writes).toEqual({ Account: { create: 2 } });
  });

  test('update and delete distinguish deleted, unknown and malformed ids', async () => {
    await using org = await startedOrg();
    const gone = await created(org, 'Account', { Name: 'A' });
    await org.connection.sobject('Account').destroy(gone);
    const ids = [gone, '001Ws00000zzzzzIAA', '003Ws0000000001IAA', 'x'];
    const updated = await org.connection.sobject('Account').update(ids.map((Id) => ({ Id, Name: 'B' })));
    const codes = (results: unknown) =>
      (results as { errors: { statusCode: string }[] }[]).map((result) => result.errors[0]?.statusCode);
    expect(codes(updated)).toEqual([
      'ENTITY_IS_DELETED',
      'INVALID_CROSS_REFERENCE_KEY',
      'MALFORMED_ID',
      'MALFORMED_ID',
    ]);
    expect(codes(await org.connection.sobject('Account').destroy(ids))).toEqual([
      'ENTITY_IS_DELETED',
      'INVALID_CROSS_REFERENCE_KEY',
      'INVALID_CROSS_REFERENCE_KEY',
      'MALFORMED_ID',
    ]);
  });

  test('upsert says what it created; a value twice in one call is refused', async () => {
    await using org = await startedOrg();
    const rows = ['1', '2', '2'].map((External_Id__c) => ({ ...loan, Name: 'L', External_Id__c }));
    const duplicate = { success: false, errors: [expect.objectContaining({ statusCode: 'DUPLICATE_VALUE' })] };
    const first = await org.connection.sobject('Opportunity').upsert(rows, 'External_Id__c');
    expect(first).toEqual([expect.objectContaining({ success: true, created: true }), duplicate, duplicate]);
    const again = await org.connection
      .sobject('Opportunity')
      .upsert([{ External_Id__c: '1', Name: 'M' }], 'External_Id__c');
    expect(again).toMatchObject([{ success: true, created: false }]);
    const without = await org.call('PATCH', '/composite/sobjects/Opportunity/External_Id__c', {
      records: [{ Name: 'L' }],
    });
    expect(without.json).toMatchObject([{ errors: [{ statusCode: 'MISSING_ARGUMENT' }] }]);
    expect((await org.call('PATCH', '/composite/sobjects/Opportunity/Id', { records: [] })).status).toBe(404);
  });

  test('retrieve answers 2,000 ids in their order, null for what is not there', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'A' });
    const gone = await created(org, 'Account', { Name: 'B' });
    await org.connection.sobject('Account').destroy(gone);
    const body = { ids: [gone, id, id.slice(0, 15), '001Ws00000zzzzzIAA', 'x'], fields: ['id', 'Name'] };
    const record = { attributes: expect.anything(), Id: id, Name: 'A' };
    expect((await org.call('POST', '/composite/sobjects/Account', body)).json).toEqual([
      null,
      record,
      record,
      null,
      null,
    ]);
    const many = await org.call('POST', '/composite/sobjects/Account', { ids: Array(2001).fill(id), fields: ['Id'] });
    expect([many.status, many.json]).toMatchObject([400, [{ errorCode: 'EXCEEDED_ID_LIMIT' }]]);
    const unknown = await org.call('POST', '/composite/sobjects/Account', { ids: [id], fields: ['Nope'] });
    expect(unknown.json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
    expect(await org.connection.sobject('Account').retrieve([id, gone])).toMatchObject([{ Name: 'A' }, null]);
  });

  test('more than 200 records, or more than 10 changes of type, are refused as a whole', async () => {
    await using org = await startedOrg();
    const records = (n: number, type: (i: number) => string) =>
      Array.from({ length: n }, (_, i) => ({ attributes: { type: type(i) }, Name: 'A', LastName: 'L' }));
    const many = await org.call('POST', '/composite/sobjects', { records: records(201, () => 'Account') });
    expect([many.status, many.json]).toMatchObject([400, [{ errorCode: 'EXCEEDED_ID_LIMIT' }]]);
    const mixed = { records: records(11, (i) => (i % 2 === 0 ? 'Account' : 'Contact')) };
    expect((await org.call('POST', '/composite/sobjects', mixed)).json).toMatchObject([
      { errorCode: 'LIMIT_EXCEEDED' },
    ]);
    expect((await org.stats()).writes).toEqual({});
  });

  test('a value of the wrong type fails the call, or its row where the org is set so', async () => {
    await using org = await startedOrg();
    const rows = [
      { ...loan, Name: 'good' },
      { ...loan, Name: 'bad', CloseDate: 'soon' },
    ];
    expect((await refusal(org.connection.sobject('Opportunity').create(rows))).errorCode).toBe('JSON_PARSER_ERROR');
    expect((await org.stats()).writes).toEqual({});
    await org.faults({ parserErrorsPerRow: {} });
    expect(await org.connection.sobject('Opportunity').create(rows)).toMatchObject([
      { success: true },
      { success: false, errors: [{ statusCode: 'JSON_PARSER_ERROR' }] },
    ]);
  });
});

describe('composite', () => {
  test('later calls refer to earlier ones; the whole is one request', async () => {
    await using org = await startedOrg();
    const before = (await org.stats()).apiCalls.total;
    const answer = await org.call('POST', '/composite', {
      compositeRequest: [
        { method: 'POST', url: '/services/data/v66.0/sobjects/Account', referenceId: 'a', body: { Name: 'A' } },
        {
          method: 'POST',
          url: '/services/data/v66.0/sobjects/Contact',
          referenceId: 'c',
          body: { LastName: 'L', AccountId: '@{a.id}' },
        },
        {
          method: 'GET',
          url: "/services/data/v66.0/query?q=SELECT Id FROM Contact WHERE AccountId = '@{a.id}'",
          referenceId: 'q',
        },
      ],
    });
    expect(answer.json).toMatchObject({
      compositeResponse: [
        { httpStatusCode: 201, referenceId: 'a', body: { success: true } },
        { httpStatusCode: 201, referenceId: 'c' },
        { httpStatusCode: 200, referenceId: 'q', body: { totalSize: 1 } },
      ],
    });
    expect((await org.stats()).apiCalls.total).toBe(before + 1);
  });

  test('all or none: the rest is halted and nothing stays', async () => {
    await using org = await startedOrg();
    const post = (referenceId: string, body: object) => ({
      method: 'POST',
      url: '/services/data/v66.0/sobjects/Account',
      referenceId,
      body,
    });
    const answer = await org.call('POST', '/composite', {
      allOrNone: true,
      compositeRequest: [post('a', { Name: 'A' }), post('b', {})],
    });
    expect(answer.json).toMatchObject({
      compositeResponse: [
        { httpStatusCode: 400, body: [{ errorCode: 'PROCESSING_HALTED' }] },
        { httpStatusCode: 400, body: [{ errorCode: 'REQUIRED_FIELD_MISSING' }] },
      ],
    });
    expect((await org.connection.query('SELECT COUNT() FROM Account')).totalSize).toBe(0);
    const many = await org.call('POST', '/composite', { compositeRequest: Array(26).fill(post('x', { Name: 'A' })) });
    expect(many.json).toMatchObject([{ errorCode: 'LIMIT_EXCEEDED' }]);
  });
});
