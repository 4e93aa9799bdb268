import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AwsError } from '../../service.ts';
import { Setup, setUp } from './appflow-setup.ts';
import { inboundFlow } from './flow-templates.ts';
import { FLOW, NOON, setUpWithContacts } from './inbound-setup.ts';

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

test('a bus that refuses the reports does not stop the run; the journal has an entry', async () => {
  await using setup = await setUpWithContacts();
  setup.aws.refusals.set('events', new AwsError('InternalException', 'no bus', 500));
  expect((await setup.appflow.runScheduled(FLOW))?.status).toBe('Successful');
  expect(setup.aws.entries.map(({ kind }) => kind)).toEqual(['fault', 'flow-run', 'fault']);
});
