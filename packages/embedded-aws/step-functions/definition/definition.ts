import type { RunnableResource } from '../integrations/task-resource.ts';
import type { Json, JsonObject } from '../states/json.ts';

/** A value with expressions in it, as written in the definition. Absent is `undefined`; `null` is a value. */
export type Template = Json;

/** The variables an Assign field sets, each with its template. */
export type Assignments = JsonObject;

export interface Retrier {
  readonly errorEquals: readonly string[];
  readonly intervalSeconds: number;
  readonly maxAttempts: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number | undefined;
  readonly jitter: 'FULL' | 'NONE';
}

export interface Catcher {
  readonly errorEquals: readonly string[];
  readonly output: Template | undefined;
  readonly assign: Assignments | undefined;
  readonly next: string;
}

interface Named {
  readonly name: string;
}

/** What a state does when it is left: `next` undefined means that its list of states ends here. */
interface Leaving {
  readonly output: Template | undefined;
  readonly assign: Assignments | undefined;
  readonly next: string | undefined;
}

interface Guarded {
  readonly retry: readonly Retrier[];
  readonly catch: readonly Catcher[];
}

export interface PassState extends Named, Leaving {
  readonly type: 'Pass';
}

export interface WaitState extends Named, Leaving {
  readonly type: 'Wait';
  readonly until: { readonly seconds: Template } | { readonly timestamp: Template };
}

export interface ChoiceRule {
  readonly condition: Template;
  readonly output: Template | undefined;
  readonly assign: Assignments | undefined;
  readonly next: string;
}

export interface ChoiceState extends Named {
  readonly type: 'Choice';
  readonly rules: readonly ChoiceRule[];
  readonly output: Template | undefined;
  readonly assign: Assignments | undefined;
  readonly default: string | undefined;
}

export interface SucceedState extends Named {
  readonly type: 'Succeed';
  readonly output: Template | undefined;
}

export interface FailState extends Named {
  readonly type: 'Fail';
  readonly error: Template | undefined;
  readonly cause: Template | undefined;
}

export interface TaskState extends Named, Leaving, Guarded {
  readonly type: 'Task';
  /** The Resource as written, and what it stands for. */
  readonly resource: string;
  readonly task: RunnableResource;
  readonly arguments: Template | undefined;
  readonly timeoutSeconds: Template | undefined;
  readonly heartbeatSeconds: Template | undefined;
  readonly roleArn: Template | undefined;
}

export interface ParallelState extends Named, Leaving, Guarded {
  readonly type: 'Parallel';
  readonly arguments: Template | undefined;
  readonly branches: readonly StateList[];
}

export interface MapState extends Named, Leaving, Guarded {
  readonly type: 'Map';
  readonly items: Template | undefined;
  readonly itemSelector: Template | undefined;
  readonly maxConcurrency: Template | undefined;
  readonly toleratedFailureCount: Template | undefined;
  readonly toleratedFailurePercentage: Template | undefined;
  readonly processor: StateList;
}

export type State =
  | PassState
  | WaitState
  | ChoiceState
  | SucceedState
  | FailState
  | TaskState
  | ParallelState
  | MapState;

/** States that may be retried and caught. */
export type GuardedState = TaskState | ParallelState | MapState;

/** A state machine without its name: the top level, a branch of a Parallel state, the processor of a Map state. */
export interface StateList {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

export interface Machine extends StateList {
  /** The whole execution may take that long. */
  readonly timeoutSeconds: number | undefined;
}

/** A fault of a definition. `UNSUPPORTED` is no fault in AWS: it is something that this interpreter does not offer. */
export interface Diagnostic {
  readonly severity: 'ERROR';
  readonly code:
    | 'INVALID_JSON_DESCRIPTION'
    | 'SCHEMA_VALIDATION_FAILED'
    | 'INVALID_JSONATA'
    | 'UNSUPPORTED'
    | (string & {});
  readonly message: string;
  /** Where, as a JSON pointer: `/States/Load/Retry[0]`. */
  readonly location: string;
}

/** The state of that name. Throws when there is none, which a checked definition cannot bring about. */
export function stateNamed(list: StateList, name: string): State {
  const state = list.states.get(name);
  if (state === undefined) throw new Error(`the definition has no state '${name}'`);
  return state;
}
