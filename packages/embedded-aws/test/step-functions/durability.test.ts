import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../step-functions/states/json.ts';
import { lambdaError } from './fake-aws.ts';
import { functionArn, machine, Workshop } from './workshop.ts';

const work = (change: JsonObject = {}): JsonObject => ({
  Type: 'Task',
  Resource: functionArn('work'),
  End: true,
  ...change,
});

/** A function that never answers, and a promise of its being called so many times. */
function hanging(shop: Workshop, times = 1): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = times;
  shop.aws.functions.set('work', () => {
    left -= 1;
    if (left === 0) resolve();
    return new Promise<Json>(() => undefined);
  });
  return promise;
}

function answering(shop: Workshop): Json[] {
  const calls: Json[] = [];
  shop.aws.functions.set('work', (event) => {
    calls.push(event);
    return event;
  });
  return calls;
}

describe('an execution outlives the process', () => {
  test('killed: the task that was under way is scheduled again, with input and variables; what was before is not', async () => {
    const killed = new Workshop();
    const called = hanging(killed);
    const definition = machine({
      A: { Type: 'Pass', Assign: { v: 7 }, Output: 'from A', Next: 'T' },
      T: work({ Arguments: '{% {"v": $v, "input": $states.input} %}' }),
    });
    const execution = await killed.start(await killed.create(definition), { a: 1 });
    await called;

    const next = new Workshop(killed);
    const calls = answering(next);
    next.service.resume();
    expect(await next.ended(execution)).toMatchObject({ status: 'SUCCEEDED', output: '{"v":7,"input":"from A"}' });
    expect(calls).toEqual([{ v: 7, input: 'from A' }]);
    const events = await next.events(execution);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter((event) => event.type === 'TaskStateEntered')).toHaveLength(1);
  });

  test('what was begun before the others go on, by an event that had waited, runs once', async () => {
    const shop = new Workshop();
    const calls = answering(shop);
    const execution = await shop.start(await shop.create(machine({ T: work() })), { a: 1 });
    shop.service.resume();
    expect(await shop.ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
    expect(calls).toEqual([{ a: 1 }]);
    expect((await shop.events(execution)).filter(({ type }) => type === 'TaskStateEntered')).toHaveLength(1);
  });

  test('stopped: no timer is left, nothing has ended, iterations that were done are not run again', async () => {
    const first = new Workshop();
    let answered = 0;
    const third = new Promise<void>((resolve) => {
      first.aws.functions.set('work', (event) => {
        answered += 1;
        if (answered < 3) return event;
        resolve();
        return new Promise<Json>(() => undefined);
      });
    });
    const definition = machine(
      { M: { Type: 'Map', MaxConcurrency: 1, ItemProcessor: machine({ T: work() }), End: true } },
      { TimeoutSeconds: 600 },
    );
    const execution = await first.start(await first.create(definition), [1, 2, 3, 4]);
    await third;
    await first.service.stop();
    expect(first.clock.sleepers).toBe(0);
    expect((await first.describe(execution)).status).toBe('RUNNING');

    const next = new Workshop(first);
    const calls = answering(next);
    next.service.resume();
    expect(await next.ended(execution)).toMatchObject({ status: 'SUCCEEDED', output: '[1,2,3,4]' });
    expect(calls).toEqual([3, 4]);
  });

  test('killed inside a Map state: the state runs again as a whole', async () => {
    const killed = new Workshop();
    const called = hanging(killed, 2);
    const definition = machine({ M: { Type: 'Map', ItemProcessor: machine({ T: work() }), End: true } });
    const execution = await killed.start(await killed.create(definition), [1, 2]);
    await called;

    const next = new Workshop(killed);
    const calls = answering(next);
    next.service.resume();
    expect(await next.ended(execution)).toMatchObject({ status: 'SUCCEEDED', output: '[1,2]' });
    expect(calls).toEqual([1, 2]);
  });

  test('a wait ends when it would have ended, however long the process was away', async () => {
    const killed = new Workshop();
    const execution = await killed.start(await killed.create(machine({ W: { Type: 'Wait', Seconds: 60, End: true } })));
    await killed.clock.asleepFor(60_000);
    killed.clock.advance(20_000);

    const next = new Workshop(killed);
    next.service.resume();
    await next.clock.asleepFor(40_000);
    next.clock.advance(40_000);
    expect((await next.ended(execution)).status).toBe('SUCCEEDED');
  });

  test('the time limit of the machine goes on while the process is away', async () => {
    const killed = new Workshop();
    const states = { W: { Type: 'Wait', Seconds: 60, End: true } };
    const execution = await killed.start(await killed.create(machine(states, { TimeoutSeconds: 30 })));
    await killed.clock.asleepFor(60_000);
    const next = new Workshop(killed);
    next.clock.advance(30_000);
    next.service.resume();
    expect((await next.ended(execution)).status).toBe('TIMED_OUT');
  });

  test('what has ended is still listed, and can be redriven', async () => {
    const first = new Workshop();
    first.aws.functions.set('work', () => {
      throw lambdaError('Broken', 'x');
    });
    const { arn } = await first.run(machine({ T: work() }), 'in');
    const next = new Workshop(first);
    const calls = answering(next);
    next.service.resume();
    expect(await next.describe(arn)).toMatchObject({ status: 'FAILED', error: 'Broken', input: '"in"' });
    await next.call('RedriveExecution', { executionArn: arn });
    expect(await next.ended(arn)).toMatchObject({ status: 'SUCCEEDED', output: '"in"' });
    expect(calls).toEqual(['in']);
  });

  test('what ended 90 days ago is forgotten', async () => {
    const first = new Workshop();
    const { arn } = await first.run(machine({ F: { Type: 'Fail' } }));
    const next = new Workshop(first);
    next.clock.advance(90 * 86_400_000 + 1);
    next.service.resume();
    expect((await next.refusal('DescribeExecution', { executionArn: arn })).code).toBe('ExecutionDoesNotExist');
  });
});

test('old revisions of a definition are kept as long as an execution has them', async () => {
  const first = new Workshop();
  const stateMachineArn = await first.create(machine({ F: { Type: 'Fail' } }));
  const execution = await first.start(stateMachineArn);
  await first.ended(execution);
  for (const error of ['E1', 'E2']) {
    const definition = JSON.stringify(machine({ F: { Type: 'Fail', Error: error } }));
    await first.call('UpdateStateMachine', { stateMachineArn, definition });
  }
  const revisions = () => first.store.prepare('SELECT count(*) AS count FROM sfn_revision').get()?.count;
  expect(revisions()).toBe(3);
  const next = new Workshop(first);
  next.service.resume();
  expect(revisions()).toBe(2);
  await next.call('RedriveExecution', { executionArn: execution });
  expect((await next.ended(execution)).redriveCount).toBe(1);
});

describe('a status event that could not be sent', () => {
  test('is reported, and sent at the next start', async () => {
    const first = new Workshop();
    first.aws.busDown = true;
    const { arn } = await first.run(machine({ F: { Type: 'Fail', Error: 'E' } }));
    await first.service.stop();
    expect(first.aws.entries.filter((entry) => entry.kind === 'fault').at(-1)?.text).toContain(
      'was not announced on the event bus',
    );

    const next = new Workshop(first);
    next.service.resume();
    await next.service.stop();
    expect(next.aws.statusChanges).toMatchObject([{ detail: { executionArn: arn, status: 'FAILED', error: 'E' } }]);

    const third = new Workshop(next);
    third.service.resume();
    await third.service.stop();
    expect(third.aws.statusChanges).toEqual([]);
  });
});
