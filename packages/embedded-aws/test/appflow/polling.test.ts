import { expect, test } from 'vitest';
import { Setup, setUp } from './appflow-setup.ts';
import { FakeAws } from './fake-aws.ts';
import { FakeOrg } from './fake-org.ts';
import { inboundFlow } from './flow-templates.ts';

const NOON = Date.parse('2026-01-31T12:00:00Z');

test('an active flow runs at once, then in every slot, until the service is stopped', async () => {
  await using setup = await setUp();
  await setup.appflow.putFlow(inboundFlow());
  expect(setup.aws.timers).toEqual([]);
  await setup.appflow.start();
  const slots: number[] = [];
  for (let index = 0; index < 3; index += 1) {
    const ended = setup.aws.nextEvent('AppFlow End Flow Run Report');
    await setup.aws.nextTimer();
    slots.push(setup.aws.now() - NOON);
    await ended;
  }
  expect(slots).toEqual([0, 60_000, 120_000]);
  expect(setup.org.queries()).toHaveLength(3);
  await setup.appflow.stop();
  expect(setup.aws.timers).toEqual([]);
});

test.each([{ timeScale: 30 }, { pollIntervalMs: 2000 }])('%j makes a minute last two seconds', async (options) => {
  await using setup = await setUp(options);
  await setup.appflow.putFlow(inboundFlow({ trigger: { ScheduleOffset: 60 } }));
  await setup.appflow.start();
  await setup.aws.nextTimer();
  await setup.aws.nextTimer();
  expect(setup.aws.now()).toBe(NOON + 2000);
  expect((await setup.runs('contact-in')).map(({ dataPullEndTime }) => dataPullEndTime)).toEqual([
    NOON / 1000,
    NOON / 1000 - 2,
  ]);
});

test('a run that outlasts its slots makes them missed: no two runs of a flow overlap', async () => {
  await using setup = await setUp();
  await setup.appflow.putFlow(inboundFlow());
  const held = setup.appflow.faults.holdRuns('contact-in');
  await setup.appflow.start();
  await setup.aws.nextTimer();
  await held.arrived;
  setup.aws.pass(150);
  expect(await setup.appflow.runScheduled('contact-in')).toBeUndefined();
  expect(setup.aws.timers).toEqual([]);
  held.release();
  await setup.aws.nextTimer();
  expect(setup.aws.now()).toBe(NOON + 180_000);
});

test('a draft does not poll; StartFlow makes it, StopFlow ends it', async () => {
  await using setup = await setUp();
  await setup.appflow.putFlow(inboundFlow({ status: undefined }));
  await setup.appflow.start();
  expect(setup.aws.timers).toEqual([]);
  await setup.call('StartFlow', { flowName: 'contact-in' });
  expect(setup.aws.timers).toHaveLength(1);
  await setup.call('StopFlow', { flowName: 'contact-in' });
  expect(setup.aws.timers).toEqual([]);
});

test('a flow that is suspended for its failures is not polled any more', async () => {
  await using setup = await setUp();
  await setup.appflow.putFlow(inboundFlow({ trigger: { FlowErrorDeactivationThreshold: 1 } }));
  setup.appflow.faults.failNextRun('contact-in', 'injected');
  await setup.appflow.start();
  const deactivated = setup.aws.nextEvent('AppFlow Scheduled Flow Deactivated');
  await setup.aws.nextTimer();
  await deactivated;
  await setup.appflow.stop();
  expect(setup.aws.timers).toEqual([]);
  expect(await setup.call('DescribeFlow', { flowName: 'contact-in' })).toMatchObject({ flowStatus: 'Suspended' });
});

test('a time scale must be a positive number', () => {
  expect(() => new Setup(new FakeAws(), new FakeOrg(), { timeScale: 0 }, undefined)).toThrow('timeScale');
});
