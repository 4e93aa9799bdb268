import type { GuardedState } from '../definition/definition.ts';
import { StateFailure } from './failure.ts';
import { coversError, RetryBudget } from './retry.ts';
import type { Transition, Visit } from './visit.ts';

/**
 * Runs a state that may be retried and caught. A retry stays in the visit: the state is not entered again, its expressions
 * are evaluated anew. A catcher's expressions may fail as well; that failure is final.
 */
export async function runGuarded(
  state: GuardedState,
  visit: Visit,
  attempt: () => Promise<Transition>,
): Promise<Transition> {
  const budget = new RetryBudget(state.retry);
  for (;;) {
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof StateFailure)) throw failure;
      const retry = budget.take(failure.error, visit.frame.run.random);
      if (retry === undefined) return leaveByCatcher(state, visit, failure);
      visit.retryCount += 1;
      visit.branches = undefined;
      await visit.frame.run.clock.sleep(retry.delayMs, visit.frame.signal);
    }
  }
}

function leaveByCatcher(state: GuardedState, visit: Visit, failure: StateFailure): Promise<Transition> {
  if (state.type !== 'Task') visit.record(`${state.type}StateFailed`);
  const catcher = state.catch.find((candidate) => coversError(candidate.errorEquals, failure.error));
  if (catcher === undefined) throw failure;
  const errorOutput = { Error: failure.error ?? '', Cause: failure.reason ?? '' };
  return visit.leave(catcher, errorOutput, { errorOutput });
}
