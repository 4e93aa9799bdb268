/** Executions of a pipeline that end before their work does. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, FaultWorld } from './fault.ts';

const LOOK_EVERY_MS = 50;

export const executionFaults: readonly Fault[] = [
  aborting('execution to Salesforce aborted', 'stateMachine.postgresToSalesforce'),
  aborting('execution to PostgreSQL aborted', 'stateMachine.salesforceToPostgres'),
];

/** StopExecution for the first that is found after a moment of its work, once. */
function aborting(name: string, machine: string): Fault {
  return {
    name,
    about: 'An execution is stopped in the middle; its dead letter is redriven in the end.',
    lasts: [1_000, 5_000],
    excludes: ['system'],
    weight: 0.5,
    async begin(world, random) {
      const into = random.integer(0, 1_500);
      let isOver = false;
      const aborted = (async () => {
        while (!isOver) {
          const executionArn = await runningOne(world, machine, into);
          if (executionArn !== undefined) {
            await world.call('states', 'StopExecution', { executionArn, error: 'Chaos', cause: 'stopped by a fault' });
            return 1;
          }
          await pause(LOOK_EVERY_MS);
        }
        return 0;
      })();
      // Seen at the end, whenever it comes.
      aborted.catch(() => undefined);
      return {
        detail: `after ${into} ms`,
        async end() {
          isOver = true;
          return { struck: await aborted };
        },
      };
    },
  };
}

/** The execution that has been running for at least so long. */
async function runningOne(world: FaultWorld, machine: string, forMs: number): Promise<string | undefined> {
  const stateMachineArn = world.endpoints.resources[machine];
  type Answer = { readonly executions: readonly { readonly executionArn: string; readonly startDate: number }[] };
  const { executions } = await world.call<Answer>('states', 'ListExecutions', {
    stateMachineArn,
    statusFilter: 'RUNNING',
    maxResults: 10,
  });
  return executions.find(({ startDate }) => Date.now() - startDate * 1000 >= forMs)?.executionArn;
}
