import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../step-functions/states/json.ts';
import { lambdaError } from './fake-aws.ts';
import { functionArn, machine, ROLE_ARN, Workshop } from './workshop.ts';

const fails = (error: string): JsonObject => ({ Type: 'Fail', Error: error, Cause: `because of ${error}` });
const pass = (change: JsonObject = {}): JsonObject => ({ Type: 'Pass', End: true, ...change });

describe('data flow', () => {
  test('Output and Assign both see the variables as they were before', async () => {
    const definition = machine({
      A: { Type: 'Pass', Assign: { x: 1, y: 'old' }, Next: 'B' },
      B: { Type: 'Pass', Assign: { x: '{% $x + 1 %}', y: '{% $x %}' }, Output: '{% [$x, $y] %}', Next: 'C' },
      C: pass({ Output: { before: '{% $states.input %}', after: '{% [$x, $y] %}' } }),
    });
    expect(await new Workshop().output(definition)).toEqual({ before: [1, 'old'], after: [2, 1] });
  });

  test('the context object names execution, machine and state', async () => {
    const shop = new Workshop();
    const arn = await shop.create(machine({ A: pass({ Output: '{% $states.context %}' }) }), 'm');
    const execution = await shop.start(arn, { a: 1 }, 'e');
    const { output } = await shop.ended(execution);
    expect(JSON.parse(output ?? '')).toEqual({
      Execution: {
        Id: 'arn:aws:states:eu-central-1:000000000000:execution:m:e',
        Input: { a: 1 },
        Name: 'e',
        RoleArn: ROLE_ARN,
        StartTime: '2026-03-01T12:00:00.000Z',
        RedriveCount: 0,
      },
      StateMachine: { Id: arn, Name: 'm' },
      State: { Name: 'A', EnteredTime: '2026-03-01T12:00:00.000Z', RetryCount: 0 },
    });
  });

  test('an output of more than 256 KiB fails the state', async () => {
    const grow = '{% $join($map([1..2000], function($i){ $pad("", 200, "x") })) %}';
    const ended = await new Workshop().run(machine({ A: pass({ Output: grow }) }));
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    expect(ended.cause).toContain("The state/task 'A' returned a result with a size exceeding");
  });

  test('previous event ids make a chain from the first state on', async () => {
    const shop = new Workshop();
    const { arn } = await shop.run(machine({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Succeed' } }));
    const events = await shop.events(arn);
    expect(events.map((event) => [event.id, event.previousEventId])).toEqual([
      [1, 0],
      [2, 0],
      [3, 2],
      [4, 3],
      [5, 4],
      [6, 5],
    ]);
  });
});

describe('Choice', () => {
  const choice = machine({
    Which: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $states.input.n > 5 %}', Next: 'End', Output: 'large', Assign: { v: 'rule' } }],
      Output: 'small',
      Assign: { v: 'state' },
      Default: 'End',
    },
    End: pass({ Output: '{% [$states.input, $v] %}' }),
  });

  test.each([
    [6, ['large', 'rule']],
    [5, ['small', 'state']],
  ])('%d: a matching rule has its own Output and Assign, the default those of the state', async (n, output) => {
    expect(await new Workshop().output(choice, { n })).toEqual(output);
  });

  test('without a match and without Default it fails', async () => {
    const rule = { Condition: false, Next: 'End' };
    const ended = await new Workshop().run(
      machine({ A: { Type: 'Choice', Choices: [rule] }, End: { Type: 'Succeed' } }),
    );
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' });
  });

  test('a condition that is no boolean is a fault of the expression', async () => {
    const rule = { Condition: '{% "yes" %}', Next: 'End' };
    const ended = await new Workshop().run(
      machine({ A: { Type: 'Choice', Choices: [rule] }, End: { Type: 'Succeed' } }),
    );
    expect(ended.error).toBe('States.QueryEvaluationError');
    expect(ended.cause).toContain("Expected 'boolean', but was 'string' for value: \"yes\"");
  });
});

describe('Wait', () => {
  test('waits its seconds', async () => {
    const shop = new Workshop();
    const execution = await shop.start(
      await shop.create(machine({ W: { Type: 'Wait', Seconds: '{% $states.input %}', End: true } })),
      30,
    );
    await shop.clock.asleepFor(30_000);
    shop.clock.advance(29_999);
    expect((await shop.describe(execution)).status).toBe('RUNNING');
    shop.clock.advance(1);
    expect((await shop.ended(execution)).status).toBe('SUCCEEDED');
  });

  test('waits until a moment, and not at all when it has passed', async () => {
    const shop = new Workshop();
    const until = (at: string) => machine({ W: { Type: 'Wait', Timestamp: at, End: true } });
    expect((await shop.run(until('2026-03-01T11:59:59+00:00'))).status).toBe('SUCCEEDED');
    const execution = await shop.start(await shop.create(until('2026-03-01T13:00:00.5+01:00')));
    await shop.clock.asleepFor(500);
    shop.clock.advance(500);
    expect((await shop.ended(execution)).status).toBe('SUCCEEDED');
  });
});

describe('Retry and Catch', () => {
  const guarded = (change: JsonObject): JsonObject => ({
    Type: 'Task',
    Resource: functionArn('work'),
    End: true,
    ...change,
  });

  test('retries wait longer and longer, evaluate the arguments anew, and stay in the state', async () => {
    const shop = new Workshop();
    const seen: Json[] = [];
    shop.aws.functions.set('work', (event) => {
      seen.push(event);
      if (seen.length < 4) throw lambdaError('Busy', 'not now');
      return 'done';
    });
    const retry = [{ ErrorEquals: ['Busy'], IntervalSeconds: 2, BackoffRate: 3, MaxDelaySeconds: 10 }];
    const states = { A: guarded({ Arguments: '{% $states.context.State.RetryCount %}', Retry: retry }) };
    const execution = await shop.start(await shop.create(machine(states)));
    for (const seconds of [2, 6, 10]) {
      await shop.clock.asleepFor(seconds * 1_000);
      shop.clock.advance(seconds * 1_000);
    }
    expect(await shop.ended(execution)).toMatchObject({ status: 'SUCCEEDED', output: '"done"' });
    expect(seen).toEqual([0, 1, 2, 3]);
    const types = await shop.eventTypes(execution);
    expect(types.filter((type) => type === 'TaskStateEntered')).toHaveLength(1);
    expect(types.filter((type) => type === 'LambdaFunctionScheduled')).toHaveLength(4);
  });

  test('a catcher has its own Output and Assign; those of the state do not act', async () => {
    const shop = new Workshop();
    shop.aws.functions.set('work', () => {
      throw lambdaError('Broken', 'for good');
    });
    const states = {
      A: {
        ...guarded({}),
        Output: 'of the state',
        Assign: { v: 'of the state' },
        Catch: [
          { ErrorEquals: ['Other'], Next: 'End' },
          {
            ErrorEquals: ['Broken'],
            Output: '{% $states.errorOutput.Error %}',
            Assign: { v: '{% $parse($states.errorOutput.Cause).errorMessage %}' },
            Next: 'End',
          },
        ],
      },
      End: pass({ Output: '{% [$states.input, $v] %}' }),
    };
    expect(await shop.output(machine(states))).toEqual(['Broken', 'for good']);
  });

  test('a failure of the state’s own expressions can be caught', async () => {
    const shop = new Workshop();
    shop.aws.functions.set('work', () => 1);
    const states = {
      A: guarded({ Output: '{% $nothing %}', Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'End' }] }),
      End: pass({ Output: '{% $states.input.Error %}' }),
    };
    expect(await shop.output(machine(states))).toBe('States.QueryEvaluationError');
  });

  test('a failure of a catcher’s expression is final', async () => {
    const shop = new Workshop();
    const states = {
      A: guarded({ Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $nothing %}', Next: 'End' }] }),
      End: pass(),
    };
    expect(await shop.run(machine(states))).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });
});

describe('Parallel', () => {
  test('branches read outer variables, keep their own, and give their outputs in order', async () => {
    const branch = (n: number) => machine({ [`B${n}`]: pass({ Assign: { own: n, x: n }, Output: `{% $x * ${n} %}` }) });
    const definition = machine({
      A: { Type: 'Pass', Assign: { x: 10 }, Next: 'P' },
      P: { Type: 'Parallel', Arguments: { a: 1 }, Branches: [branch(1), branch(2)], Next: 'End' },
      End: pass({ Output: '{% [$states.input, $x, $exists($own)] %}' }),
    });
    expect(await new Workshop().output(definition)).toEqual([10, 20, 10, false]);
  });

  test('the first failure stops the others and can be caught', async () => {
    const shop = new Workshop();
    const definition = machine({
      P: {
        Type: 'Parallel',
        Branches: [
          machine({ Long: { Type: 'Wait', Seconds: 60, End: true } }),
          machine({ Soon: { Type: 'Wait', Seconds: 1, Next: 'No' }, No: fails('Refused') }),
        ],
        Catch: [{ ErrorEquals: ['Refused'], Next: 'End' }],
        End: true,
      },
      End: pass(),
    });
    const execution = await shop.start(await shop.create(definition));
    await shop.clock.asleepFor(1_000);
    shop.clock.advance(1_000);
    const ended = await shop.ended(execution);
    expect(JSON.parse(ended.output ?? '')).toEqual({ Error: 'Refused', Cause: 'because of Refused' });
    expect(shop.clock.sleepers).toBe(0);
    expect(await shop.eventTypes(execution)).toEqual([
      'ExecutionStarted',
      'ParallelStateEntered',
      'ParallelStateStarted',
      'WaitStateEntered',
      'WaitStateEntered',
      'WaitStateExited',
      'FailStateEntered',
      'WaitStateAborted',
      'ParallelStateFailed',
      'ParallelStateExited',
      'PassStateEntered',
      'PassStateExited',
      'ExecutionSucceeded',
    ]);
  });
});

describe('Map', () => {
  const overItems = (processor: JsonObject, change: JsonObject = {}) =>
    machine({ M: { Type: 'Map', ItemProcessor: processor, End: true, ...change } });

  test('ItemSelector sees the item, the state’s input and outer variables', async () => {
    const selector = {
      item: '{% $states.context.Map.Item.Value %}',
      index: '{% $states.context.Map.Item.Index %}',
      all: '{% $count($states.input.list) %}',
    };
    const inner = machine({
      I: pass({ Output: '{% $merge([$states.input, {"again": $states.context.Map.Item.Index}]) %}' }),
    });
    const definition = overItems(inner, { Items: '{% $states.input.list %}', ItemSelector: selector });
    expect(await new Workshop().output(definition, { list: ['a', 'b'] })).toEqual([
      { item: 'a', index: 0, all: 2, again: 0 },
      { item: 'b', index: 1, all: 2, again: 1 },
    ]);
  });

  test('no more than MaxConcurrency at a time, results in the order of the items', async () => {
    const shop = new Workshop();
    let running = 0;
    let most = 0;
    shop.aws.functions.set('work', async (event) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return event;
    });
    const inner = machine({ T: { Type: 'Task', Resource: functionArn('work'), End: true } });
    const items = Array.from({ length: 100 }, (_, index) => index);
    expect(await shop.output(overItems(inner, { MaxConcurrency: '{% 3 %}' }), items)).toEqual(items);
    expect(most).toBe(3);
    most = 0;
    expect(await shop.output(overItems(inner), items)).toEqual(items);
    expect(most).toBe(40);
  });

  test('an empty list is an empty result', async () => {
    expect(await new Workshop().output(overItems(machine({ I: pass() })), [])).toEqual([]);
  });

  const failOdd = machine({
    Odd: { Type: 'Choice', Choices: [{ Condition: '{% $states.input % 2 = 1 %}', Next: 'No' }], Default: 'Yes' },
    Yes: pass(),
    No: fails('Odd'),
  });

  test('a failing iteration fails the state with its own error', async () => {
    expect(await new Workshop().run(overItems(failOdd), [0, 1, 2])).toMatchObject({ status: 'FAILED', error: 'Odd' });
  });

  test.each<[JsonObject, Json[] | string]>([
    [{ ToleratedFailureCount: 2 }, [0, 2]],
    [{ ToleratedFailureCount: 1 }, 'States.ExceedToleratedFailureThreshold'],
    [{ ToleratedFailurePercentage: 50 }, [0, 2]],
    [{ ToleratedFailurePercentage: '{% 49 %}' }, 'States.ExceedToleratedFailureThreshold'],
    [{ ToleratedFailureCount: 2, ToleratedFailurePercentage: 1 }, 'States.ExceedToleratedFailureThreshold'],
  ])('%j of four items, two of which fail', async (tolerance, result) => {
    const ended = await new Workshop().run(overItems(failOdd, tolerance), [0, 1, 2, 3]);
    if (typeof result === 'string') expect(ended).toMatchObject({ status: 'FAILED', error: result });
    else expect(JSON.parse(ended.output ?? 'null')).toEqual(result);
  });

  test('iterations that were under way when another failed are aborted', async () => {
    const shop = new Workshop();
    const inner = machine({
      Long: { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 0 %}', Next: 'Sleep' }], Default: 'No' },
      Sleep: { Type: 'Wait', Seconds: 60, End: true },
      No: fails('Odd'),
    });
    const { arn } = await shop.run(overItems(inner), [0, 1]);
    const types = await shop.eventTypes(arn);
    expect(types.slice(-5)).toEqual([
      'MapIterationFailed',
      'WaitStateAborted',
      'MapIterationAborted',
      'MapStateFailed',
      'ExecutionFailed',
    ]);
  });
});

describe('limits of an execution', () => {
  test('TimeoutSeconds of the machine', async () => {
    const shop = new Workshop();
    const arn = await shop.create(machine({ W: { Type: 'Wait', Seconds: 60, End: true } }, { TimeoutSeconds: 5 }));
    const execution = await shop.start(arn);
    await shop.clock.asleepFor(60_000);
    shop.clock.advance(5_000);
    expect((await shop.ended(execution)).status).toBe('TIMED_OUT');
    expect((await shop.eventTypes(execution)).at(-1)).toBe('ExecutionTimedOut');
    expect(shop.clock.sleepers).toBe(0);
  });

  test('event 25,000 is the failure of an execution that would go on', async () => {
    const shop = new Workshop();
    const loop = { Type: 'Choice', Choices: [{ Condition: true, Next: 'Loop' }], Default: 'End' };
    const { arn, ...ended } = await shop.run(machine({ Loop: loop, End: { Type: 'Succeed' } }));
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
      redriveStatus: 'NOT_REDRIVABLE',
    });
    const last = await shop.call<{ events: object[] }>('GetExecutionHistory', {
      executionArn: arn,
      reverseOrder: true,
      maxResults: 2,
    });
    expect(last.events).toMatchObject([
      { id: 25_000, previousEventId: 24_999, type: 'ExecutionFailed' },
      { id: 24_999, type: 'ChoiceStateExited' },
    ]);
  });
});
