import { expect, test } from 'vitest';
import { setUp } from './appflow-setup.ts';
import { inboundFlow } from './flow-templates.ts';

const COMPLETE = inboundFlow({ trigger: { DataPullMode: 'Complete' } });

/** Resolves when the org has been asked this often. */
function asked(setup: Awaited<ReturnType<typeof setUp>>, times: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    setup.org.beforeAnswer = () => {
      seen += 1;
      if (seen === times) resolve();
    };
  });
}

test('an active flow runs at once, then in every slot of the scaled schedule, until it is stopped', async () => {
  await using setup = await setUp({ pollIntervalMs: 20 });
  setup.aws.clock = undefined;
  await setup.appflow.putFlow(COMPLETE);
  const polls = asked(setup, 3);
  const from = Date.now();
  await setup.appflow.start();
  await polls;
  expect(Date.now() - from).toBeGreaterThanOrEqual(38);
  await setup.appflow.stop();
  const count = setup.org.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(setup.org.requests).toHaveLength(count);
});

test('a run that outlasts its slots makes them missed: no two runs of a flow overlap', async () => {
  await using setup = await setUp({ timeScale: 6000 });
  setup.aws.clock = undefined;
  await setup.appflow.putFlow(COMPLETE);
  const held = setup.appflow.faults.holdRuns('contact-in');
  await setup.appflow.start();
  await held.arrived;
  expect(await setup.appflow.runScheduled('contact-in')).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await setup.runs('contact-in')).toHaveLength(1);
  const polls = asked(setup, 2);
  held.release();
  await polls;
});

test('a draft does not poll; StartFlow makes it', async () => {
  await using setup = await setUp({ pollIntervalMs: 20 });
  setup.aws.clock = undefined;
  await setup.appflow.putFlow(inboundFlow({ status: undefined, trigger: { DataPullMode: 'Complete' } }));
  await setup.appflow.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(setup.org.requests).toEqual([]);
  const polls = asked(setup, 1);
  await setup.call('StartFlow', { flowName: 'contact-in' });
  await polls;
});

test('the offset shrinks with the schedule', async () => {
  await using setup = await setUp({ pollIntervalMs: 2000 });
  await setup.appflow.putFlow(inboundFlow({ trigger: { ScheduleOffset: 60 } }));
  const run = await setup.appflow.runScheduled('contact-in');
  expect(run?.window?.toSeconds).toBe(setup.aws.now() / 1000 - 2);
});

test('a time scale must be a positive number', async () => {
  await expect(setUp({ timeScale: 0 })).rejects.toThrow('timeScale');
});
