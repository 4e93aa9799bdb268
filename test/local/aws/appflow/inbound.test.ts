import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AwsError } from '../../../../local/aws/service.ts';
import { Setup, setUp } from './appflow-setup.ts';
import { INBOUND_FIELDS, type InboundOptions, inboundFlow, mapTasks } from './flow-templates.ts';

const FLOW = 'contact-in';
const NOON = Date.parse('2026-01-31T12:00:00Z');

const lines = (texts: Record<string, string>) =>
  Object.values(texts).flatMap((text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { Id: string }),
  );

/** Three contacts of the last minute: a plain one, one with a null, a deleted one. */
async function setUpWithContacts(flow: InboundOptions = {}, quirks: object = {}) {
  const setup = await setUp({ quirks });
  setup.org.put('003A', NOON - 60_000, { LastName: 'Ärger, "jr."', Amount__c: 12.5 });
  setup.org.put('003B', NOON - 50_000, { LastName: null, Amount__c: 7 });
  setup.org.put('003C', NOON - 40_000, { LastName: 'Gone', Amount__c: null, IsDeleted: true });
  await setup.appflow.putFlow(inboundFlow(flow));
  return setup;
}

describe('the window of an incremental run', () => {
  test('reaches back 30 days at first, and goes on where the last successful one ended', async () => {
    await using setup = await setUpWithContacts();
    const first = await setup.appflow.runScheduled(FLOW);
    setup.aws.pass(60);
    await setup.appflow.runScheduled(FLOW);
    expect(setup.org.queries()).toEqual([
      'SELECT Id, LastName, Amount__c, IsDeleted, SystemModstamp FROM Contact WHERE SystemModstamp >= 2026-01-01T12:00:00Z AND SystemModstamp < 2026-01-31T12:00:00Z',
      'SELECT Id, LastName, Amount__c, IsDeleted, SystemModstamp FROM Contact WHERE SystemModstamp >= 2026-01-31T12:00:00Z AND SystemModstamp < 2026-01-31T12:01:00Z',
    ]);
    expect(first?.totals.recordsProcessed).toBe(3);
  });

  test('starts at firstExecutionFrom, and both ends lie back by the offset', async () => {
    const trigger = { ScheduleOffset: 90, FirstExecutionFrom: Date.parse('2026-01-30T00:00:00Z') / 1000 };
    await using setup = await setUpWithContacts({ trigger });
    await setup.appflow.runScheduled(FLOW);
    expect(setup.org.queries()[0]).toContain('>= 2026-01-29T23:58:30Z AND SystemModstamp < 2026-01-31T11:58:30Z');
  });

  test('cuts the clock to whole seconds, so that a stamp within the running second comes next time', async () => {
    await using setup = await setUpWithContacts();
    setup.aws.clock = NOON + 400;
    await setup.appflow.runScheduled(FLOW);
    setup.org.put('003D', NOON, { LastName: 'late' });
    expect(await setup.appflow.runScheduled(FLOW)).toBeUndefined();
    setup.aws.clock = NOON + 1_100;
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run?.totals.recordsProcessed).toBe(1);
  });

  test('is repeated after a failure, and again after a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'appflow-'));
    try {
      const file = join(directory, 'store.db');
      await using setup = await setUp({}, file);
      await setup.appflow.putFlow(inboundFlow());
      await setup.appflow.runScheduled(FLOW);
      setup.aws.pass(60);
      setup.org.put('003E', NOON + 30_000);
      setup.org.nextAnswers.push({ status: 503, body: [{ errorCode: 'SERVER_UNAVAILABLE', message: 'later' }] });
      const failed = await setup.appflow.runScheduled(FLOW);
      expect(failed).toMatchObject({ status: 'Error', message: 'SERVER_UNAVAILABLE: later' });
      setup.kill();

      await using restarted = new Setup(setup.aws, setup.org, {}, file);
      await restarted.appflow.putFlow(inboundFlow());
      restarted.aws.pass(60);
      const repeated = await restarted.appflow.runScheduled(FLOW);
      expect(repeated).toMatchObject({ status: 'Successful', totals: { recordsProcessed: 1 } });
      expect(setup.org.queries().at(-1)).toContain('>= 2026-01-31T12:00:00Z AND SystemModstamp < 2026-01-31T12:02:00Z');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('does not exist in a complete pull', async () => {
    await using setup = await setUpWithContacts({ trigger: { DataPullMode: 'Complete' } });
    await setup.appflow.runScheduled(FLOW);
    expect(setup.org.queries()).toEqual(['SELECT Id, LastName, Amount__c, IsDeleted, SystemModstamp FROM Contact']);
  });
});

describe('the files of a run', () => {
  test('hold one object per line, under flow, date and execution', async () => {
    await using setup = await setUpWithContacts();
    const run = await setup.appflow.runScheduled(FLOW);
    const texts = setup.aws.texts('data');
    const keys = Object.keys(texts);
    expect(keys).toHaveLength(1);
    const folder = `salesforce/Contact/contact-in/2026/01/31/${run?.executionId}/`;
    expect(keys[0]?.startsWith(`${folder}${run?.executionId}`)).toBe(true);
    expect(lines(texts)).toEqual([
      {
        Id: '003A',
        LastName: 'Ärger, "jr."',
        Amount__c: 12.5,
        IsDeleted: false,
        SystemModstamp: '2026-01-31T11:59:00.000+0000',
      },
      { Id: '003B', LastName: null, Amount__c: 7, IsDeleted: false, SystemModstamp: '2026-01-31T11:59:10.000+0000' },
      {
        Id: '003C',
        LastName: 'Gone',
        Amount__c: null,
        IsDeleted: true,
        SystemModstamp: '2026-01-31T11:59:20.000+0000',
      },
    ]);
    expect(setup.aws.callers).toEqual(new Set(['appflow.amazonaws.com']));
    expect(run?.totals.bytesWritten).toBe(Buffer.byteLength(Object.values(texts).join('')));
  });

  test('are one per page, or one in all', async () => {
    for (const [aggregation, files] of [
      ['None', 3],
      ['SingleFile', 1],
    ] as const) {
      await using setup = await setUpWithContacts({ format: { AggregationConfig: { AggregationType: aggregation } } });
      setup.org.pageSize = 1;
      await setup.appflow.runScheduled(FLOW);
      const texts = setup.aws.texts('data');
      expect(Object.keys(texts)).toHaveLength(files);
      expect(
        lines(texts)
          .map(({ Id }) => Id)
          .sort(),
      ).toEqual(['003A', '003B', '003C']);
    }
  });

  test('of about the target size are several', async () => {
    const format = { AggregationConfig: { AggregationType: 'SingleFile', TargetFileSize: 1 } };
    await using setup = await setUpWithContacts({ format });
    setup.org.pageSize = 2;
    for (let index = 0; index < 6; index += 1) {
      setup.org.put(`003X${index}`, NOON - 1000, { LastName: 'x'.repeat(400_000) });
    }
    await setup.appflow.runScheduled(FLOW);
    expect(Object.keys(setup.aws.texts('data'))).toHaveLength(2);
  });

  test.each([
    ['no configuration', {}, /^salesforce\/Contact\/contact-in\/[\w-]{36}-0$/],
    ['the file name', { PrefixType: 'FILENAME', PrefixFormat: 'HOUR' }, /contact-in\/[\w-]{36}-2026-01-31-12-0$/],
    [
      'path, file name and schema version',
      { PrefixType: 'PATH_AND_FILENAME', PrefixFormat: 'MONTH', PathPrefixHierarchy: ['SCHEMA_VERSION'] },
      /contact-in\/schemaVersion_1\/2026\/01\/[\w-]{36}-2026-01-0$/,
    ],
  ])('are placed by %s', async (_, PrefixConfig, key) => {
    await using setup = await setUpWithContacts({ format: { PrefixConfig } });
    await setup.appflow.runScheduled(FLOW);
    expect(Object.keys(setup.aws.texts('data'))).toEqual([expect.stringMatching(key)]);
  });

  test('can be CSV, quoted as RFC 4180 asks', async () => {
    await using setup = await setUpWithContacts({ format: { FileType: 'CSV' } });
    setup.org.put('003A', NOON - 60_000, { LastName: 'Ärger, "jr."\nline two' });
    await setup.appflow.runScheduled(FLOW);
    expect(Object.values(setup.aws.texts('data'))[0]).toBe(
      'Id,LastName,Amount__c,IsDeleted,SystemModstamp\n' +
        '003A,"Ärger, ""jr.""\nline two",12.5,false,2026-01-31T11:59:00.000+0000\n' +
        '003B,,7,false,2026-01-31T11:59:10.000+0000\n' +
        '003C,Gone,,true,2026-01-31T11:59:20.000+0000\n',
    );
  });

  test('name the destination fields of the mapping', async () => {
    const tasks = mapTasks('Salesforce', [{ field: 'Id', to: 'salesforce_id' }]);
    await using setup = await setUpWithContacts({ tasks });
    await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data'))[0]).toEqual({ salesforce_id: '003A' });
  });
});

describe('what AWS does not document is a setting', () => {
  const only = (texts: Record<string, string>) => Object.values(texts).join('');

  test.each([
    ['lines', /^\{.*\}\n\{.*\}\n\{.*\}\n$/],
    ['array', /^\[\{.*\},\n\{.*\},\n\{.*\}\]$/],
  ])('layout %s', async (jsonLayout, layout) => {
    await using setup = await setUpWithContacts(
      { format: { AggregationConfig: { AggregationType: 'SingleFile' } } },
      { jsonLayout },
    );
    setup.org.pageSize = 2;
    await setup.appflow.runScheduled(FLOW);
    expect(only(setup.aws.texts('data'))).toMatch(layout);
  });

  test.each([
    ['null', null],
    ['empty-string', ''],
    ['absent', undefined],
  ])('nulls as %s', async (nulls, value) => {
    await using setup = await setUpWithContacts({}, { nulls });
    await setup.appflow.runScheduled(FLOW);
    const record = lines(setup.aws.texts('data'))[1] ?? {};
    expect('LastName' in record).toBe(value !== undefined);
    expect((record as { LastName?: unknown }).LastName).toBe(value);
  });

  test('numbers and booleans as strings, and the attributes kept', async () => {
    await using setup = await setUpWithContacts({}, { numbers: 'strings', attributes: 'keep' });
    await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data'))[1]).toEqual({
      attributes: { type: 'Contact', url: '/sobjects/Contact/003B' },
      Id: '003B',
      LastName: null,
      Amount__c: '7',
      IsDeleted: 'false',
      SystemModstamp: '2026-01-31T11:59:10.000+0000',
    });
  });

  test.each([
    ['nothing', 'JSON', undefined],
    ['zero-bytes', 'CSV', ''],
    ['header-only', 'CSV', 'Id,LastName,Amount__c,IsDeleted,SystemModstamp\n'],
    ['header-only', 'JSON', ''],
  ])('an empty run leaves %s in %s', async (emptyRun, FileType, text) => {
    await using setup = await setUp({ quirks: { emptyRun } as object });
    await setup.appflow.putFlow(inboundFlow({ format: { FileType } }));
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run?.status).toBe('Successful');
    expect(Object.values(setup.aws.texts('data'))).toEqual(text === undefined ? [] : [text]);
  });

  test('a marker named like the execution', async () => {
    await using setup = await setUpWithContacts({}, { marker: 'zero-bytes' });
    const run = await setup.appflow.runScheduled(FLOW);
    const marker = Object.entries(setup.aws.texts('data')).find(([key]) => key.endsWith(`/${run?.executionId}`));
    expect(marker?.[1]).toBe('');
  });
});

describe('the tasks of a flow', () => {
  const [projection, ...maps] = mapTasks('Salesforce', INBOUND_FIELDS);
  const validate = (action: string) => ({
    TaskType: 'Validate',
    SourceFields: ['LastName'],
    ConnectorOperator: { Salesforce: 'VALIDATE_NON_NULL' },
    TaskProperties: [{ Key: 'VALIDATION_ACTION', Value: action }],
  });

  test('drop a record that fails a validation', async () => {
    await using setup = await setUpWithContacts({ tasks: [projection ?? {}, ...maps, validate('DropRecord')] });
    const run = await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data')).map(({ Id }) => Id)).toEqual(['003A', '003C']);
    expect(run?.totals).toMatchObject({ recordsProcessed: 3, recordsFiltered: 1 });
  });

  test('stop the run where the validation says so', async () => {
    await using setup = await setUpWithContacts({ tasks: [projection ?? {}, ...maps, validate('DropDataset')] });
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run).toMatchObject({ status: 'Error', message: expect.stringContaining('VALIDATE_NON_NULL of LastName') });
    expect(setup.aws.texts('data')).toEqual({});
  });

  test('mask, truncate and filter', async () => {
    const task = (TaskType: string, operator: string, properties: Record<string, string>) => ({
      TaskType,
      SourceFields: ['LastName'],
      ConnectorOperator: { Salesforce: operator },
      TaskProperties: Object.entries(properties).map(([Key, Value]) => ({ Key, Value })),
    });
    const tasks = [
      projection ?? {},
      ...maps,
      task('Truncate', 'NO_OP', { TRUNCATE_LENGTH: '3' }),
      task('Mask', 'MASK_LAST_N', { MASK_VALUE: '*', MASK_LENGTH: '2' }),
      task('Filter', 'EQUAL_TO', { DATA_TYPE: 'string', VALUE: 'Gone' }),
    ];
    await using setup = await setUpWithContacts({ tasks });
    await setup.appflow.runScheduled(FLOW);
    expect(setup.org.queries()[0]).toContain("WHERE LastName = 'Gone' AND SystemModstamp >=");
    expect(lines(setup.aws.texts('data'))).toEqual([expect.objectContaining({ Id: '003C', LastName: 'G**' })]);
  });

  test('Map_all reads every field but the excluded ones', async () => {
    const tasks = [
      {
        TaskType: 'Map_all',
        SourceFields: [],
        ConnectorOperator: { Salesforce: 'NO_OP' },
        TaskProperties: [{ Key: 'EXCLUDE_SOURCE_FIELDS_LIST', Value: '["Amount__c"]' }],
      },
    ];
    await using setup = await setUpWithContacts({ tasks });
    setup.org.fieldNames = ['Id', 'LastName', 'Amount__c', 'MailingAddress', 'SystemModstamp'];
    await setup.appflow.runScheduled(FLOW);
    expect(setup.org.queries()[0]).toContain('SELECT Id, LastName, SystemModstamp FROM');
    expect(lines(setup.aws.texts('data'))[2]).toEqual({
      Id: '003C',
      LastName: 'Gone',
      SystemModstamp: expect.any(String),
    });
  });
});

describe('the calls to Salesforce', () => {
  test('are one query for an idle poll, with the version and client of AppFlow', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(inboundFlow());
    await setup.appflow.runScheduled(FLOW);
    expect(setup.org.requests).toHaveLength(1);
    expect(setup.org.requests[0]?.url).toMatch(/^\/services\/data\/v58\.0\/queryAll\?q=SELECT/);
    expect(setup.org.requests[0]?.headers['sforce-call-options']).toBe('client=AmazonAppFlow');
    expect(setup.aws.entries).toEqual([]);
  });

  test('leave deleted records out unless the flow asks for them', async () => {
    await using setup = await setUpWithContacts({ salesforce: { IncludeDeletedRecords: false } });
    const run = await setup.appflow.runScheduled(FLOW);
    expect(setup.org.requests[0]?.url).toMatch(/\/query\?q=/);
    expect(run?.totals.recordsProcessed).toBe(2);
  });

  test('go by Bulk API 2.0 where the flow says so, with its spelling of values', async () => {
    await using setup = await setUpWithContacts({ salesforce: { DataTransferApi: 'BULKV2' } });
    setup.org.pageSize = 2;
    await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data'))).toEqual([
      expect.objectContaining({ Id: '003A', Amount__c: '12.5' }),
      { Id: '003B', LastName: null, Amount__c: '7.0', IsDeleted: 'false', SystemModstamp: '2026-01-31T11:59:10.000Z' },
      expect.objectContaining({ Id: '003C', Amount__c: null, IsDeleted: 'true' }),
    ]);
  });

  test('go by Bulk API 2.0 from a million records on, where AppFlow chooses', async () => {
    await using setup = await setUpWithContacts({ salesforce: { DataTransferApi: 'AUTOMATIC' } });
    setup.org.nextAnswers.push({
      status: 200,
      body: { totalSize: 1_000_000, done: true, records: [{ Id: 'by REST' }] },
    });
    await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data')).map(({ Id }) => Id)).toEqual(['003A', '003B', '003C']);
    expect(setup.org.requests[1]?.url).toMatch(/jobs\/query$/);
  });

  test('replace a token that is refused, once', async () => {
    const tokens: (string | undefined)[] = [];
    await using setup = await setUp();
    const connections = async () => ({
      instanceUrl: setup.org.instanceUrl,
      accessToken: async (refused?: string) => {
        tokens.push(refused);
        return refused === undefined ? 'old' : 'new';
      },
    });
    await using own = new Setup(setup.aws, setup.org, { connections }, undefined);
    await own.appflow.putFlow(inboundFlow());
    const expired = { status: 401, body: [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }] };
    setup.org.nextAnswers.push(expired);
    expect((await own.appflow.runScheduled(FLOW))?.status).toBe('Successful');
    expect(tokens).toEqual([undefined, 'old']);
    setup.aws.pass(60);
    setup.org.nextAnswers.push(expired, expired);
    expect((await own.appflow.runScheduled(FLOW))?.message).toBe('INVALID_SESSION_ID: Session expired or invalid');
  });

  test('that find nobody fail the run and say so', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(inboundFlow());
    await setup.org[Symbol.asyncDispose]();
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run).toMatchObject({
      status: 'Error',
      message: expect.stringContaining(`${setup.org.instanceUrl} does not answer`),
    });
  });

  test('that name a field Salesforce has lost fail the run', async () => {
    await using setup = await setUpWithContacts();
    setup.org.fieldNames = ['Id', 'LastName', 'IsDeleted', 'SystemModstamp'];
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run).toMatchObject({ status: 'Error', message: expect.stringContaining('INVALID_FIELD') });
  });
});

describe('a failing flow', () => {
  test('is suspended after as many failures in a row as its threshold says', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(inboundFlow({ trigger: { FlowErrorDeactivationThreshold: 2 } }));
    const fail = async () => {
      setup.aws.pass(60);
      setup.org.nextAnswers.push({ status: 502, body: '<html>bad gateway</html>' });
      return setup.appflow.runScheduled(FLOW);
    };
    await fail();
    setup.aws.pass(60);
    await setup.appflow.runScheduled(FLOW);
    await fail();
    expect(await setup.call('DescribeFlow', { flowName: FLOW })).toMatchObject({ flowStatus: 'Active' });
    await fail();
    const described = await setup.call<{ flowStatus: string; flowStatusMessage: string }>('DescribeFlow', {
      flowName: FLOW,
    });
    expect(described).toMatchObject({
      flowStatus: 'Suspended',
      flowStatusMessage: expect.stringContaining('HTTP_502'),
    });
    expect(setup.aws.events.at(-1)).toMatchObject({
      'detail-type': 'AppFlow Scheduled Flow Deactivated',
      detail: { 'flow-name': FLOW, 'deactivation-reason': expect.stringContaining('2 runs in a row') },
    });
    expect(await setup.appflow.runScheduled(FLOW)).toBeUndefined();
    // An unchanged template leaves it suspended; StartFlow activates it, and the window is made up for.
    await setup.appflow.putFlow(inboundFlow({ trigger: { FlowErrorDeactivationThreshold: 2 } }));
    expect(await setup.call('DescribeFlow', { flowName: FLOW })).toMatchObject({ flowStatus: 'Suspended' });
    await setup.call('StartFlow', { flowName: FLOW });
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run?.window?.fromSeconds).toBe((NOON + 120_000) / 1000);
  });

  test('that cannot write keeps its watermark', async () => {
    await using setup = await setUpWithContacts();
    setup.aws.refusals.set('s3', new AwsError('AccessDenied', 'Access Denied', 403));
    expect(await setup.appflow.runScheduled(FLOW)).toMatchObject({
      status: 'Error',
      message: 'AccessDenied: Access Denied',
    });
    setup.aws.refusals.clear();
    setup.aws.pass(60);
    expect((await setup.appflow.runScheduled(FLOW))?.totals.recordsProcessed).toBe(3);
  });
});

test('the reports of a run are spelled as AppFlow spells them', async () => {
  await using setup = await setUpWithContacts();
  const run = await setup.appflow.runScheduled(FLOW);
  const [start, end] = setup.aws.events;
  const common = {
    'flow-name': FLOW,
    'flow-arn': 'arn:aws:appflow:eu-central-1:000000000000:flow/contact-in',
    source: 'Salesforce',
    destination: 'S3',
    'source-object': 'Contact',
    'destination-object': 's3://data/salesforce/Contact',
    'trigger-type': 'SCHEDULED',
    'execution-id': run?.executionId,
    'start-time': '2026-01-31T12:00:00.000Z[UTC]',
  };
  expect(start).toMatchObject({
    source: 'aws.appflow',
    'detail-type': 'AppFlow Start Flow Run Report',
    detail: common,
  });
  expect(end).toMatchObject({
    source: 'aws.appflow',
    'detail-type': 'AppFlow End Flow Run Report',
    resources: [expect.stringMatching(/^[0-9a-f]{32}$/)],
    detail: {
      ...common,
      'num-of-records-processed': '3',
      'num-of-records-filtered': '0',
      'num-of-record-failures': '0',
      'num-of-documents-processed': '0',
      'data-processed': String(run?.totals.bytesProcessed),
      'end-time': '2026-01-31T12:00:00.000Z[UTC]',
      status: 'Execution Successful',
    },
  });
  expect(setup.aws.entries).toMatchObject([{ kind: 'flow-run', subject: FLOW, text: 'Contact: 3 records' }]);
});

test('a bus that refuses the reports does not stop the run; the journal tells', async () => {
  await using setup = await setUpWithContacts();
  setup.aws.refusals.set('events', new AwsError('InternalException', 'no bus', 500));
  expect((await setup.appflow.runScheduled(FLOW))?.status).toBe('Successful');
  expect(setup.aws.entries.map(({ kind }) => kind)).toEqual(['fault', 'flow-run', 'fault']);
});
