/** Seeds on a system that has a planted bug; or, as a control, on one that has none. */
import { FAULTS } from '../faults/faults.ts';
import { judge } from '../judge/judge.ts';
import { makePlan } from '../plan/make-plan.ts';
import { objectsWith } from '../plan/objects.ts';
import type { Plan } from '../plan/plan.ts';
import { runSeed } from '../run/run-seed.ts';
import { World } from '../world/world.ts';
import type { SeedReport } from './hunt.ts';
import { overlaysOf, type PlantedBug } from './planted-bug.ts';

/** Larger than a usual short seed: a start costs more than what is done then. */
const PLAN = { operations: 160, lengthMs: 10_000, herd: 80, mappingChanges: 0 };
const FAULTS_OF_A_SEED = 5;

/** The plan of a seed for the bug: with the faults that it needs, and no others. */
export function planFor({ faults: names }: Pick<PlantedBug, 'faults'>, seed: number): Plan {
  const faults = faultsCalled(names);
  return makePlan(seed, { ...PLAN, faults, faultCount: faults.length === 0 ? 0 : FAULTS_OF_A_SEED });
}

/** Throws an Error for a name that no fault has. */
export function faultsCalled(names: readonly string[]) {
  return names.map((name) => {
    const fault = FAULTS.find((each) => each.name === name);
    if (fault === undefined) throw new Error(`There is no fault "${name}".`);
    return fault;
  });
}

export interface SeedsOptions {
  /** Says how far it is. */
  readonly progress: (text: string) => void;
  readonly commit: string;
}

/** One after the other on one system, each judged by itself. `bug`: undefined: the project as it is. */
export async function* judgedSeeds(
  plans: readonly Plan[],
  bug: PlantedBug | undefined,
  { progress, commit }: SeedsOptions,
): AsyncGenerator<SeedReport> {
  progress('the system starts');
  const world = await World.open({ objects: objectsWith(), overlays: bug === undefined ? {} : overlaysOf(bug) });
  try {
    for (const plan of plans) {
      const { history } = await runSeed(world, plan, {
        faults: FAULTS,
        commit,
        faultNames: plan.faults.map(({ name }) => name),
        progress: ({ phase, operations }) => progress(`seed ${plan.seed}: ${phase}, ${operations} operations`),
      });
      const { violations } = judge(history);
      const rules = [...new Set(violations.map(({ rule }) => rule))];
      yield { seed: plan.seed, rules, says: violations[0]?.says };
    }
  } finally {
    progress('the system stops');
    await world.close();
  }
}
