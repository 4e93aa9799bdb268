/** Executions of a pipeline that end before their work does. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, FaultInForce, FaultWorld } from './fault.ts';

const LOOK_EVERY_MS = 50;

export const executionFaults: readonly Fault[] = [
  aborting('execution to Salesforce aborted', 'stateMachine.postgresToSalesforce'),
  aborting('execution to PostgreSQL aborted', 'stateMachine.salesforceToPostgres'),
  {
    name: 'execution aborted during a push',
    about: 'An execution is stopped while a push of its is open: what it has sent may land afterwards.',
    lasts: [1_000, 6_000],
    excludes: ['system'],
    weight: 0.5,
    async begin(world, random) {
      const into = random.integer(0, 800);
      return stopping(`${into} ms into a push`, world, async () => {
        const executionArn = await pushingOne(world);
        if (executionArn !== undefined) await pause(into);
        return executionArn;
      });
    },
  },
];

/** The first that is found after a moment of its work. */
function aborting(name: string, machine: string): Fault {
  return {
    name,
    about: 'An execution is stopped in the middle; its dead letter is redriven in the end.',
    lasts: [1_000, 5_000],
    excludes: ['system'],
    weight: 0.5,
    async begin(world, random) {
      const into = random.integer(0, 1_500);
      return stopping(`after ${into} ms`, world, () => runningOne(world, machine, into));
    },
  };
}

/** StopExecution for the first that is found, once. */
function stopping(detail: string, world: FaultWorld, find: () => Promise<string | undefined>): FaultInForce {
  let isOver = false;
  const stopped = (async () => {
    while (!isOver) {
      const executionArn = await find();
      if (executionArn !== undefined) {
        await world.call('states', 'StopExecution', { executionArn, error: 'Chaos', cause: 'stopped by a fault' });
        return 1;
      }
      await pause(LOOK_EVERY_MS);
    }
    return 0;
  })();
  // Seen at the end, whenever it comes.
  stopped.catch(() => undefined);
  return {
    detail,
    async end() {
      isOver = true;
      return { struck: await stopped };
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

/** The execution that holds the lease of an object of which a push is open. */
async function pushingOne({ server }: FaultWorld): Promise<string | undefined> {
  const sql = `select execution from sfsync.lease join sfsync.link using (object)
                where push_id is not null and execution is not null limit 1`;
  const [found] = await server.query<{ execution: string }>(sql).catch(() => []);
  return found?.execution;
}
