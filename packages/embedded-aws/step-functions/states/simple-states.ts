import type { ChoiceState, FailState, PassState, SucceedState, WaitState } from '../definition/definition.ts';
import { parseTimestamp } from '../definition/definition-fields.ts';
import { StateFailure } from './failure.ts';
import type { Transition, Visit } from './visit.ts';

export function runPass(state: PassState, visit: Visit): Promise<Transition> {
  return visit.leave(state, visit.input);
}

export function runSucceed(state: SucceedState, visit: Visit): Promise<Transition> {
  return visit.leave({ next: undefined, output: state.output, assign: undefined }, visit.input);
}

export async function runFail(state: FailState, visit: Visit): Promise<never> {
  const text = async (template: FailState['error'], location: string) =>
    template === undefined ? undefined : String(await visit.evaluateAs(template, location, 'string'));
  throw new StateFailure(await text(state.error, 'Error'), await text(state.cause, 'Cause'));
}

/** The rule that matches brings its own Output and Assign; those of the state act only when Default is taken. */
export async function runChoice(state: ChoiceState, visit: Visit): Promise<Transition> {
  for (const [index, rule] of state.rules.entries()) {
    const holds = await visit.evaluateAs(rule.condition, `Choices[${index}]/Condition`, 'boolean');
    if (holds === true) return visit.leave(rule, visit.input);
  }
  if (state.default !== undefined) return visit.leave({ ...state, next: state.default }, visit.input);
  const why = 'Failed to transition out of the state. The state does not point to a next state.';
  throw new StateFailure('States.NoChoiceMatched', visit.explain(why));
}

/** Waits until its moment, counted from when the state was entered: a wait is not lengthened by a restart. */
export async function runWait(state: WaitState, visit: Visit): Promise<Transition> {
  const { clock } = visit.frame.run;
  const wakeAt = await wakeTime(state, visit);
  if (wakeAt > clock.now()) await clock.sleep(wakeAt - clock.now(), visit.frame.signal);
  return visit.leave(state, visit.input);
}

async function wakeTime(state: WaitState, visit: Visit): Promise<number> {
  if ('seconds' in state.until) {
    const seconds = await visit.number(state.until.seconds, 'Seconds', 0);
    return visit.enteredAt + (seconds ?? 0) * 1_000;
  }
  const text = String(await visit.evaluateAs(state.until.timestamp, 'Timestamp', 'string'));
  const at = parseTimestamp(text);
  if (at !== undefined) return at;
  const why = `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${text}`;
  throw visit.evaluationFailure(why, 'Timestamp');
}
