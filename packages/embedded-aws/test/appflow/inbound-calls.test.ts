import { describe, expect, test } from 'vitest';
import { Setup, setUp } from './appflow-setup.ts';
import { INBOUND_FIELDS, inboundFlow, mapTasks } from './flow-templates.ts';
import { FLOW, lines, setUpWithContacts } from './inbound-setup.ts';

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

  test('that reach no server fail the run and say so', async () => {
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
