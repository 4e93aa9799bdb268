/** What AppFlow does to its flows. */
import type { Random } from '../plan/random.ts';
import type { Fault, FaultWorld } from './fault.ts';
import { awsFault } from './switches.ts';

const BRIEF = [1_000, 6_000] as const;

/** A flow of either direction, by its name. */
function flowOf(
  random: Random,
  { endpoints: { resources } }: FaultWorld,
  kinds: readonly string[] = ['inbound', 'outbound'],
): string {
  const names = Object.keys(resources).filter((name) => kinds.some((kind) => name.startsWith(`${kind}Flow.`)));
  return resources[random.pick(names)] ?? '';
}

export const appflowFaults: readonly Fault[] = [
  awsFault({
    name: 'appflow runs fail',
    about: 'Runs of a flow end in Error before they have touched anything.',
    lasts: BRIEF,
    fault: 'failedRuns',
    set: (random, world) => {
      const flow = flowOf(random, world);
      return { detail: flow, options: { flow, times: random.integer(1, 3) } };
    },
  }),
  awsFault({
    name: 'appflow slow',
    about: 'Runs of a flow stay in progress, before their work or after it.',
    lasts: BRIEF,
    fault: 'slowRuns',
    set: (random, world) => {
      const flow = flowOf(random, world);
      const [beforeMs, afterMs] = random.pick([
        [random.integer(500, 5_000), 0],
        [0, random.integer(500, 5_000)],
      ] as const);
      return { detail: flow, options: { flow, beforeMs, afterMs, times: random.integer(1, 4) } };
    },
  }),
  awsFault({
    name: 'appflow runs late',
    about: 'Runs of a flow to Salesforce do their work late: what they carry is older by then.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'slowRuns',
    set: (random, world) => {
      const flow = flowOf(random, world, ['outbound']);
      return { detail: flow, options: { flow, beforeMs: random.integer(1_500, 5_000) } };
    },
  }),
  awsFault({
    name: 'appflow rows refused',
    about: 'Some rows of a run fail.',
    lasts: BRIEF,
    fault: 'refusedRows',
    set: (random, world) => {
      const flow = flowOf(random, world, ['outbound']);
      return { detail: flow, options: { flow, every: random.integer(1, 4) } };
    },
  }),
  awsFault({
    name: 'appflow silent',
    about: 'A flow is active, and its slots pass without a run.',
    lasts: BRIEF,
    fault: 'silentRuns',
    set: (random, world) => {
      const flow = flowOf(random, world, ['inbound']);
      return { detail: flow, options: { flow } };
    },
  }),
  {
    name: 'appflow deactivated',
    about: 'A flow is deactivated, and activated again.',
    lasts: BRIEF,
    excludes: ['flows', 'system'],
    async begin(world, random) {
      const flowName = flowOf(random, world, ['inbound']);
      await world.call('appflow', 'StopFlow', { flowName });
      return {
        detail: flowName,
        async end() {
          await world.call('appflow', 'StartFlow', { flowName });
          return { struck: 1 };
        },
      };
    },
  },
];
