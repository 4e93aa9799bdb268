/** An outbound execution that has lost its lease, as one that is redriven late: another one goes on, and it ends well. */
import { expect, test } from 'vitest';
import { batch, CHANGES, decided, flowOf, flowTasks, inTurn, machineOf, tasks } from './outbound-batch.ts';
import { taskError } from './pipeline.ts';

const lost = taskError('LeaseLostError');
const HELD = { next: 'end', reason: 'held by another execution' } as const;
const collected = () => ({ CollectChanges: inTurn<'CollectChanges'>(batch('b0'), HELD) });

test('in Collect: ends', async () => {
  const machine = machineOf(tasks({ CollectChanges: inTurn<'CollectChanges'>(lost) }));
  expect(await machine.run(CHANGES)).toMatchObject({
    status: 'SUCCEEDED',
    output: { reason: 'taken over by another execution' },
  });
  expect(machine.inputsOf('CollectChanges')).toHaveLength(1);
});

test('in Decide: nothing is sent, and the lease is asked for once more', async () => {
  const machine = machineOf(tasks({ ...collected(), DecideChanges: inTurn<'DecideChanges'>(lost) }));
  expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { reason: HELD.reason } });
  expect(machine.inputsOf('PushRecords')).toEqual([]);
});

test('in Settle: the open push is left to the fence, and what was found before is reported', async () => {
  const machine = machineOf(
    tasks({
      ...collected(),
      DecideChanges: () => decided({ pushed: 1, pushedKey: 'pushed', updatesKey: 'updates', conflicts: 1 }),
      SettleBatch: inTurn<'SettleBatch'>(lost),
    }),
  );
  expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { reason: HELD.reason } });
  expect(machine.inputsOf('Notify')).toMatchObject([{ about: 'batch', conflicts: 1 }]);
});

test('when Salesforce is away: the circuit is the business of the other execution', async () => {
  const machine = machineOf(
    tasks({
      PushRecords: inTurn<'PushRecords'>(taskError('RetryableError')),
      OpenCircuit: inTurn<'OpenCircuit'>(lost),
    }),
  );
  expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED', output: { reason: 'Salesforce is away' } });
});

test('before the start of the flow, with a redrive: no run is started on what may lie there by now, and the lease is asked for', async () => {
  const start = () => {
    throw taskError('ResourceNotFoundException');
  };
  const machine = machineOf(flowTasks(collected()), { ...flowOf(), start });
  expect(await machine.run(CHANGES)).toMatchObject({ status: 'FAILED' });
  const attempts = machine.startedFlows.length;
  machine.flows = flowOf();
  expect(await machine.redrive()).toMatchObject({ status: 'SUCCEEDED', output: { reason: HELD.reason } });
  expect(machine.startedFlows).toHaveLength(attempts);
});
