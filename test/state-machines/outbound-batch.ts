import { type FlowRun, PipelineMachine, type TaskInput, type Tasks } from './pipeline.ts';

export const CHANGES = { object: 'Contact', trigger: 'changes' } as const;
export const READ_AT = '2026-03-01T12:00:05.000Z';
export const NOT_AFTER = '2026-03-01T12:05:00.000Z';
export const NOTHING_DUE = { next: 'end', reason: 'nothing due' } as const;

type Answer<Name extends keyof Tasks> = Awaited<ReturnType<NonNullable<Tasks[Name]>>>;

export function batch(id: string): Answer<'CollectChanges'> {
  return { next: 'push', batchId: id, recordsKey: `records-of-${id}`, records: 3 };
}

export function decided(change: Partial<Answer<'DecideChanges'>> = {}): Answer<'DecideChanges'> {
  const nothing = { batchId: 'b0', notAfter: NOT_AFTER, pushed: 0, conflicts: 0, rejected: 0, reasons: [] };
  return { ...nothing, circuitClosed: false, ...change };
}

export function settled(change: Partial<Answer<'SettleBatch'>> = {}): Answer<'SettleBatch'> {
  return { settled: 3, rejected: 0, conflicts: 0, reasons: [], attempt: 1, ...change };
}

/** Answers of a task one after the other; an Error is thrown. The last one goes on for ever. */
export function inTurn<Name extends keyof Tasks>(...answers: (Answer<Name> | Error)[]) {
  let next = 0;
  return (_: TaskInput<Name>): Answer<Name> => {
    const answer = answers[Math.min(next++, answers.length - 1)];
    if (answer instanceof Error) throw answer;
    return answer as Answer<Name>;
  };
}

/** Lambdas for one batch of updates through the API. */
export function tasks(change: Tasks = {}): Tasks {
  return {
    CollectChanges: inTurn<'CollectChanges'>(batch('b0'), NOTHING_DUE),
    ReadSalesforce: ({ recordsKey }) => ({ versionsKey: `versions-of-${recordsKey}`, readAt: READ_AT, records: 3 }),
    DecideChanges: () => decided({ pushed: 3, pushedKey: 'pushed', updatesKey: 'updates' }),
    PushRecords: ({ pushKey }) => ({ outcomesKey: `outcomes-of-${pushKey}` }),
    DeleteRecords: ({ pushKey }) => ({ outcomesKey: `outcomes-of-${pushKey}` }),
    SettleBatch: () => settled(),
    ...change,
  };
}

/** Lambdas for one batch of updates through the flow. */
export function flowTasks(change: Tasks = {}): Tasks {
  return tasks({
    DecideChanges: () => decided({ pushed: 3, pushedKey: 'pushed', csvKey: 'outbound/Contact/b0.csv' }),
    ...change,
  });
}

/** A flow whose runs show their statuses one after the other; the last one stays. */
export function flowOf(...runs: Omit<FlowRun, 'executionId'>[]) {
  let next = 0;
  return {
    start: () => ({ executionId: 'run-1' }),
    records: (): FlowRun[] => {
      const run = runs[Math.min(next++, runs.length - 1)];
      return run === undefined ? [] : [{ executionId: 'run-1', ...run }];
    },
  };
}

export function machineOf(changed: Tasks, flows = {}): PipelineMachine {
  return new PipelineMachine('postgres-to-salesforce', changed, flows);
}
