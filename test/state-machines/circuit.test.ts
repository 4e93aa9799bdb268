import { describe, expect, test } from 'vitest';
import { AwsError } from '../../packages/embedded-aws/service.ts';
import {
  batch,
  CHANGES,
  decided,
  flowOf,
  flowTasks,
  inTurn,
  machineOf,
  NOTHING_DUE,
  settled,
  tasks,
} from './outbound-batch.ts';
import { type TaskName, taskError } from './pipeline.ts';

const AWAY = { status: 'SUCCEEDED', output: { object: 'Contact', reason: 'Salesforce is away' } };

/** Salesforce fails in one step; everything else works. */
const FAILING: readonly (readonly [string, TaskName, number])[] = [
  ['the look', 'ReadSalesforce', 0],
  ['the push of updates', 'PushRecords', 0],
  ['the push of deletes', 'DeleteRecords', 0],
  ['the read-back', 'ReadSalesforce', 1],
];

function machineFailingIn(task: TaskName, call: number, error: Error, opened = true) {
  const machine = machineOf(
    tasks({
      DecideChanges: () => decided({ pushed: 2, pushedKey: 'pushed', updatesKey: 'updates', deletesKey: 'deletes' }),
      OpenCircuit: () => ({ opened }),
    }),
  );
  const works = machine.tasks[task] as (input: unknown) => never;
  let calls = 0;
  machine.tasks = {
    ...machine.tasks,
    [task]: (input: unknown) => {
      if (calls++ >= call) throw error;
      return works(input);
    },
  };
  return machine;
}

describe.each(FAILING)('Salesforce away in %s', (_, task, call) => {
  test('opens the circuit after some tries, notifies, and ends well', async () => {
    const machine = machineFailingIn(task, call, taskError('RetryableError', 'the org does not answer'));
    expect(await machine.run(CHANGES)).toMatchObject(AWAY);
    expect(machine.inputsOf(task)).toHaveLength(call + 4);
    expect(machine.inputsOf('OpenCircuit')).toEqual([
      {
        object: 'Contact',
        execution: machine.executionArn,
        error: 'RetryableError',
        cause: 'the org does not answer',
      },
    ]);
    expect(machine.inputsOf('Notify')).toEqual([
      {
        about: 'circuit',
        object: 'Contact',
        execution: machine.executionArn,
        state: 'open',
        reason: 'RetryableError: the org does not answer',
      },
    ]);
    expect(machine.inputsOf('SettleBatch')).toEqual([]);
  });

  test('opens the circuit also when Lambda is what fails', async () => {
    const machine = machineFailingIn(task, call, new AwsError('ServiceException', 'Lambda is ill', 500));
    expect(await machine.run(CHANGES)).toMatchObject(AWAY);
    expect(machine.inputsOf('OpenCircuit')).toMatchObject([
      { error: 'Lambda.ServiceException', cause: expect.stringContaining('Lambda is ill') },
    ]);
  });

  test.each(['ConfigurationError', 'InvariantError'])(
    '%s is no outage: the execution fails in that state',
    async (name) => {
      const machine = machineFailingIn(task, call, taskError(name));
      expect(await machine.run(CHANGES)).toMatchObject({ status: 'FAILED', error: name });
      expect(machine.inputsOf(task)).toHaveLength(call + 1);
      expect(machine.inputsOf('OpenCircuit')).toEqual([]);
    },
  );
});

describe('an open circuit', () => {
  test('is not notified again', async () => {
    const machine = machineFailingIn('ReadSalesforce', 0, taskError('RetryableError'), false);
    expect(await machine.run({ ...CHANGES, trigger: 'schedule' })).toMatchObject(AWAY);
    expect(machine.inputsOf('Notify')).toEqual([]);
  });

  test('does not swallow what the batch had to report before', async () => {
    const machine = machineOf(
      tasks({
        DecideChanges: () => decided({ pushed: 1, pushedKey: 'pushed', updatesKey: 'updates', conflicts: 1 }),
        PushRecords: inTurn<'PushRecords'>(taskError('RetryableError')),
        OpenCircuit: () => ({ opened: true }),
      }),
    );
    expect(await machine.run(CHANGES)).toMatchObject(AWAY);
    expect(machine.inputsOf('Notify')).toMatchObject([
      { about: 'circuit', state: 'open' },
      { about: 'batch', conflicts: 1 },
    ]);
  });

  test('does not keep the children that a look has given their parent', async () => {
    const machine = machineOf(
      tasks({
        DecideChanges: () =>
          decided({ pushed: 1, pushedKey: 'pushed', updatesKey: 'updates', alsoDue: ['Opportunity'] }),
        PushRecords: inTurn<'PushRecords'>(taskError('RetryableError')),
        OpenCircuit: () => ({ opened: true }),
      }),
    );
    expect(await machine.run(CHANGES)).toMatchObject(AWAY);
    expect(machine.busEvents).toMatchObject([{ Detail: '{"object":"Opportunity"}' }]);
  });
});

describe('AppFlow', () => {
  test('gets the batch as its token, and its run is awaited with growing pauses', async () => {
    const machine = machineOf(
      flowTasks(),
      flowOf({ executionStatus: 'InProgress' }, { executionStatus: 'InProgress' }, { executionStatus: 'Successful' }),
    );
    const before = machine.clock.now();
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 1 } });
    expect(machine.startedFlows).toEqual([{ flowName: 'flow-of-Contact', clientToken: 'b0' }]);
    expect(machine.clock.now() - before).toBe(1000 + 2000 + 4000);
    expect(machine.inputsOf('SettleBatch')).toMatchObject([{ flowFailures: 0, outcomesKeys: [] }]);
  });

  test('comes after the API: a push deadline does not wait for a run', async () => {
    const machine = machineOf(
      tasks({
        DecideChanges: () =>
          decided({
            pushed: 3,
            pushedKey: 'pushed',
            csvKey: 'outbound/Contact/b0.csv',
            updatesKey: 'updates',
            deletesKey: 'deletes',
          }),
      }),
      flowOf({ executionStatus: 'Successful' }),
    );
    const { states } = await machine.run(CHANGES);
    const steps = states.filter((name) => /^(Push|Delete|Start|Read back|Settle)/.test(name));
    expect(steps).toEqual(['Push records', 'Delete records', 'Start flow', 'Read back', 'Settle batch']);
    expect(machine.inputsOf('SettleBatch')).toMatchObject([
      { flowFailures: 0, outcomesKeys: ['outcomes-of-updates', 'outcomes-of-deletes'] },
    ]);
  });

  test('is asked about the second run of an execution after one second, too', async () => {
    const statuses = [...Array(6).fill('InProgress'), 'Successful', 'Successful'];
    const machine = machineOf(
      flowTasks({ CollectChanges: inTurn<'CollectChanges'>(batch('b0'), batch('b1'), NOTHING_DUE) }),
      flowOf(...statuses.map((executionStatus) => ({ executionStatus }))),
    );
    const before = machine.clock.now();
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 2 } });
    expect(machine.clock.now() - before).toBe((1 + 2 + 4 + 8 + 15 + 15 + 15 + 1) * 1000);
  });

  test('need not show a run at once, and its other runs do not count', async () => {
    let polls = 0;
    const machine = machineOf(flowTasks(), {
      start: () => ({ executionId: 'run-2' }),
      records: () => [
        ...(++polls > 2 ? [{ executionId: 'run-2', executionStatus: 'Successful' as const }] : []),
        { executionId: 'run-1', executionStatus: 'Error' as const },
      ],
    });
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('SettleBatch')).toMatchObject([{ flowFailures: 0 }]);
  });

  test.each([
    ['Successful', { errorInfo: { putFailuresCount: 7 } }, 7],
    ['Error', { recordsProcessed: 3, errorInfo: { executionMessage: 'the connection has expired' } }, 1],
    ['Error', { errorInfo: { putFailuresCount: 5 } }, 5],
    ['Canceled', undefined, 1],
  ] as const)(
    'a run that ends %s with %j counts as %i failures',
    async (executionStatus, executionResult, failures) => {
      const machine = machineOf(flowTasks(), flowOf({ executionStatus, ...(executionResult && { executionResult }) }));
      expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
      expect(machine.inputsOf('SettleBatch')).toMatchObject([{ flowFailures: failures }]);
    },
  );

  test('whose run fails as a whole opens the circuit: the connection is broken', async () => {
    const machine = machineOf(
      flowTasks({ OpenCircuit: () => ({ opened: true }) }),
      flowOf({
        executionStatus: 'Error',
        executionResult: { errorInfo: { executionMessage: 'ConnectorAuthenticationException: of Ann' } },
      }),
    );
    expect(await machine.run(CHANGES)).toMatchObject(AWAY);
    expect(machine.inputsOf('OpenCircuit')).toMatchObject([
      { error: 'AppFlow', cause: expect.stringContaining('flow-of-Contact failed as a whole') },
    ]);
    expect(machine.inputsOf('Notify')).toMatchObject([{ about: 'circuit', state: 'open' }]);
    // What a run says may quote values.
    expect(JSON.stringify(machine.inputsOf('Notify'))).not.toContain('Ann');
    expect(machine.inputsOf('SettleBatch')).toEqual([]);
  });

  test.each(['ConnectorAuthenticationException', 'ConnectorServerException', 'ValidationException'])(
    'that refuses to start with %s opens the circuit at once',
    async (code) => {
      let starts = 0;
      const machine = machineOf(flowTasks({ OpenCircuit: () => ({ opened: true }) }), {
        ...flowOf({ executionStatus: 'Successful' }),
        start: () => {
          starts++;
          throw new AwsError(code, 'The flow is not active', 400);
        },
      });
      expect(await machine.run(CHANGES)).toMatchObject(AWAY);
      expect(machine.inputsOf('OpenCircuit')).toMatchObject([{ error: `Appflow.${code}` }]);
      expect(starts).toBe(1);
    },
  );

  test('that refuses to start, or to list its runs, opens the circuit', async () => {
    for (const operation of ['start', 'records'] as const) {
      const refuse = () => {
        throw new AwsError('InternalServerException', 'AppFlow is ill', 500);
      };
      const machine = machineOf(flowTasks({ OpenCircuit: () => ({ opened: true }) }), {
        ...flowOf({ executionStatus: 'Successful' }),
        [operation]: refuse,
      });
      expect(await machine.run(CHANGES)).toMatchObject(AWAY);
      expect(machine.inputsOf('OpenCircuit')).toMatchObject([{ error: 'Appflow.InternalServerException' }]);
    }
  });

  test('that has no such flow is a fault of the deployment: the execution fails', async () => {
    const machine = machineOf(flowTasks(), {
      start: () => {
        throw new AwsError('ResourceNotFoundException', 'no such flow', 404);
      },
    });
    const ended = await machine.run(CHANGES);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'Appflow.ResourceNotFoundException' });
  });

  test('whose run never ends opens the circuit after two hours', async () => {
    const machine = machineOf(
      flowTasks({ OpenCircuit: () => ({ opened: true }) }),
      flowOf({ executionStatus: 'InProgress' }),
    );
    const before = machine.clock.now();
    const ended = await machine.run(CHANGES);
    expect(ended).toMatchObject(AWAY);
    expect((machine.clock.now() - before) / 3_600_000).toBeCloseTo(2, 1);
    expect(ended.events).toBeLessThan(5_000);
    expect(machine.inputsOf('OpenCircuit')).toMatchObject([
      { error: 'AppFlow', cause: expect.stringContaining('flow-of-Contact') },
    ]);
    expect(machine.inputsOf('SettleBatch')).toEqual([]);
  });
});

describe('a fence', () => {
  const fencing = (...then: Parameters<typeof inTurn<'CollectChanges'>>) =>
    tasks({ CollectChanges: inTurn<'CollectChanges'>({ next: 'fence' }, ...then) });
  const END = { next: 'end', reason: 'nothing due' } as const;

  test('is there at once when no run is in progress', async () => {
    const machine = machineOf(fencing(END), flowOf({ executionStatus: 'Error' }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('CollectChanges').map(({ fenced }) => fenced)).toEqual([false, true]);
  });

  test('waits for the run of another execution', async () => {
    const machine = machineOf(
      fencing(END),
      flowOf({ executionStatus: 'InProgress' }, { executionStatus: 'CancelStarted' }, { executionStatus: 'Canceled' }),
    );
    const ended = await machine.run(CHANGES);
    expect(ended.states.filter((name) => name === 'Wait for the earlier run')).toHaveLength(2);
    expect(machine.inputsOf('CollectChanges').map(({ fenced }) => fenced)).toEqual([false, true]);
  });

  test('holds for one look at what is due only', async () => {
    const push = { next: 'push', batchId: 'b0', recordsKey: 'records', records: 1 } as const;
    const machine = machineOf(fencing(push, END), flowOf({ executionStatus: 'Successful' }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('CollectChanges').map(({ fenced }) => fenced)).toEqual([false, true, false]);
  });

  test('does not outlive a redrive: another execution may have pushed in between', async () => {
    const machine = machineOf(fencing(taskError('InvariantError')), flowOf({ executionStatus: 'Successful' }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'FAILED' });
    machine.tasks = { ...machine.tasks, CollectChanges: () => END };
    expect(await machine.redrive()).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('CollectChanges').map(({ fenced }) => fenced)).toEqual([false, true, false]);
  });

  test('that a run without end denies opens the circuit', async () => {
    const machine = machineOf(
      { ...fencing(END), OpenCircuit: () => ({ opened: false }), SettleBatch: () => settled() },
      flowOf({ executionStatus: 'InProgress' }),
    );
    expect(await machine.run(CHANGES)).toMatchObject(AWAY);
    expect(machine.inputsOf('CollectChanges')).toHaveLength(1);
  });
});
