import { beforeEach, describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../step-functions/states/json.ts';
import { lambdaError } from './fake-aws.ts';
import { functionArn, machine, Workshop } from './workshop.ts';

let shop: Workshop;
/** What the function `work` was called with. */
let calls: Json[];
/** Events on which `work` fails. */
let broken: Set<string>;

beforeEach(() => {
  shop = new Workshop();
  calls = [];
  broken = new Set();
  shop.aws.functions.set('work', (event) => {
    calls.push(event);
    if (broken.has(JSON.stringify(event))) throw lambdaError('Broken', 'still');
    return event;
  });
});

const work = (change: JsonObject = {}): JsonObject => ({
  Type: 'Task',
  Resource: functionArn('work'),
  End: true,
  ...change,
});

async function redrive(executionArn: string, input: object = {}) {
  calls.length = 0;
  return shop.call<{ redriveDate: number }>('RedriveExecution', { executionArn, ...input });
}

describe('an execution goes on from the state that failed', () => {
  test('with its input and variables, and with fresh retries', async () => {
    broken.add('[7,"first"]');
    const retry = [{ ErrorEquals: ['Broken'], IntervalSeconds: 1, MaxAttempts: 1 }];
    const { End: _, ...next } = work({ Arguments: 'first', Assign: { v: 7 }, Next: 'Second' });
    const definition = machine({ First: next, Second: work({ Arguments: '{% [$v, $states.input] %}', Retry: retry }) });
    const execution = await shop.start(await shop.create(definition));
    await shop.clock.asleepFor(1_000);
    shop.clock.advance(1_000);
    expect(await shop.ended(execution)).toMatchObject({ status: 'FAILED', redriveStatus: 'REDRIVABLE' });
    const before = await shop.eventTypes(execution);

    const { redriveDate } = await redrive(execution);
    expect(redriveDate).toBe(shop.clock.now() / 1_000);
    expect(await shop.describe(execution)).toMatchObject({ status: 'RUNNING', redriveCount: 1 });
    await shop.clock.asleepFor(1_000);
    broken.clear();
    shop.clock.advance(1_000);

    const ended = await shop.ended(execution);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: '[7,"first"]', redriveCount: 1 });
    expect(ended).not.toHaveProperty('error');
    expect(calls).toEqual([
      [7, 'first'],
      [7, 'first'],
    ]);
    expect((await shop.eventTypes(execution)).slice(before.length)).toEqual([
      'ExecutionRedriven',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionFailed',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
    expect((await shop.events(execution))[before.length]).toMatchObject({
      executionRedrivenEventDetails: { redriveCount: 1 },
    });
  });

  test('a Fail state is entered again and fails again', async () => {
    const { arn } = await shop.run(machine({ F: { Type: 'Fail', Error: 'E' } }));
    await redrive(arn);
    expect(await shop.ended(arn)).toMatchObject({ status: 'FAILED', error: 'E', redriveCount: 1 });
    expect((await shop.eventTypes(arn)).slice(-3)).toEqual([
      'ExecutionRedriven',
      'FailStateEntered',
      'ExecutionFailed',
    ]);
  });

  test('of a Parallel state only the branches that failed or were stopped', async () => {
    broken.add('"b"');
    const branch = (name: string) => machine({ [name]: work({ Arguments: name }) });
    const { End: _, ...before } = work({ Arguments: 'before', Next: 'b' });
    const two = machine({ Before: before, b: work({ Arguments: 'b' }) });
    const { arn, ...failed } = await shop.run(
      machine({ P: { Type: 'Parallel', Branches: [branch('a'), two], End: true } }),
    );
    expect(failed).toMatchObject({ status: 'FAILED', error: 'Broken' });
    broken.clear();
    await redrive(arn);
    expect(JSON.parse((await shop.ended(arn)).output ?? '')).toEqual(['a', 'b']);
    expect(calls).toEqual(['b']);
  });

  test('of a Map state only the iterations that are not done, also two levels down', async () => {
    broken.add('[1,1]');
    const inner = machine({ W: work({ Arguments: '{% [$outer, $states.input] %}' }) });
    const outer = machine({
      A: { Type: 'Pass', Assign: { outer: '{% $states.input %}' }, Output: [0, 1], Next: 'Inner' },
      Inner: { Type: 'Map', MaxConcurrency: 1, ItemProcessor: inner, End: true },
    });
    const definition = machine({ M: { Type: 'Map', MaxConcurrency: 1, ItemProcessor: outer, End: true } });
    const { arn } = await shop.run(definition, [0, 1, 2]);
    expect(calls).toHaveLength(4);
    broken.clear();
    await redrive(arn);
    const pairs = (n: number) => [
      [n, 0],
      [n, 1],
    ];
    expect(JSON.parse((await shop.ended(arn)).output ?? '')).toEqual([pairs(0), pairs(1), pairs(2)]);
    expect(calls).toEqual([[1, 1], ...pairs(2)]);
  });

  test('after an abort and after a time-out, with the whole time anew', async () => {
    const definition = machine({ W: { Type: 'Wait', Seconds: 4, End: true } }, { TimeoutSeconds: 5 });
    const execution = await shop.start(await shop.create(definition));
    await shop.clock.asleepFor(4_000);
    shop.clock.advance(3_000);
    await shop.call('StopExecution', { executionArn: execution });
    await redrive(execution);
    await shop.clock.asleepFor(4_000);
    shop.clock.advance(4_000);
    expect(await shop.ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('with the definition it was started with', async () => {
    broken.add('{}');
    const stateMachineArn = await shop.create(machine({ T: work() }));
    const execution = await shop.start(stateMachineArn);
    await shop.ended(execution);
    broken.clear();
    await shop.call('UpdateStateMachine', {
      stateMachineArn,
      definition: JSON.stringify(machine({ X: { Type: 'Fail' } })),
    });
    await redrive(execution);
    expect((await shop.ended(execution)).status).toBe('SUCCEEDED');
  });
});

describe('a redrive is refused', () => {
  test('of an execution that runs or has succeeded', async () => {
    const { arn } = await shop.run(machine({ A: { Type: 'Pass', End: true } }));
    expect(await shop.refusal('RedriveExecution', { executionArn: arn })).toMatchObject({
      code: 'ExecutionNotRedrivable',
      message: 'Execution is SUCCEEDED and cannot be redriven',
    });
    const running = await shop.start(await shop.create(machine({ W: { Type: 'Wait', Seconds: 9, End: true } })));
    expect((await shop.refusal('RedriveExecution', { executionArn: running })).code).toBe('ExecutionNotRedrivable');
  });

  test('more than 14 days after its end', async () => {
    const { arn } = await shop.run(machine({ F: { Type: 'Fail' } }));
    shop.clock.advance(14 * 86_400_000 + 1);
    expect((await shop.refusal('RedriveExecution', { executionArn: arn })).message).toContain('more than 14 days ago');
    expect((await shop.describe(arn)).redriveStatus).toBe('NOT_REDRIVABLE');
  });

  test('the same client token asks for the same redrive', async () => {
    const { arn } = await shop.run(machine({ F: { Type: 'Fail' } }));
    const first = await redrive(arn, { clientToken: 't' });
    await shop.ended(arn);
    shop.clock.advance(60_000);
    expect(await redrive(arn, { clientToken: 't' })).toEqual(first);
    expect((await shop.describe(arn)).redriveCount).toBe(1);
    shop.clock.advance(15 * 60_000);
    await redrive(arn, { clientToken: 't' });
    expect((await shop.ended(arn)).redriveCount).toBe(2);
  });
});
