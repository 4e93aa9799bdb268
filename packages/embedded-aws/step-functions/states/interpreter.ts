import type { State, StateList } from '../definition/definition.ts';
import { stateNamed } from '../definition/definition.ts';
import { Interruption, StateFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import type { Json } from './json.ts';
import { runMap } from './map-state.ts';
import { runParallel } from './parallel-state.ts';
import type { Position } from './position.ts';
import { runChoice, runFail, runPass, runSucceed, runWait } from './simple-states.ts';
import { runTask } from './task-state.ts';
import type { Transition } from './visit.ts';
import { Visit } from './visit.ts';

/** How a list of states came to its end. `position`: where to go on from, when it did not come to a good one. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly output: Json }
  | { readonly kind: 'failed'; readonly failure: StateFailure; readonly position: Position }
  | { readonly kind: 'interrupted'; readonly position: Position };

/**
 * Runs states from a position until one ends the list, fails, or the frame's signal is aborted. Throws only what is a
 * fault of this program.
 */
export async function runStates(list: StateList, start: Position, frame: Frame): Promise<Outcome> {
  let position = start;
  for (;;) {
    if (frame.signal.aborted) return { kind: 'interrupted', position };
    const visit = new Visit(stateNamed(list, position.state), frame, position);
    if (frame.depth === 0) frame.run.checkpoint(visit.position);
    let transition: Transition;
    try {
      transition = await runState(visit.state, visit);
    } catch (thrown) {
      return broughtDown(visit, thrown);
    }
    if (transition.next === undefined) return { kind: 'succeeded', output: transition.output };
    position = {
      state: transition.next,
      input: transition.output,
      variables: transition.variables,
      entered: undefined,
    };
  }
}

function runState(state: State, visit: Visit): Promise<Transition> {
  switch (state.type) {
    case 'Pass':
      return runPass(state, visit);
    case 'Wait':
      return runWait(state, visit);
    case 'Choice':
      return runChoice(state, visit);
    case 'Succeed':
      return runSucceed(state, visit);
    case 'Fail':
      return runFail(state, visit);
    case 'Task':
      return runTask(state, visit);
    case 'Parallel':
      return runParallel(state, visit, runStates);
    case 'Map':
      return runMap(state, visit, runStates);
    default:
      return state satisfies never;
  }
}

function broughtDown(visit: Visit, thrown: unknown): Outcome {
  if (thrown instanceof StateFailure) return { kind: 'failed', failure: thrown, position: restartable(visit, thrown) };
  if (!(thrown instanceof Interruption)) throw thrown;
  if (thrown.kind === 'branch-failed') visit.record(`${visit.state.type}StateAborted`);
  return {
    kind: 'interrupted',
    position: thrown.kind === 'suspended' ? visit.position : restartable(visit, undefined),
  };
}

/**
 * Where a redrive goes on: a Task, Parallel or Map state is scheduled again without being entered anew, with the branches
 * that were done; any other state is entered again. After a result that was too large all branches run again
 * (Developer Guide, redriving executions).
 */
function restartable(visit: Visit, failure: StateFailure | undefined): Position {
  const { type } = visit.state;
  const staysEntered = type === 'Task' || type === 'Parallel' || type === 'Map';
  return {
    ...visit.position,
    entered: staysEntered ? visit.position.entered : undefined,
    branches: failure?.error === 'States.DataLimitExceeded' ? undefined : visit.branches,
  };
}
