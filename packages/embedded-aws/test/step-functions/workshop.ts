import type { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { AwsError } from '../../service.ts';
import { CONSOLE } from '../../service.ts';
import type { Json, JsonObject } from '../../step-functions/states/json.ts';
import { StepFunctions } from '../../step-functions/step-functions.ts';
import { openStore } from '../../store.ts';
import { FakeAws } from './fake-aws.ts';
import { ManualClock } from './manual-clock.ts';

export const ROLE_ARN = 'arn:aws:iam::000000000000:role/machine';

export interface ApiEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly type: string;
  readonly [details: string]: unknown;
}

export interface Described {
  readonly status: string;
  readonly input?: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  readonly startDate: number;
  readonly stopDate?: number;
  readonly redriveCount: number;
  readonly redriveStatus: string;
  readonly redriveStatusReason?: string;
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:eu-central-1:000000000000:function:${name}`;
}

/** A machine of JSONata states; `states` run from the first one. */
export function machine(states: JsonObject, further: JsonObject = {}): JsonObject {
  return { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0] ?? '', States: states, ...further };
}

/** The service under test between services that remember, with a store and a clock in the hands of the test. */
export class Workshop {
  readonly clock: ManualClock;
  readonly aws: FakeAws;
  readonly store: DatabaseSync;
  readonly service: StepFunctions;
  #machines = 0;

  /** With another workshop: the next process on the same store. */
  constructor(before?: Workshop) {
    this.clock = new ManualClock(before?.clock.now());
    this.aws = new FakeAws(this.clock.now);
    this.store = before?.store ?? openStore(undefined);
    this.service = new StepFunctions(this.aws, this.store, this.clock);
    this.aws.states = (operation, input) => this.call(operation, input);
  }

  async call<Output = Record<string, never>>(operation: string, input: object): Promise<Output> {
    const run = this.service.operations[operation] as ((input: object, caller: object) => unknown) | undefined;
    if (run === undefined) throw new Error(`${operation} is not offered`);
    return (await run(input, CONSOLE)) as Output;
  }

  async create(definition: Json, name = `machine-${++this.#machines}`): Promise<string> {
    const input = { name, definition: JSON.stringify(definition), roleArn: ROLE_ARN };
    return (await this.call<{ stateMachineArn: string }>('CreateStateMachine', input)).stateMachineArn;
  }

  async start(stateMachineArn: string, input: Json = {}, name?: string): Promise<string> {
    const request = { stateMachineArn, input: JSON.stringify(input), ...(name === undefined ? {} : { name }) };
    return (await this.call<{ executionArn: string }>('StartExecution', request)).executionArn;
  }

  describe(executionArn: string): Promise<Described> {
    return this.call('DescribeExecution', { executionArn });
  }

  /** Waits for the end of an execution and answers how it ended. */
  async ended(executionArn: string): Promise<Described> {
    const over = new Promise<void>((resolve) => {
      const stop = this.aws.journal.subscribe((entry) => {
        if (entry.kind !== 'execution-ended' || entry.details?.executionArn !== executionArn) return;
        stop();
        resolve();
      });
    });
    const now = await this.describe(executionArn);
    if (now.status !== 'RUNNING') return now;
    await over;
    return this.describe(executionArn);
  }

  /** Creates a machine, runs it once and waits for its end. */
  async run(definition: Json, input: Json = {}): Promise<Described & { readonly arn: string }> {
    const arn = await this.start(await this.create(definition), input);
    return { ...(await this.ended(arn)), arn };
  }

  /** Runs a machine that must succeed, and gives its output. */
  async output(definition: Json, input: Json = {}): Promise<Json> {
    const ended = await this.run(definition, input);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    return JSON.parse(ended.output ?? 'null');
  }

  async events(executionArn: string): Promise<readonly ApiEvent[]> {
    return (await this.call<{ events: ApiEvent[] }>('GetExecutionHistory', { executionArn, maxResults: 1_000 })).events;
  }

  async eventTypes(executionArn: string): Promise<readonly string[]> {
    return (await this.events(executionArn)).map((event) => event.type);
  }

  /** The error an operation is refused with. */
  async refusal(operation: string, input: object): Promise<AwsError> {
    try {
      await this.call(operation, input);
    } catch (error) {
      return error as AwsError;
    }
    throw new Error(`${operation} was not refused`);
  }
}
