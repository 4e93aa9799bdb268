import type { MapState } from '../definition/definition.ts';
import type { BranchResults, BranchSet, RunStates } from './branches.ts';
import { runBranches } from './branches.ts';
import { StateFailure } from './failure.ts';
import { runGuarded } from './guarded.ts';
import type { Json } from './json.ts';
import type { Transition, Visit } from './visit.ts';

/** As many iterations as an inline Map state runs at a time when MaxConcurrency is 0 or absent (Developer Guide). */
const MOST_ITERATIONS = 40;

const TOO_MANY_FAILED = new StateFailure(
  'States.ExceedToleratedFailureThreshold',
  'The specified tolerated failure threshold was exceeded',
);

/** Runs the item processor once per item; the result is the list of outputs, in the order of the items. */
export function runMap(state: MapState, visit: Visit, runStates: RunStates): Promise<Transition> {
  return runGuarded(state, visit, async () => {
    const redriven = visit.branches !== undefined;
    const items = await itemsOf(state, visit);
    const concurrency = (await visit.number(state.maxConcurrency, 'MaxConcurrency', 0)) || MOST_ITERATIONS;
    const tolerance = await toleranceOf(state, visit, items.length);
    if (!redriven) visit.record('MapStateStarted', { length: items.length });
    const results = await runIterations(state, visit, runStates, items, concurrency, tolerance);
    visit.record('MapStateSucceeded');
    const result: Json = results.filter((output): output is Json => output !== undefined);
    return visit.leave(state, result, { result });
  });
}

async function itemsOf(state: MapState, visit: Visit): Promise<readonly Json[]> {
  const items = state.items === undefined ? visit.input : await visit.evaluateAs(state.items, 'Items', 'array');
  if (Array.isArray(items)) return items;
  const why = `Map state input must be an array but was: ${JSON.stringify(items)}`;
  throw visit.evaluationFailure(why, undefined);
}

interface Tolerance {
  /** Whether the definition speaks of tolerance at all: then too many failures have an error name of their own. */
  readonly stated: boolean;
  covers(failed: number): boolean;
}

async function toleranceOf(state: MapState, visit: Visit, length: number): Promise<Tolerance> {
  const count = await visit.number(state.toleratedFailureCount, 'ToleratedFailureCount', 0);
  const percentage = await visit.number(state.toleratedFailurePercentage, 'ToleratedFailurePercentage', 0);
  return {
    stated: count !== undefined || percentage !== undefined,
    // With both given, passing either of the two fails the state.
    covers: (failed) =>
      failed === 0 ||
      ((count !== undefined || percentage !== undefined) &&
        failed <= (count ?? Number.POSITIVE_INFINITY) &&
        failed * 100 <= (percentage ?? Number.POSITIVE_INFINITY) * length),
  };
}

function runIterations(
  state: MapState,
  visit: Visit,
  runStates: RunStates,
  items: readonly Json[],
  concurrency: number,
  tolerance: Tolerance,
): Promise<BranchResults> {
  const set: BranchSet = {
    count: items.length,
    concurrency,
    tolerates: tolerance.covers,
    failure: (first) => (tolerance.stated ? TOO_MANY_FAILED : first),
    begin: async (index) => {
      const item = { Index: index, Value: items[index] ?? null };
      return { list: state.processor, input: await selectItem(state, visit, item), item };
    },
    started: (index, { run, cursor }) => {
      run.history.record(cursor, 'MapIterationStarted', { name: state.name, index });
    },
    ended: (index, { run, cursor }, how) => {
      run.history.record(cursor, `MapIteration${how}`, { name: state.name, index });
    },
  };
  return runBranches(set, visit, runStates);
}

async function selectItem(state: MapState, visit: Visit, item: { Index: number; Value: Json }): Promise<Json> {
  if (state.itemSelector === undefined) return item.Value;
  return visit.evaluateForItem(state.itemSelector, 'ItemSelector', item);
}
