import { expect, test } from 'vitest';
import type { DeploymentStatus } from '../../../aws/pipelines.ts';
import { describeDeployment } from '../../../cli/check/deployment-report.ts';

const NOW = Date.UTC(2026, 0, 2, 12);
const flow = (name: string, more: object = {}) => ({
  name,
  status: 'Active',
  reason: undefined,
  lastRun: { at: new Date(NOW - 61_000), status: 'Successful', message: undefined },
  ...more,
});

const well: DeploymentStatus = {
  objects: [
    {
      object: 'Account',
      changes: { waiting: 3, inFlight: 1 },
      deadLetters: 0,
      inboundFlow: flow('in'),
      outboundFlow: undefined,
    },
  ],
  executions: [{ pipeline: 'salesforce-to-postgres', waiting: 0, some: [], undeliveredEvents: 0 }],
  undeliveredNotices: 0,
};

test('what waits and when the flow ran last, and nothing to look at', () => {
  const { lines, faults } = describeDeployment(
    well,
    [{ object: 'Account', queueEmptied: new Date(NOW - 125_000) }],
    NOW,
  );
  expect(lines.map((line) => line.replaceAll(/ +/g, ' '))).toContain('Account 3 2 min 1 0 Active 1 min ago -');
  expect(faults).toEqual([]);
});

test('each thing to look at says what it is, for how long, and what to do', () => {
  const [account] = well.objects;
  if (account === undefined) throw new Error('no object');
  const { faults } = describeDeployment(
    {
      objects: [
        { ...account, deadLetters: 2, inboundFlow: flow('in', { status: 'Suspended', reason: '3 runs failed' }) },
        { ...account, object: 'Contact', inboundFlow: undefined },
        {
          ...account,
          object: 'Opportunity',
          outboundFlow: flow('out', { lastRun: { at: new Date(NOW), status: 'Error', message: 'no access' } }),
        },
      ],
      executions: [
        {
          pipeline: 'salesforce-to-postgres',
          waiting: 1,
          some: [{ execution: 'abc', since: new Date(NOW - 3 * 3_600_000) }],
          undeliveredEvents: 2,
        },
      ],
      undeliveredNotices: 1,
    },
    [
      { object: 'Account', queueEmptied: new Date(NOW - 40 * 60_000) },
      { object: 'Contact', queueEmptied: null },
    ],
    NOW,
  );
  expect(faults).toEqual([
    'Account: 3 messages of changes may wait since 40 min, when the queue was last empty: look at the executions of postgres-to-salesforce',
    'Account: 2 dead letters of changes: `sfsync redrive changes` when the cause is mended',
    'Account: flow in is Suspended (3 runs failed): nothing runs through it; `aws appflow start-flow --flow-name in` when the cause is mended',
    'Contact: there is no inbound flow: deploy the stack',
    'Opportunity: the last run of flow out failed: no access',
    'salesforce-to-postgres: 1 failed execution waits for a redrive: abc (3 h): `sfsync redrive executions`',
    'salesforce-to-postgres: 2 events started no execution: `sfsync redrive events`',
    '1 notice could not be delivered: `sfsync redrive events`',
  ]);
});
