import type { ParallelState } from '../definition/definition.ts';
import type { RunStates } from './branches.ts';
import { runBranches } from './branches.ts';
import { runGuarded } from './guarded.ts';
import type { Json } from './json.ts';
import type { Transition, Visit } from './visit.ts';

/** Runs the branches side by side on the same input; the result is the list of their outputs. */
export function runParallel(state: ParallelState, visit: Visit, runStates: RunStates): Promise<Transition> {
  return runGuarded(state, visit, async () => {
    const redriven = visit.branches !== undefined;
    const input = state.arguments === undefined ? visit.input : await visit.evaluate(state.arguments, 'Arguments');
    if (!redriven) visit.record('ParallelStateStarted');
    const results = await runBranches(
      {
        count: state.branches.length,
        concurrency: state.branches.length,
        tolerates: (failed) => failed === 0,
        failure: (first) => first,
        begin: async (index) => {
          const list = state.branches[index];
          if (list === undefined) throw new Error(`state '${state.name}' has no branch ${index}`);
          return { list, input, item: undefined };
        },
      },
      visit,
      runStates,
    );
    visit.record('ParallelStateSucceeded');
    const result: Json = results.map((output) => output ?? null);
    return visit.leave(state, result, { result });
  });
}
