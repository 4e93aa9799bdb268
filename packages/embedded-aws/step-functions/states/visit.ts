import type { Assignments, State, Template } from '../definition/definition.ts';
import type { HistoryDetails } from '../executions/history.ts';
import { NOT_TRUNCATED } from '../executions/history.ts';
import type { Bindings, ResultType } from './expression.ts';
import { EvaluationError, evaluateTemplate, evaluateTyped } from './expression.ts';
import { dataLimitText, StateFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import type { Json } from './json.ts';
import { exceedsDataLimit } from './json.ts';
import type { BranchPosition, Position, Variables } from './position.ts';

/** How a state was left. `next` undefined: its list of states has ended with that output. */
export interface Transition {
  readonly next: string | undefined;
  readonly output: Json;
  readonly variables: Variables;
}

interface Departure {
  readonly next: string | undefined;
  readonly output: Template | undefined;
  readonly assign: Assignments | undefined;
}

/** One stay in a state, over all its retries: its input, what its expressions can see, and its history events. */
export class Visit {
  readonly state: State;
  readonly frame: Frame;
  readonly input: Json;
  readonly enteredAt: number;
  readonly enteredId: number;
  retryCount = 0;
  /** Set by a Parallel or Map state, so that its position holds how far its branches have come. */
  branches: readonly BranchPosition[] | undefined;
  readonly #variables: Variables;

  constructor(state: State, frame: Frame, position: Position) {
    this.state = state;
    this.frame = frame;
    this.input = position.input;
    this.branches = position.branches;
    this.#variables = position.variables;
    this.enteredAt = position.entered?.at ?? frame.run.clock.now();
    this.enteredId =
      position.entered?.eventId ??
      this.record(`${state.type}StateEntered`, {
        name: state.name,
        input: JSON.stringify(position.input),
        inputDetails: NOT_TRUNCATED,
      });
  }

  get position(): Position {
    const entered = { eventId: this.enteredId, at: this.enteredAt };
    return { state: this.state.name, input: this.input, variables: this.#variables, entered, branches: this.branches };
  }

  /** All variables this state can see; inner ones hide outer ones. */
  get variables(): Variables {
    return { ...this.frame.outerVariables, ...this.#variables };
  }

  record(type: string, details?: HistoryDetails): number {
    return this.frame.run.history.record(this.frame.cursor, type, details);
  }

  /** Fills in a field of the state. Throws StateFailure (`States.QueryEvaluationError`) when that is not possible. */
  evaluate(template: Template, location: string, further: Record<string, Json> = {}): Promise<Json> {
    return this.#failing(() => evaluateTemplate(template, location, this.#bindings(further)));
  }

  evaluateAs(
    template: Template,
    location: string,
    expected: ResultType,
    further: Record<string, Json> = {},
  ): Promise<Json> {
    return this.#failing(() => evaluateTyped(template, location, this.#bindings(further), expected));
  }

  /** Fills in a field that is about one item of a Map state, which its expressions see as `Map.Item`. */
  evaluateForItem(template: Template, location: string, item: Frame['mapItem']): Promise<Json> {
    return this.#failing(() => evaluateTemplate(template, location, this.#bindings({}, item)));
  }

  /** A number field that may be absent, a number or an expression. */
  async number(template: Template | undefined, location: string, smallest: number): Promise<number | undefined> {
    if (template === undefined) return undefined;
    const value = await this.evaluateAs(template, location, 'number');
    if (typeof value === 'number' && value >= smallest) return value;
    throw this.evaluationFailure(
      `The ${location} field must be at least ${smallest} but was: ${JSON.stringify(value)}`,
      location,
    );
  }

  /** Records that an expression of this state failed, and gives the failure to throw. */
  evaluationFailure(message: string, location: string | undefined): StateFailure {
    const cause = this.explain(message);
    const error = 'States.QueryEvaluationError';
    this.record('EvaluationFailed', {
      error,
      cause,
      state: this.state.name,
      ...(location === undefined ? {} : { location }),
    });
    return new StateFailure(error, cause);
  }

  /** A cause that names the state, as the service words it. */
  explain(message: string): string {
    return `An error occurred while executing the state '${this.state.name}' (entered at the event id #${this.enteredId}). ${message}`;
  }

  /** Leaves the state: evaluates Output and Assign (both see the old variables), and records the exit. */
  async leave(departure: Departure, result: Json, further: Record<string, Json> = {}): Promise<Transition> {
    const output = departure.output === undefined ? result : await this.evaluate(departure.output, 'Output', further);
    const assigned = departure.assign === undefined ? undefined : await this.#assign(departure.assign, further);
    if (exceedsDataLimit(output)) throw new StateFailure('States.DataLimitExceeded', dataLimitText(this.state.name));
    this.record(`${this.state.type}StateExited`, {
      name: this.state.name,
      output: JSON.stringify(output),
      outputDetails: NOT_TRUNCATED,
      ...(assigned === undefined
        ? {}
        : { assignedVariables: asTexts(assigned), assignedVariablesDetails: NOT_TRUNCATED }),
    });
    return { next: departure.next, output, variables: { ...this.#variables, ...assigned } };
  }

  async #assign(template: Assignments, further: Record<string, Json>): Promise<Variables> {
    const assigned: Record<string, Json> = {};
    for (const [name, value] of Object.entries(template)) {
      assigned[name] = await this.evaluate(value, `Assign/${name}`, further);
    }
    // 256 KiB for all variables of one Assign (Developer Guide, workflow variables).
    if (exceedsDataLimit(assigned)) throw new StateFailure('States.DataLimitExceeded', dataLimitText(this.state.name));
    return assigned;
  }

  #bindings(further: Record<string, Json>, item = this.frame.mapItem): Bindings {
    return { variables: this.variables, states: { input: this.input, context: this.#context(item), ...further } };
  }

  #context(item: Frame['mapItem']): Json {
    const { execution, machine } = this.frame.run;
    const redriven =
      execution.redrivenAt === undefined ? {} : { RedriveTime: new Date(execution.redrivenAt).toISOString() };
    return {
      Execution: {
        Id: execution.arn,
        Input: execution.input,
        Name: execution.name,
        RoleArn: execution.roleArn,
        StartTime: new Date(execution.startedAt).toISOString(),
        RedriveCount: execution.redriveCount,
        ...redriven,
      },
      StateMachine: { Id: machine.arn, Name: machine.name },
      State: {
        Name: this.state.name,
        EnteredTime: new Date(this.enteredAt).toISOString(),
        RetryCount: this.retryCount,
      },
      ...(item === undefined ? {} : { Map: { Item: { Index: item.Index, Value: item.Value } } }),
    };
  }

  async #failing<T>(evaluate: () => Promise<T>): Promise<T> {
    try {
      return await evaluate();
    } catch (error) {
      if (error instanceof EvaluationError) throw this.evaluationFailure(error.message, error.location);
      throw error;
    }
  }
}

function asTexts(variables: Variables): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, JSON.stringify(value)]));
}
