import { describe, expect, test } from 'vitest';
import { setUp } from './appflow-setup.ts';
import { OUTBOUND_FIELDS, type OutboundOptions, outboundFlow } from './flow-templates.ts';

const KEY_FIELDS = [{ field: 'Key__c' }, ...OUTBOUND_FIELDS.slice(1)];

/** An org with contacts 003A, 003B and 003C, and a flow towards it. */
async function setUpWithFlow(flow: OutboundOptions = {}, quirks: object = {}) {
  const setup = await setUp({ quirks });
  for (const id of ['003A', '003B', '003C']) {
    setup.org.put(id, 0, { LastName: `old ${id}`, Amount__c: 1, Active__c: false, Key__c: `key-${id}` });
  }
  await setup.appflow.putFlow(outboundFlow(flow));
  const file = (key: string, text: string) => setup.aws.objects.set(`data/outbound/Contact${key}`, Buffer.from(text));
  return Object.assign(setup, { file });
}

const writes = (setup: Awaited<ReturnType<typeof setUpWithFlow>>) =>
  setup.org.requests.filter(({ method }) => method !== 'GET').map(({ method, url }) => `${method} ${url}`);

describe('an update', () => {
  test('reads every file that begins with the prefix, across pages of the listing, and writes typed values', async () => {
    await using setup = await setUpWithFlow();
    setup.aws.listingPageSize = 2;
    setup.file(
      '/batch.csv',
      'Id,LastName,Amount__c,Active__c\n003A,"O\'Neil, ""Liz""\r\nsecond line",12345678901234567.89,TRUE\n',
    );
    setup.file('/2026/01/deep.csv', 'Active__c,Ignored,Id,Amount__c,LastName\nfalse,x,003B,+007.50,Émile\n');
    setup.file('/marker', '');
    setup.file('Role/other.csv', 'Id,LastName,Amount__c,Active__c\n003C,of a longer name,1,true\n');
    const run = await setup.runOnDemand();
    expect(run).toMatchObject({ executionStatus: 'Successful', executionResult: { recordsProcessed: 3 } });
    expect(run.executionResult.errorInfo).toBeUndefined();
    expect(setup.org.records.get('003A')).toMatchObject({ LastName: 'O\'Neil, "Liz"\r\nsecond line', Active__c: true });
    expect(setup.org.records.get('003B')).toMatchObject({ LastName: 'Émile', Active__c: false, Amount__c: 7.5 });
    expect(setup.org.records.get('003C')?.LastName).toBe('of a longer name');
    const sent = setup.org.requests.find(({ method }) => method === 'PATCH')?.body ?? '';
    expect(sent).toContain('"Amount__c":12345678901234567.89');
    expect(sent).toContain('"attributes":{"type":"Contact"},"id":"003A"');
    expect(setup.aws.entries).toMatchObject([{ kind: 'flow-run', subject: 'contact-out', text: 'Contact: 3 records' }]);
  });

  test('goes in calls of 200 rows', async () => {
    await using setup = await setUpWithFlow();
    const rows = Array.from({ length: 401 }, (_, index) => `003${index},name,1,true\n`);
    setup.file('/batch.csv', `Id,LastName,Amount__c,Active__c\n${rows.join('')}`);
    const run = await setup.runOnDemand();
    const calls = setup.org.requests.map(({ body }) => (JSON.parse(body) as { records: unknown[] }).records.length);
    expect(calls).toEqual([200, 200, 1]);
    expect(run.executionResult.errorInfo?.putFailuresCount).toBe(401);
  });

  test.each([
    ['keep', { LastName: 'old 003A', Amount__c: 1 }],
    ['clear', { LastName: null, Amount__c: null }],
  ])('with blank cells: %s', async (blankCells, expected) => {
    for (const api of ['REST_SYNC', 'BULKV2']) {
      await using setup = await setUpWithFlow({ salesforce: { DataTransferApi: api } }, { blankCells });
      setup.file('/batch.csv', 'Id,LastName,Amount__c,Active__c\n003A,,"",true\n');
      await setup.runOnDemand();
      expect(setup.org.records.get('003A')).toMatchObject({ ...expected, Active__c: expect.anything() });
    }
  });

  test('reads JSON lines, nulls being blank cells', async () => {
    await using setup = await setUpWithFlow({ fileType: 'JSON' });
    const rows = [
      { Id: '003A', LastName: 'two\nlines', Amount__c: 3.25, Active__c: true },
      { Id: '003B', LastName: null, Amount__c: '4' },
    ];
    setup.file('/batch.jsonl', `${rows.map((row) => JSON.stringify(row)).join('\n')}\n\n`);
    await setup.runOnDemand();
    expect(setup.org.records.get('003A')).toMatchObject({ LastName: 'two\nlines', Amount__c: 3.25, Active__c: true });
    expect(setup.org.records.get('003B')).toMatchObject({ LastName: 'old 003B', Amount__c: 4, Active__c: false });
  });

  test('reads the same files again in the next run', async () => {
    await using setup = await setUpWithFlow();
    setup.file('/batch.csv', 'Id,LastName,Amount__c,Active__c\n003A,again,1,true\n');
    await setup.runOnDemand();
    setup.org.put('003A', 0, { LastName: 'edited' });
    await setup.runOnDemand();
    expect(setup.org.records.get('003A')?.LastName).toBe('again');
  });

  test('of nothing succeeds and calls no one', async () => {
    await using setup = await setUpWithFlow();
    const run = await setup.runOnDemand();
    expect(run).toMatchObject({ executionStatus: 'Successful', executionResult: { recordsProcessed: 0 } });
    expect(setup.org.requests).toEqual([]);
    expect(setup.aws.entries).toEqual([]);
  });
});

describe('the other operations', () => {
  test('INSERT posts new records', async () => {
    const salesforce = { WriteOperationType: 'INSERT', IdFieldNames: [] };
    await using setup = await setUpWithFlow({ salesforce, fields: OUTBOUND_FIELDS.slice(1) });
    setup.file('/batch.csv', 'LastName,Amount__c,Active__c\nNew,1,true\n');
    await setup.runOnDemand();
    expect(writes(setup)).toEqual(['POST /services/data/v58.0/composite/sobjects']);
    expect([...setup.org.records.values()].at(-1)).toMatchObject({ LastName: 'New', Active__c: true });
  });

  test('UPSERT goes by the external id', async () => {
    const salesforce = { WriteOperationType: 'UPSERT', IdFieldNames: ['Key__c'] };
    await using setup = await setUpWithFlow({ salesforce, fields: KEY_FIELDS });
    setup.file(
      '/batch.csv',
      'Key__c,LastName,Amount__c,Active__c\nkey-003A,Known,1,true\nkey-new,New,2,false\n,No key,2,false\n',
    );
    const run = await setup.runOnDemand();
    expect(writes(setup)).toEqual(['PATCH /services/data/v58.0/composite/sobjects/Contact/Key__c']);
    expect(setup.org.records.get('003A')?.LastName).toBe('Known');
    expect([...setup.org.records.values()].at(-1)).toMatchObject({ Key__c: 'key-new', LastName: 'New' });
    expect(run.executionResult.errorInfo?.putFailuresCount).toBe(1);
  });

  test('DELETE sends ids alone', async () => {
    for (const api of ['REST_SYNC', 'BULKV2']) {
      await using setup = await setUpWithFlow({ salesforce: { WriteOperationType: 'DELETE', DataTransferApi: api } });
      setup.file('/batch.csv', 'Id,LastName,Amount__c,Active__c\n003A,ignored,x,y\n003B,,,\n');
      const run = await setup.runOnDemand();
      expect(run.executionResult.errorInfo).toBeUndefined();
      expect([...setup.org.records.values()].map(({ IsDeleted }) => IsDeleted)).toEqual([true, true, false]);
    }
  });
});

describe('the choice of the API', () => {
  test.each([
    ['AUTOMATIC', 999, 'composite/sobjects'],
    ['AUTOMATIC', 1000, 'jobs/ingest'],
    ['REST_SYNC', 1000, 'composite/sobjects'],
    ['BULKV2', 1, 'jobs/ingest'],
  ])('%s with %i rows', async (api, count, resource) => {
    await using setup = await setUpWithFlow({ salesforce: { DataTransferApi: api } });
    for (let index = 0; index < count; index += 1) setup.org.put(`003N${index}`, 0);
    const rows = Array.from({ length: count }, (_, index) => `003N${index},"two\nlines",1,true\n`);
    setup.file('/batch.csv', `Id,LastName,Amount__c,Active__c\n${rows.join('')}`);
    const run = await setup.runOnDemand();
    expect(run).toMatchObject({ executionStatus: 'Successful', executionResult: { recordsProcessed: count } });
    expect(run.executionResult.errorInfo).toBeUndefined();
    expect(writes(setup)[0]).toMatch(new RegExp(`/${resource}$`));
    expect(setup.org.records.get(`003N${count - 1}`)?.LastName).toBe('two\nlines');
  });
});

describe('refused rows', () => {
  const file =
    'Id,LastName,Amount__c,Active__c\n003A,fine,1,true\n003B,refused,2,true\n003X,unknown,3,true\n003C,misfit,much,maybe\n';

  test('are counted and written to the error file, while the others go on', async () => {
    for (const api of ['REST_SYNC', 'BULKV2']) {
      await using setup = await setUpWithFlow({ salesforce: { DataTransferApi: api } });
      setup.org.refusals.set('003B', { statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'Not in January' });
      setup.file('/batch.csv', file);
      const run = await setup.runOnDemand();
      expect(run).toMatchObject({
        executionStatus: 'Successful',
        executionResult: { recordsProcessed: 4, errorInfo: { putFailuresCount: 3 } },
      });
      expect(setup.org.records.get('003A')?.LastName).toBe('fine');
      const texts = setup.aws.texts('data');
      const errors = Object.keys(texts).filter((key) => key.startsWith('appflow-errors/'));
      expect(errors).toEqual([`appflow-errors/contact-out/${run.executionId}/${run.executionId}-errors`]);
      const rows = (texts[errors[0] ?? ''] ?? '')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string });
      expect(rows).toHaveLength(3);
      const byId = new Map(rows.map((row) => [row.id, row]));
      expect(byId.get('003B')).toMatchObject({
        statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        message: 'Not in January',
      });
      expect(byId.get('003X')).toMatchObject({ statusCode: 'INVALID_CROSS_REFERENCE_KEY' });
      expect(byId.get('003C')).toMatchObject({ statusCode: 'CONVERSION_FAILED', fields: ['Amount__c', 'Active__c'] });
      const end = setup.aws.events.at(-1);
      expect(end?.detail).toMatchObject({
        'num-of-record-failures': '3',
        'num-of-records-processed': '4',
        status: 'Execution Successful',
      });
      expect(setup.aws.entries.at(-1)?.text).toBe('Contact: 4 records (3 refused)');
    }
  });

  test('end the run at the first one where the flow says so; the message quotes no value', async () => {
    const salesforce = { ErrorHandlingConfig: { BucketName: 'data', FailOnFirstError: true } };
    await using setup = await setUpWithFlow({ salesforce });
    setup.org.refusals.set('003B', {
      statusCode: 'STRING_TOO_LONG',
      message: 'Last Name: data value too large: refused',
    });
    const rows = Array.from({ length: 300 }, (_, index) => `${index === 1 ? '003B' : '003A'},row ${index},1,true\n`);
    setup.file('/batch.csv', `Id,LastName,Amount__c,Active__c\n${rows.join('')}`);
    const run = await setup.runOnDemand();
    expect(run).toMatchObject({
      executionStatus: 'Error',
      executionResult: { errorInfo: { putFailuresCount: 1, executionMessage: 'a row was refused: STRING_TOO_LONG' } },
    });
    expect(setup.org.records.get('003A')?.LastName).toBe('row 199');
    expect(setup.aws.events.at(-1)?.detail).toMatchObject({
      status: 'Execution Failed',
      error: 'a row was refused: STRING_TOO_LONG',
    });
  });

  test('are all those of a call that Salesforce cannot read', async () => {
    await using setup = await setUpWithFlow();
    setup.file('/batch.csv', 'Id,LastName,Amount__c,Active__c\n003A,a,1,true\n003B,b,1,true\n');
    setup.org.nextAnswers.push({ status: 400, body: [{ errorCode: 'JSON_PARSER_ERROR', message: 'bad date' }] });
    const run = await setup.runOnDemand();
    expect(run).toMatchObject({
      executionStatus: 'Successful',
      executionResult: { errorInfo: { putFailuresCount: 2 } },
    });
  });

  test('can be injected by id, without being sent', async () => {
    await using setup = await setUpWithFlow();
    setup.appflow.faults.failRows(['003A'], { statusCode: 'UNABLE_TO_LOCK_ROW', message: 'injected' });
    setup.file('/batch.csv', 'Id,LastName,Amount__c,Active__c\n003A,a,1,true\n003B,b,1,true\n');
    expect((await setup.runOnDemand()).executionResult.errorInfo?.putFailuresCount).toBe(1);
    expect(setup.org.records.get('003A')?.LastName).toBe('old 003A');
    setup.appflow.faults.clear();
    expect((await setup.runOnDemand()).executionResult.errorInfo).toBeUndefined();
  });
});

describe('a run fails', () => {
  test.each<[string, string, OutboundOptions, RegExp]>([
    ['a column is missing', 'Id,LastName\n003A,a\n', {}, /no column Amount__c, Active__c/],
    [
      'a row has too many cells',
      'Id,LastName,Amount__c,Active__c\n003A,a,1,true,secret\n',
      {},
      /CSV_RECORD_INCONSISTENT/,
    ],
    ['a quote is open', 'Id,LastName,Amount__c,Active__c\n003A,"secret,1,true\n', {}, /CSV_QUOTE_NOT_CLOSED/],
    ['a line is no JSON', '{"Id":"003A"}\n{secret}\n', { fileType: 'JSON' }, /row 2 is not JSON/],
    ['a line is no object', '["secret"]\n', { fileType: 'JSON' }, /row 1 is not a JSON object/],
  ])('when %s, and its message quotes no data', async (_, text, flow, message) => {
    await using setup = await setUpWithFlow(flow);
    setup.file('/batch', text);
    const run = await setup.runOnDemand();
    expect(run.executionStatus).toBe('Error');
    const reason = run.executionResult.errorInfo?.executionMessage ?? '';
    expect(reason).toMatch(message);
    expect(reason).not.toContain('secret');
  });

  test('when Salesforce is down half way; what was written stays', async () => {
    await using setup = await setUpWithFlow();
    const rows = ['003A', ...Array.from({ length: 250 }, () => '003B')].map((id) => `${id},written,1,true\n`);
    setup.file('/batch.csv', `Id,LastName,Amount__c,Active__c\n${rows.join('')}`);
    let calls = 0;
    setup.org.beforeAnswer = () => {
      calls += 1;
      if (calls === 2)
        setup.org.nextAnswers.push({ status: 503, body: [{ errorCode: 'SERVER_UNAVAILABLE', message: 'down' }] });
    };
    const run = await setup.runOnDemand();
    expect(run).toMatchObject({
      executionStatus: 'Error',
      executionResult: { errorInfo: { executionMessage: 'SERVER_UNAVAILABLE: down' } },
    });
    expect(setup.org.records.get('003A')?.LastName).toBe('written');
  });

  test('when a file is larger than AppFlow reads', async () => {
    await using setup = await setUpWithFlow();
    setup.aws.objects.set('data/outbound/Contact/big.csv', Buffer.alloc(125 * 1024 * 1024 + 1));
    expect((await setup.runOnDemand()).executionResult.errorInfo?.executionMessage).toContain('at most 125 MB');
  });

  test('when a bulk job fails', async () => {
    await using setup = await setUpWithFlow({ salesforce: { DataTransferApi: 'BULKV2' } });
    setup.file('/batch.csv', 'Id,LastName,Amount__c,Active__c\n003A,a,1,true\n');
    setup.org.beforeAnswer = ({ method, url }) => {
      if (method === 'GET' && url.endsWith('/jobs/ingest/7500')) {
        setup.org.nextAnswers.push({
          status: 200,
          body: { id: '7500', state: 'Failed', errorMessage: 'InvalidBatch' },
        });
      }
    };
    const run = await setup.runOnDemand();
    expect(run.executionResult.errorInfo?.executionMessage).toBe('BULK_JOB_FAILED: job 7500: InvalidBatch');
  });
});
