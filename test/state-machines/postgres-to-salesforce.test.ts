import { describe, expect, test } from 'vitest';
import {
  batch,
  CHANGES,
  decided,
  flowOf,
  flowTasks,
  inTurn,
  machineOf,
  NOT_AFTER,
  NOTHING_DUE,
  READ_AT,
  settled,
  tasks,
} from './outbound-batch.ts';
import { taskError } from './pipeline.ts';

describe('a batch through the API', () => {
  test('is looked at, decided, pushed, read back and settled; then nothing is due', async () => {
    const machine = machineOf(
      tasks({
        DecideChanges: () => decided({ pushed: 3, pushedKey: 'pushed', updatesKey: 'updates', deletesKey: 'deletes' }),
      }),
    );
    const ended = await machine.run(CHANGES);
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { object: 'Contact', batches: 1, reason: 'nothing due' },
    });
    const execution = machine.executionArn.split(':').at(-1);
    expect(machine.calls.map(({ task, input }) => [task, input])).toEqual([
      ['CollectChanges', { ...CHANGES, execution: machine.executionArn, batches: 0, fenced: false }],
      ['ReadSalesforce', { object: 'Contact', recordsKey: 'records-of-b0', execution, keepReserve: true }],
      [
        'DecideChanges',
        {
          object: 'Contact',
          execution: machine.executionArn,
          batchId: 'b0',
          versionsKey: 'versions-of-records-of-b0',
          readAt: READ_AT,
        },
      ],
      ['PushRecords', { object: 'Contact', pushKey: 'updates', notAfter: NOT_AFTER, execution }],
      ['DeleteRecords', { object: 'Contact', pushKey: 'deletes', notAfter: NOT_AFTER, execution }],
      ['ReadSalesforce', { object: 'Contact', recordsKey: 'pushed', execution }],
      [
        'SettleBatch',
        {
          object: 'Contact',
          execution: machine.executionArn,
          batchId: 'b0',
          versionsKey: 'versions-of-pushed',
          readAt: READ_AT,
          outcomesKeys: ['outcomes-of-updates', 'outcomes-of-deletes'],
          attempt: 1,
        },
      ],
      ['CollectChanges', { ...CHANGES, execution: machine.executionArn, batches: 1, fenced: false }],
    ]);
  });

  test('of deletes only', async () => {
    const machine = machineOf(
      tasks({ DecideChanges: () => decided({ pushed: 1, pushedKey: 'pushed', deletesKey: 'deletes' }) }),
    );
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('PushRecords')).toEqual([]);
    expect(machine.inputsOf('SettleBatch')).toMatchObject([{ outcomesKeys: ['outcomes-of-deletes'] }]);
  });

  test('that the look has made superfluous is neither pushed nor read back', async () => {
    const machine = machineOf(tasks({ DecideChanges: () => decided() }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 1 } });
    expect(machine.inputsOf('ReadSalesforce')).toHaveLength(1);
    expect(machine.inputsOf('SettleBatch')).toEqual([]);
  });

  test.each(['nothing due', 'held by another execution', 'circuit open'] as const)('ends well: %s', async (reason) => {
    const machine = machineOf({ CollectChanges: () => ({ next: 'end', reason }) });
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 0, reason } });
  });

  test('of an object that is not mapped fails before anything is called', async () => {
    const machine = machineOf(tasks());
    const ended = await machine.run({ object: 'Lead', trigger: 'changes' });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect(machine.calls).toEqual([]);
  });
});

describe('a read-back', () => {
  test('that met changed links is done again for them, with a new attempt', async () => {
    const machine = machineOf(
      tasks({ SettleBatch: inTurn<'SettleBatch'>(settled({ readAgainKey: 'again' }), settled()) }),
    );
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('ReadSalesforce').map(({ recordsKey }) => recordsKey)).toEqual([
      'records-of-b0',
      'pushed',
      'again',
    ]);
    expect(machine.inputsOf('SettleBatch').map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test('is done three times at most: then the push stays open for the next round', async () => {
    const machine = machineOf(tasks({ SettleBatch: () => settled({ readAgainKey: 'again' }) }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 1 } });
    expect(machine.inputsOf('SettleBatch').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  test('that finds rows which the flow did not put: they go through the API, and are read back with what else is left', async () => {
    const machine = machineOf(
      flowTasks({
        SettleBatch: inTurn<'SettleBatch'>(
          settled({
            pushAgainKey: 'push-again',
            pushedAgainKey: 'pushed-again',
            notAfter: NOT_AFTER,
            readAgainKey: 'again',
          }),
          settled(),
        ),
      }),
      flowOf({ executionStatus: 'Successful', executionResult: { errorInfo: { putFailuresCount: 2 } } }),
    );
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('PushRecords')).toMatchObject([{ pushKey: 'push-again', notAfter: NOT_AFTER }]);
    expect(machine.inputsOf('ReadSalesforce').map(({ recordsKey }) => recordsKey)).toEqual([
      'records-of-b0',
      'pushed',
      'again',
      'pushed-again',
    ]);
    expect(machine.inputsOf('SettleBatch')).toMatchObject([
      { attempt: 1, flowFailures: 2, outcomesKeys: [] },
      { attempt: 2, flowFailures: 2, outcomesKeys: ['outcomes-of-push-again'] },
      { attempt: 3, flowFailures: 2, outcomesKeys: ['outcomes-of-push-again'] },
    ]);
  });
});

describe('many batches', () => {
  test('go on in one execution until Collect changes hands over to the next', async () => {
    const machine = machineOf(
      tasks({
        CollectChanges: ({ batches }) => (batches < 3 ? batch(`b${batches}`) : { next: 'hand over' }),
      }),
    );
    machine.failingPuts = 1;
    const ended = await machine.run(CHANGES);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { batches: 3, reason: 'handed over' } });
    expect(machine.inputsOf('CollectChanges').map(({ batches }) => batches)).toEqual([0, 1, 2, 3]);
    expect(machine.busEvents).toEqual([
      expect.objectContaining({ Source: 'sfsync', DetailType: 'Changes available', Detail: '{"object":"Contact"}' }),
    ]);
  });

  test('that give children of other objects their parent announce these once each, and go on', async () => {
    const machine = machineOf(
      tasks({
        CollectChanges: inTurn<'CollectChanges'>(batch('b0'), batch('b1'), NOTHING_DUE),
        DecideChanges: () => decided({ pushed: 3, pushedKey: 'pushed', updatesKey: 'updates', alsoDue: ['Case'] }),
        SettleBatch: inTurn<'SettleBatch'>(settled({ alsoDue: ['Case', 'Opportunity'] }), settled({ rejected: 1 })),
      }),
    );
    machine.failingPuts = 1;
    const ended = await machine.run(CHANGES);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { batches: 2 } });
    expect(machine.busEvents).toEqual(
      ['Case', 'Opportunity', 'Case'].map((object) =>
        expect.objectContaining({
          Source: 'sfsync',
          DetailType: 'Changes available',
          Detail: JSON.stringify({ object }),
        }),
      ),
    );
    expect(machine.inputsOf('Notify')).toMatchObject([{ about: 'batch', rejected: 1 }]);
  });

  test('notify of rows that cannot be sent, whether or not there is something to push', async () => {
    const rejects = (code: string) => ({ rejected: 2, reasons: [{ code, count: 2 }] });
    const machine = machineOf(
      tasks({
        CollectChanges: inTurn<'CollectChanges'>(
          { next: 'report', ...rejects('PARENT_WITHOUT_RECORD') },
          { ...batch('b1'), ...rejects('UNREADABLE_VALUE') },
          NOTHING_DUE,
        ),
        SettleBatch: () => settled({ rejected: 1, reasons: [{ code: 'STRING_TOO_LONG', count: 1 }] }),
      }),
    );
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 2 } });
    expect(machine.inputsOf('Notify')).toMatchObject([
      { about: 'batch', ...rejects('PARENT_WITHOUT_RECORD') },
      {
        about: 'batch',
        rejected: 3,
        reasons: [
          { code: 'UNREADABLE_VALUE', count: 2 },
          { code: 'STRING_TOO_LONG', count: 1 },
        ],
      },
    ]);
  });

  test('are announced by ten objects at most in one call', async () => {
    const objects = Array.from({ length: 12 }, (_, i) => `Child${i}__c`);
    const machine = machineOf(tasks({ SettleBatch: () => settled({ alsoDue: objects }) }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.busEvents).toMatchObject(
      objects.slice(0, 10).map((object) => ({ Detail: JSON.stringify({ object }) })),
    );
  });

  test('with long runs count as more, so that the history stays below 25,000 events', async () => {
    const limit = 50;
    let batches = 0;
    const machine = machineOf(
      flowTasks({
        CollectChanges: (input) => {
          if (input.batches >= limit) return { next: 'hand over' };
          return batch(`b${input.batches}-${batches++}`);
        },
      }),
      { ...flowOf({ executionStatus: 'InProgress' }) },
    );
    // Every run lasts 30 polls, some seven minutes.
    let polls = 0;
    machine.flows.records = () => [
      { executionId: 'run-1', executionStatus: ++polls % 30 === 0 ? 'Successful' : 'InProgress' },
    ];
    const ended = await machine.run(CHANGES);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { reason: 'handed over' } });
    expect(batches).toBe(13);
    expect(ended.events).toBeLessThan(limit * 180);
  });
});

describe('what is notified', () => {
  test('rejects and conflicts of the whole batch, once', async () => {
    const machine = machineOf(
      tasks({
        DecideChanges: () =>
          decided({
            pushed: 1,
            pushedKey: 'pushed',
            updatesKey: 'updates',
            conflicts: 2,
            reasons: [{ code: 'CONFLICT', field: 'Email', count: 2 }],
          }),
        SettleBatch: () => settled({ rejected: 1, reasons: [{ code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', count: 1 }] }),
      }),
    );
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toEqual([
      {
        about: 'batch',
        object: 'Contact',
        execution: machine.executionArn,
        rejected: 1,
        conflicts: 2,
        reasons: [
          { code: 'CONFLICT', field: 'Email', count: 2 },
          { code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', count: 1 },
        ],
      },
    ]);
  });

  test('nothing about a second batch that has nothing to report', async () => {
    const machine = machineOf(
      tasks({
        CollectChanges: inTurn<'CollectChanges'>(batch('b0'), batch('b1'), NOTHING_DUE),
        DecideChanges: inTurn<'DecideChanges'>(decided({ rejected: 1 }), decided()),
      }),
    );
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { batches: 2 } });
    expect(machine.inputsOf('Notify')).toHaveLength(1);
  });

  test('that deletes are held, while what is not held is pushed', async () => {
    const decision = decided({ pushed: 3, pushedKey: 'pushed', updatesKey: 'updates', heldDeletes: 2000 });
    const machine = machineOf(tasks({ DecideChanges: () => decision }));
    expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toEqual([
      { about: 'deletes held', object: 'Contact', execution: machine.executionArn, records: 2000 },
    ]);
    expect(machine.inputsOf('PushRecords')).toHaveLength(1);
  });

  test('that the circuit has closed once a batch has gone through', async () => {
    const pushes = { pushed: 1, pushedKey: 'pushed', updatesKey: 'updates' };
    const machine = machineOf(
      tasks({ DecideChanges: () => decided(pushes), SettleBatch: () => settled({ circuitClosed: true }) }),
    );
    expect(await machine.run({ ...CHANGES, trigger: 'schedule' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toMatchObject([{ about: 'circuit', state: 'closed' }]);
  });

  test('that the circuit has closed', async () => {
    const machine = machineOf(tasks({ DecideChanges: () => decided({ circuitClosed: true }) }));
    expect(await machine.run({ ...CHANGES, trigger: 'schedule' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toEqual([
      { about: 'circuit', object: 'Contact', execution: machine.executionArn, state: 'closed' },
    ]);
  });
});

describe('the database', () => {
  test.each(['CollectChanges', 'DecideChanges', 'SettleBatch'] as const)(
    'away in %s: waited for; then the execution fails there, and a redrive goes on there',
    async (task) => {
      const machine = machineOf(tasks());
      const works = machine.tasks;
      machine.tasks = { ...works, [task]: inTurn(taskError('RetryableError')) };
      expect(await machine.run(CHANGES)).toMatchObject({ status: 'FAILED', error: 'RetryableError' });
      expect(machine.inputsOf(task)).toHaveLength(31);
      const looked = machine.inputsOf('ReadSalesforce').length;

      machine.tasks = works;
      expect(await machine.redrive()).toMatchObject({ status: 'SUCCEEDED', output: { batches: 1 } });
      const expected = task === 'SettleBatch' ? looked : task === 'DecideChanges' ? looked + 1 : looked + 2;
      expect(machine.inputsOf('ReadSalesforce')).toHaveLength(expected);
      expect(machine.inputsOf('Notify')).toEqual([]);
    },
  );
});
