import { describe, expect, test } from 'vitest';
import { openStore } from '../../embedded-aws/store.ts';
import { JobStore } from '../bulk/job-store.ts';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

type Operation = 'insert' | 'update' | 'upsert' | 'delete' | 'hardDelete';

function load(org: StartedOrg, object: string, operation: Operation, input: string | object[], more: object = {}) {
  return org.connection.bulk2.loadAndWaitForResults({
    object,
    operation,
    input: input as string,
    pollInterval: 5,
    pollTimeout: 5000,
    ...more,
  });
}

/** Waits for the end of a job that was made without jsforce. */
async function finished(org: StartedOrg, id: string): Promise<Record<string, unknown>> {
  const job = org.connection.bulk2.job('ingest', { id });
  await job.poll(5, 5000).catch(() => undefined);
  return (await org.call('GET', `/jobs/ingest/${id}`)).json as Record<string, unknown>;
}

describe('ingest', () => {
  test('inserts rows, and separates good from bad ones', async () => {
    await using org = await startedOrg();
    const results = await load(org, 'Contact', 'insert', [
      { LastName: 'A', DoNotCall: true },
      { LastName: '', DoNotCall: null },
    ]);
    expect(results).toMatchObject({
      successfulResults: [{ sf__Id: expect.stringMatching(/^003/), sf__Created: 'true', LastName: 'A' }],
      failedResults: [
        { sf__Id: '', sf__Error: 'REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName--' },
      ],
      unprocessedRecords: [],
    });
    expect((await org.stats()).writes).toEqual({ Contact: { create: 1 } });
  });

  test('update: #N/A clears, an empty cell leaves as it is', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'A', Phone: '1', Website: 'w', Description: 'a\n"b"' });
    await load(org, 'Account', 'update', `Id,Phone,Website,Description\n${id},,#N/A,"x\ny, ""z"""\n`);
    expect(await org.connection.sobject('Account').retrieve(id)).toMatchObject({
      Phone: '1',
      Website: null,
      Description: 'x\ny, "z"',
    });
  });

  test('upsert by external id, delete and hardDelete', async () => {
    await using org = await startedOrg();
    const row = { External_Id__c: 'x', Name: 'L', StageName: 'Prospecting', CloseDate: '2026-05-01' };
    const upsert = () => load(org, 'Opportunity', 'upsert', [row], { externalIdFieldName: 'External_Id__c' });
    const [first] = (await upsert()).successfulResults;
    const [second] = (await upsert()).successfulResults;
    expect([first?.sf__Created, second?.sf__Created, second?.sf__Id]).toEqual(['true', 'false', first?.sf__Id]);
    const id = String(first?.sf__Id);
    await load(org, 'Opportunity', 'delete', [{ Id: id }]);
    const again = await load(org, 'Opportunity', 'delete', [{ Id: id }, { Id: '006Ws00000zzzzzIAA' }]);
    expect(again.failedResults).toMatchObject([
      { sf__Id: id, sf__Error: 'ENTITY_IS_DELETED:entity is deleted:--' },
      { sf__Error: 'INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--' },
    ]);
    const hard = await created(org, 'Account', { Name: 'A' });
    await load(org, 'Account', 'hardDelete', [{ Id: hard }]);
    expect(await org.connection.soap.undelete([id, hard])).toMatchObject([{ success: true }, { success: false }]);
  });

  test('a cell of the wrong type fails its row only', async () => {
    await using org = await startedOrg();
    const { failedResults, successfulResults } = await load(
      org,
      'Opportunity',
      'insert',
      'Name,StageName,CloseDate,IsPrivate\nA,Prospecting,soon,\nB,Prospecting,2026-05-01,1\n',
    );
    expect(failedResults).toMatchObject([{ sf__Error: expect.stringMatching(/^INVALID_TYPE_ON_FIELD_IN_RECORD:/) }]);
    expect(successfulResults).toHaveLength(1);
  });

  const broken: [string, string, object, string][] = [
    ['an unknown column', 'Name,Nope\nA,1\n', {}, 'InvalidBatch : Field name not found : Nope'],
    [
      'another line ending than declared',
      'Name\r\nA\r\n',
      {},
      'LineEnding is invalid on user data. Current LineEnding setting is LF',
    ],
    ['a row with too many cells', 'Name\nA,B\n', {}, 'InvalidBatch : Failed to parse CSV'],
    [
      'more than ids in a delete',
      'Id,Name\nx,y\n',
      { operation: 'delete' },
      "InvalidBatch : 'delete' batch must contain only ids",
    ],
  ];
  test.each(broken)('a file with %s fails the job as a whole', async (_name, csv, options, errorMessage) => {
    await using org = await startedOrg();
    const job = { object: 'Account', operation: 'insert', ...options };
    const { id } = (await org.call('POST', '/jobs/ingest', job)).json as { id: string };
    expect((await org.call('PUT', `/jobs/ingest/${id}/batches`, csv, { 'Content-Type': 'text/csv' })).status).toBe(201);
    await org.call('PATCH', `/jobs/ingest/${id}`, { state: 'UploadComplete' });
    expect(await finished(org, id)).toMatchObject({
      state: 'Failed',
      errorMessage: expect.stringContaining(errorMessage),
    });
    expect((await org.stats()).writes).toEqual({});
  });

  test('other delimiters and line endings, results in the same form', async () => {
    await using org = await startedOrg();
    const job = { object: 'Account', operation: 'insert', lineEnding: 'CRLF', columnDelimiter: 'SEMICOLON' };
    const { id } = (await org.call('POST', '/jobs/ingest', job)).json as { id: string };
    await org.call('PUT', `/jobs/ingest/${id}/batches`, 'Name;Phone\r\n"a;b";1\r\n');
    await org.call('PATCH', `/jobs/ingest/${id}`, { state: 'UploadComplete' });
    await finished(org, id);
    const results = await org.call('GET', `/jobs/ingest/${id}/successfulresults`);
    expect(results.text).toMatch(/^"sf__Id";"sf__Created";"Name";"Phone"\r\n"001\w{15}";"true";"a;b";"1"\r\n$/);
    expect(results.headers.get('content-type')).toBe('text/csv');
  });

  test('the states of a job, and what may not be done in them', async () => {
    await using org = await startedOrg();
    await org.faults({ slowBulkJobs: { seconds: 30 } });
    const { id, state, contentUrl } = (
      await org.call('POST', '/jobs/ingest', { object: 'Account', operation: 'insert' })
    ).json as Record<string, string>;
    expect([state, contentUrl]).toEqual(['Open', `services/data/v66.0/jobs/ingest/${id}/batches`]);
    await org.call('PUT', `/jobs/ingest/${id}/batches`, 'Name\nA\n');
    expect((await org.call('PUT', `/jobs/ingest/${id}/batches`, 'Name\nA\n')).json).toMatchObject([
      { errorCode: 'INVALIDJOB' },
    ]);
    expect((await org.call('DELETE', `/jobs/ingest/${id}`)).json).toMatchObject([{ errorCode: 'INVALIDJOBSTATE' }]);
    const closed = (await org.call('PATCH', `/jobs/ingest/${id}`, { state: 'UploadComplete' })).json;
    expect(closed).toMatchObject({ state: 'UploadComplete' });
    expect((await org.call('GET', `/jobs/ingest/${id}`)).json).toMatchObject({ state: 'InProgress' });
    expect((await org.call('PATCH', `/jobs/ingest/${id}`, { state: 'Aborted' })).json).toMatchObject({
      state: 'Aborted',
    });
    expect((await org.call('GET', `/jobs/ingest/${id}/unprocessedrecords`)).text).toBe('"Name"\n"A"\n');
    expect((await org.call('DELETE', `/jobs/ingest/${id}`)).status).toBe(204);
    expect((await org.call('GET', `/jobs/ingest/${id}`)).status).toBe(404);
    expect((await org.call('POST', '/jobs/ingest', { object: 'Nope', operation: 'insert' })).json).toMatchObject([
      { errorCode: 'INVALIDJOB' },
    ]);
  });

  test('results may come in another order', async () => {
    await using org = await startedOrg();
    await org.faults({ shuffledBulkResults: {} });
    const input = ['A', 'B', 'C', 'D'].map((Name) => ({ Name }));
    const { successfulResults } = await load(org, 'Account', 'insert', input);
    const order = successfulResults.map((row) => ('Name' in row ? row.Name : undefined));
    expect(order).not.toEqual(['A', 'B', 'C', 'D']);
    expect([...order].sort()).toEqual(['A', 'B', 'C', 'D']);
  });

  test('a job that was interrupted goes on after a restart, each row once', async () => {
    const store = openStore(undefined);
    const rows = 6000;
    const csv = `Name\n${Array.from({ length: rows }, (_, i) => `A${i}`).join('\n')}\n`;
    let id: string;
    {
      await using org = await startedOrg({ store });
      const job = { object: 'Account', operation: 'insert' };
      ({ id } = (await org.call('POST', '/jobs/ingest', job)).json as { id: string });
      await org.call('PUT', `/jobs/ingest/${id}/batches`, csv);
      await org.call('PATCH', `/jobs/ingest/${id}`, { state: 'UploadComplete' });
      const processed = async () =>
        (await org.call('GET', `/jobs/ingest/${id}`)).json as { numberRecordsProcessed: number };
      await expect.poll(async () => (await processed()).numberRecordsProcessed, { interval: 1 }).toBeGreaterThan(0);
    }
    const interrupted = new JobStore(store).get(id);
    expect(interrupted).toMatchObject({ state: 'InProgress' });
    expect(interrupted?.processed).toBeLessThan(rows);
    await using org = await startedOrg({ store });
    expect(await finished(org, id)).toMatchObject({
      state: 'JobComplete',
      numberRecordsProcessed: rows,
      numberRecordsFailed: 0,
    });
    expect((await org.connection.query('SELECT COUNT() FROM Account')).totalSize).toBe(rows);
  });
});

describe('query jobs', () => {
  test('print datetimes with Z and numbers with a point; parents by their path', async () => {
    await using org = await startedOrg();
    const account = await created(org, 'Account', { Name: 'A', AnnualRevenue: 100, NumberOfEmployees: 5 });
    await created(org, 'Contact', { LastName: 'L', AccountId: account });
    const rows = (soql: string) =>
      org.connection.bulk2.query(soql, { pollInterval: 5 }).then((stream) => stream.toArray());
    expect(
      await rows('SELECT Name, AnnualRevenue, NumberOfEmployees, SystemModstamp, Phone, IsDeleted FROM Account'),
    ).toEqual([
      {
        Name: 'A',
        AnnualRevenue: '100.0',
        NumberOfEmployees: '5',
        SystemModstamp: '2026-03-01T12:00:00.000Z',
        Phone: '',
        IsDeleted: 'false',
      },
    ]);
    expect(await rows('SELECT Account.Name FROM Contact')).toEqual([{ 'Account.Name': 'A' }]);
  });

  test('are read page by page until the locator is null', async () => {
    await using org = await startedOrg();
    await org.connection.sobject('Account').create(Array.from({ length: 5 }, (_, i) => ({ Name: `A${i}` })));
    const query = { operation: 'queryAll', query: 'SELECT Name FROM Account' };
    const { id } = (await org.call('POST', '/jobs/query', query)).json as { id: string };
    await org.connection.bulk2.job('query', { id }).poll(5, 5000);
    expect((await org.call('GET', `/jobs/query/${id}`)).json).toMatchObject({ numberRecordsProcessed: 5 });
    await created(org, 'Account', { Name: 'A9' });
    const page = (locator: string) => org.call('GET', `/jobs/query/${id}/results?maxRecords=3${locator}`);
    const first = await page('');
    expect([first.text, first.headers.get('sforce-locator')]).toEqual(['"Name"\n"A0"\n"A1"\n"A2"\n', '3']);
    const second = await page('&locator=3');
    expect([second.text, second.headers.get('sforce-locator')]).toEqual(['"Name"\n"A3"\n"A4"\n', 'null']);
  });

  test('refuse compound fields and broken queries', async () => {
    await using org = await startedOrg();
    const ask = (query: string) => org.call('POST', '/jobs/query', { operation: 'query', query });
    expect((await ask('SELECT BillingAddress FROM Account')).json).toMatchObject([{ errorCode: 'API_ERROR' }]);
    expect((await ask('SELECT Nope FROM Account')).json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
    expect((await refusal(org.connection.bulk2.query('SELEC'))).errorCode).toBe('MALFORMED_QUERY');
  });
});
