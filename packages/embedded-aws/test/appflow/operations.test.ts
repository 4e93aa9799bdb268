import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RunDescription, Setup, setUp } from './appflow-setup.ts';
import { inboundFlow, outboundFlow } from './flow-templates.ts';

interface Started {
  readonly flowStatus: string;
  readonly executionId?: string;
}

const OUT = { flowName: 'contact-out' };
const IN = { flowName: 'contact-in' };

async function setUpBoth(options: Parameters<typeof setUp>[0] = {}, file?: string) {
  const setup = await setUp(options, file);
  await setup.appflow.putFlow(inboundFlow());
  await setup.appflow.putFlow(outboundFlow());
  return setup;
}

describe('StartFlow', () => {
  test('answers at once with the id of a run in progress', async () => {
    await using setup = await setUpBoth();
    const held = setup.appflow.faults.holdRuns('contact-out');
    const { executionId, flowStatus } = await setup.call<Started>('StartFlow', OUT);
    expect(flowStatus).toBe('Active');
    expect(await held.arrived).toBe(executionId);
    expect((await setup.run('contact-out', executionId ?? '')).executionStatus).toBe('InProgress');
    const ended = setup.aws.nextEvent('AppFlow End Flow Run Report');
    held.release();
    await ended;
    expect((await setup.run('contact-out', executionId ?? '')).executionStatus).toBe('Successful');
  });

  test('holds a run after its last write, too', async () => {
    await using setup = await setUpBoth();
    setup.org.put('003A', 0);
    setup.aws.objects.set(
      'data/outbound/Contact/b.csv',
      Buffer.from('Id,LastName,Amount__c,Active__c\n003A,written,1,true\n'),
    );
    const held = setup.appflow.faults.holdRuns('contact-out', 'end');
    await setup.call('StartFlow', OUT);
    const executionId = await held.arrived;
    expect(setup.org.records.get('003A')?.LastName).toBe('written');
    expect((await setup.run('contact-out', executionId)).executionStatus).toBe('InProgress');
  });

  test('refuses a second run while one is in progress, or runs it beside the first', async () => {
    for (const startWhileRunning of ['conflict', 'parallel'] as const) {
      await using setup = await setUpBoth({ quirks: { startWhileRunning } });
      const held = setup.appflow.faults.holdRuns('contact-out');
      const first = await setup.call<Started>('StartFlow', OUT);
      await held.arrived;
      const second = setup.call<Started>('StartFlow', OUT);
      if (startWhileRunning === 'conflict') {
        await expect(second).rejects.toMatchObject({ code: 'ConflictException', status: 409 });
      } else {
        expect((await second).executionId).not.toBe(first.executionId);
      }
    }
  });

  test('starts one run per client token in eight hours, across a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'appflow-'));
    try {
      const file = join(directory, 'store.db');
      await using setup = await setUpBoth({}, file);
      const start = (target: Setup, clientToken: string) => target.call<Started>('StartFlow', { ...OUT, clientToken });
      const ended = setup.aws.nextEvent('AppFlow End Flow Run Report');
      const first = await start(setup, 'batch-1');
      await ended;
      expect((await start(setup, 'batch-1')).executionId).toBe(first.executionId);
      setup.kill();

      await using restarted = new Setup(setup.aws, setup.org, {}, file);
      await restarted.appflow.putFlow(outboundFlow());
      setup.aws.pass(8 * 3600 - 1);
      expect((await start(restarted, 'batch-1')).executionId).toBe(first.executionId);
      expect((await start(restarted, 'batch-2')).executionId).not.toBe(first.executionId);
      setup.aws.pass(1);
      await setup.aws.nextEvent('AppFlow End Flow Run Report');
      expect((await start(restarted, 'batch-1')).executionId).not.toBe(first.executionId);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('only activates a scheduled flow', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(inboundFlow({ status: undefined }));
    expect(await setup.call('DescribeFlow', IN)).toMatchObject({ flowStatus: 'Draft' });
    expect(await setup.appflow.runScheduled('contact-in')).toBeUndefined();
    const started = await setup.call<Started>('StartFlow', { ...IN, clientToken: 'a' });
    expect(started).toEqual({
      flowArn: 'arn:aws:appflow:eu-central-1:000000000000:flow/contact-in',
      flowStatus: 'Active',
    });
    expect((await setup.appflow.runScheduled('contact-in'))?.status).toBe('Successful');
  });

  test.each([
    ['an unknown flow', { flowName: 'unknown' }, 'ResourceNotFoundException', 404],
    ['no name', {}, 'ValidationException', 400],
    ['a client token that is not printable', { ...OUT, clientToken: 'ä' }, 'ValidationException', 400],
  ])('refuses %s', async (_, input, code, status) => {
    await using setup = await setUpBoth();
    await expect(setup.call('StartFlow', input)).rejects.toMatchObject({ code, status });
  });
});

test('StopFlow suspends a scheduled flow, and refuses one on demand', async () => {
  await using setup = await setUpBoth();
  expect(await setup.call('StopFlow', IN)).toMatchObject({ flowStatus: 'Suspended' });
  expect(await setup.appflow.runScheduled('contact-in')).toBeUndefined();
  await expect(setup.call('StopFlow', OUT)).rejects.toMatchObject({ code: 'UnsupportedOperationException' });
});

test('execution records come newest first, in pages', async () => {
  await using setup = await setUpBoth();
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) ids.unshift((await setup.runOnDemand()).executionId);
  const seen: string[][] = [];
  let nextToken: string | undefined;
  do {
    const page: { flowExecutions: RunDescription[]; nextToken?: string } = await setup.call(
      'DescribeFlowExecutionRecords',
      { ...OUT, maxResults: 2, ...(nextToken === undefined ? {} : { nextToken }) },
    );
    seen.push(page.flowExecutions.map(({ executionId }) => executionId));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  expect(seen).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  for (const maxResults of [0, 101]) {
    await expect(setup.call('DescribeFlowExecutionRecords', { ...OUT, maxResults })).rejects.toMatchObject({
      code: 'ValidationException',
    });
  }
  await expect(setup.call('DescribeFlowExecutionRecords', { ...OUT, nextToken: 'x' })).rejects.toMatchObject({
    code: 'ValidationException',
  });
});

test('an incremental run lists its window in epoch seconds', async () => {
  await using setup = await setUpBoth();
  await setup.appflow.runScheduled('contact-in');
  const noon = Date.parse('2026-01-31T12:00:00Z') / 1000;
  expect((await setup.runs('contact-in'))[0]).toMatchObject({
    startedAt: noon,
    dataPullStartTime: noon - 30 * 86_400,
    dataPullEndTime: noon,
  });
});

test('DescribeFlow spells the definition as the API does', async () => {
  await using setup = await setUp();
  await setup.appflow.putFlow(inboundFlow({ trigger: { TimeZone: 'UTC', ScheduleOffset: 60 } }));
  await setup.appflow.putFlow(outboundFlow());
  const inbound = await setup.call<{ tasks: unknown[] }>('DescribeFlow', IN);
  expect(inbound).toMatchObject({
    flowName: 'contact-in',
    schemaVersion: 1,
    triggerConfig: {
      triggerType: 'Scheduled',
      triggerProperties: { Scheduled: { scheduleExpression: 'rate(1minutes)', timezone: 'UTC', scheduleOffset: 60 } },
    },
    sourceFlowConfig: { connectorType: 'Salesforce', sourceConnectorProperties: { Salesforce: { object: 'Contact' } } },
    destinationFlowConfigList: [
      { destinationConnectorProperties: { S3: { s3OutputFormatConfig: { fileType: 'JSON' } } } },
    ],
  });
  expect(inbound.tasks[1]).toEqual({
    taskType: 'Map',
    sourceFields: ['Id'],
    destinationField: 'Id',
    connectorOperator: { Salesforce: 'NO_OP' },
    taskProperties: { SOURCE_DATA_TYPE: 'id', DESTINATION_DATA_TYPE: 'id' },
  });
  const errorHandlingConfig = {
    bucketName: 'data',
    bucketPrefix: 'appflow-errors',
    failOnFirstDestinationError: false,
  };
  expect(await setup.call('DescribeFlow', OUT)).toMatchObject({
    destinationFlowConfigList: [{ destinationConnectorProperties: { Salesforce: { errorHandlingConfig } } }],
  });
});

test('ListFlows pages by name; a removed flow is gone', async () => {
  await using setup = await setUpBoth();
  const first = await setup.call<{ flows: { flowName: string }[]; nextToken: string }>('ListFlows', { maxResults: 1 });
  expect(first.flows).toMatchObject([
    { flowName: 'contact-in', triggerType: 'Scheduled', sourceConnectorType: 'Salesforce' },
  ]);
  const second = await setup.call('ListFlows', { maxResults: 1, nextToken: first.nextToken });
  expect(second).toMatchObject({ flows: [{ flowName: 'contact-out', triggerType: 'OnDemand' }] });
  expect(second).not.toHaveProperty('nextToken');
  setup.appflow.deleteFlow('contact-out');
  await expect(setup.call('DescribeFlow', OUT)).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
});

test('a changed mapping steps the schema version up and applies the status of the template', async () => {
  await using setup = await setUpBoth();
  await setup.call('StopFlow', IN);
  const changed = inboundFlow();
  await setup.appflow.putFlow({ ...changed, Tasks: changed.Tasks.slice(0, -1) });
  expect(await setup.call('DescribeFlow', IN)).toMatchObject({ schemaVersion: 2, flowStatus: 'Active' });
});

describe('CancelFlowExecutions', () => {
  test('ends the runs in progress, and names those that it cannot', async () => {
    await using setup = await setUpBoth();
    const done = await setup.runOnDemand();
    const held = setup.appflow.faults.holdRuns('contact-out');
    await setup.call('StartFlow', OUT);
    const executionId = await held.arrived;
    const ended = setup.aws.nextEvent('AppFlow End Flow Run Report');
    const answer = await setup.call('CancelFlowExecutions', { ...OUT, executionIds: [executionId, done.executionId] });
    expect(answer).toEqual({ invalidExecutions: [done.executionId] });
    expect((await setup.run('contact-out', executionId)).executionStatus).toBe('CancelStarted');
    await ended;
    expect((await setup.run('contact-out', executionId)).executionStatus).toBe('Canceled');
  });

  test('without ids ends all, in the middle of a call to Salesforce', async () => {
    await using setup = await setUpBoth();
    const asked = Promise.withResolvers<void>();
    setup.org.beforeAnswer = () => {
      asked.resolve();
      return new Promise(() => {});
    };
    setup.aws.objects.set(
      'data/outbound/Contact/b.csv',
      Buffer.from('Id,LastName,Amount__c,Active__c\n003A,x,1,true\n'),
    );
    const run = setup.runOnDemand();
    await asked.promise;
    expect(await setup.call('CancelFlowExecutions', OUT)).toEqual({ invalidExecutions: [] });
    expect((await run).executionStatus).toBe('Canceled');
  });
});

test('the next run fails as injected, the one after it does not', async () => {
  await using setup = await setUpBoth();
  setup.appflow.faults.failNextRun('contact-out', 'ConnectorServerException: injected');
  expect((await setup.runOnDemand()).executionResult.errorInfo?.executionMessage).toBe(
    'ConnectorServerException: injected',
  );
  expect((await setup.runOnDemand()).executionStatus).toBe('Successful');
});

test('a run that died with the process is listed as failed after the next start, and its window is repeated', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'appflow-'));
  try {
    const file = join(directory, 'store.db');
    await using setup = await setUpBoth({}, file);
    setup.org.put('003A', setup.aws.now() - 1000);
    for (const flowName of ['contact-in', 'contact-out']) {
      const held = setup.appflow.faults.holdRuns(flowName, 'end');
      if (flowName === 'contact-in') void setup.appflow.runScheduled(flowName);
      else await setup.call('StartFlow', { flowName });
      await held.arrived;
    }
    setup.kill();

    await using restarted = new Setup(setup.aws, setup.org, {}, file);
    await restarted.appflow.putFlow(outboundFlow());
    expect((await restarted.runs('contact-out'))[0]?.executionStatus).toBe('InProgress');
    setup.aws.events.length = 0;
    await restarted.appflow.start();
    await restarted.appflow.putFlow(inboundFlow({ status: undefined }));
    for (const flowName of ['contact-in', 'contact-out']) {
      expect((await restarted.runs(flowName))[0]).toMatchObject({
        executionStatus: 'Error',
        executionResult: { errorInfo: { executionMessage: expect.stringContaining('interrupted') } },
      });
    }
    expect(setup.aws.events.map(({ detail }) => [detail['flow-name'], detail.status])).toEqual([
      ['contact-in', 'Execution Failed'],
      ['contact-out', 'Execution Failed'],
    ]);
    await restarted.call('StartFlow', IN);
    setup.aws.pass(60);
    expect((await restarted.appflow.runScheduled('contact-in'))?.totals.recordsProcessed).toBe(1);
  } finally {
    await rm(directory, { recursive: true });
  }
});
