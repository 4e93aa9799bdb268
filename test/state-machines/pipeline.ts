import type { z } from 'zod';
import {
  applyRecordsInput,
  applyRecordsOutput,
  mapRecordsInput,
  mapRecordsOutput,
  readSalesforceInput,
  readSalesforceOutput,
  validateFileInput,
  validateFileOutput,
} from '../../core/contracts/inbound-tasks.ts';
import {
  collectChangesInput,
  collectChangesOutput,
  decideChangesInput,
  decideChangesOutput,
  notice,
  openCircuitInput,
  openCircuitOutput,
  pushRecordsInput,
  pushRecordsOutput,
  settleBatchInput,
  settleBatchOutput,
} from '../../core/contracts/outbound-tasks.ts';
import {
  closeSweepInput,
  compareLinksInput,
  compareLinksOutput,
  compareRowsInput,
  compareRowsOutput,
  listRecordsInput,
  listRecordsOutput,
  openSweepInput,
  openSweepOutput,
} from '../../core/contracts/sweep-tasks.ts';
import type { EmbeddedAws, JournalEntry } from '../../packages/embedded-aws/service.ts';
import { AwsError, CONSOLE } from '../../packages/embedded-aws/service.ts';
import type { Clock } from '../../packages/embedded-aws/step-functions/clock.ts';
import { StepFunctions } from '../../packages/embedded-aws/step-functions/step-functions.ts';
import { openStore } from '../../packages/embedded-aws/store.ts';
import { definitionText, type Pipeline, substitute } from './definition.ts';
import { SkippingClock } from './skipping-clock.ts';

/** What each Lambda takes and answers: a call that does not fit is a fault of the machine. */
const TASKS = {
  ValidateFile: { input: validateFileInput, output: validateFileOutput },
  MapRecords: { input: mapRecordsInput, output: mapRecordsOutput },
  ApplyRecords: { input: applyRecordsInput, output: applyRecordsOutput },
  CollectChanges: { input: collectChangesInput, output: collectChangesOutput },
  ReadSalesforce: { input: readSalesforceInput, output: readSalesforceOutput },
  DecideChanges: { input: decideChangesInput, output: decideChangesOutput },
  PushRecords: { input: pushRecordsInput, output: pushRecordsOutput },
  DeleteRecords: { input: pushRecordsInput, output: pushRecordsOutput },
  SettleBatch: { input: settleBatchInput, output: settleBatchOutput },
  OpenCircuit: { input: openCircuitInput, output: openCircuitOutput },
  CompareRows: { input: compareRowsInput, output: compareRowsOutput },
  OpenSweep: { input: openSweepInput, output: openSweepOutput },
  ListRecords: { input: listRecordsInput, output: listRecordsOutput },
  CompareLinks: { input: compareLinksInput, output: compareLinksOutput },
  CloseSweep: { input: closeSweepInput, output: undefined },
  Notify: { input: notice, output: undefined },
} as const;
export type TaskName = keyof typeof TASKS;
export type TaskInput<Name extends TaskName> = z.output<(typeof TASKS)[Name]['input']>;
type TaskOutput<Name extends TaskName> = (typeof TASKS)[Name]['output'] extends z.ZodType
  ? z.input<NonNullable<(typeof TASKS)[Name]['output']>>
  : null;

/** The Lambdas as a test wants them. One that is not given must not be called. */
export type Tasks = { [Name in TaskName]?: (input: TaskInput<Name>) => TaskOutput<Name> | Promise<TaskOutput<Name>> };

export interface FlowRun {
  readonly executionId: string;
  readonly executionStatus: 'InProgress' | 'Successful' | 'Error' | 'Canceled' | 'CancelStarted';
  readonly executionResult?: object;
  /** Seconds since 1970, as the API answers them. */
  readonly startedAt?: number;
  readonly dataPullEndTime?: number;
}

/** AppFlow as a test wants it. */
export interface Flows {
  start?(input: { readonly flowName: string; readonly clientToken: string }): { readonly executionId: string };
  /** Newest first. */
  records?(flowName: string): readonly FlowRun[];
}

export interface Ended {
  readonly status: string;
  readonly output: unknown;
  readonly error: string | undefined;
  /** Names of the states entered, in order. */
  readonly states: readonly string[];
  readonly events: number;
}

/** An error as a Lambda throws it: Step Functions matches on its name. */
export function taskError(name: string, message = `${name} happened`): Error {
  return Object.assign(new Error(message), { name });
}

const FUNCTION = 'arn:aws:lambda:eu-central-1:000000000000:function:';
/** As the stack gives them. */
export const SUBSTITUTIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(TASKS).map((name) => [`${name}FunctionArn`, `${FUNCTION}${name}`])),
  ApplyRecordsConcurrency: '2',
  EventSource: 'sfsync',
  InboundFlowNames: "{'Account': 'polls-of-Account', 'Contact': 'polls-of-Contact'}",
  OutboundFlowNames: "{'Account': 'flow-of-Account', 'Contact': 'flow-of-Contact'}",
};

/** One pipeline's machine on the local interpreter, between fakes that check what they are asked. */
export class PipelineMachine {
  readonly calls: { readonly task: TaskName; readonly input: unknown }[] = [];
  readonly busEvents: unknown[] = [];
  readonly startedFlows: { readonly flowName: string; readonly clientToken: string }[] = [];
  readonly clock: Clock;
  tasks: Tasks;
  flows: Flows;
  /** How many of the next PutEvents calls fail. */
  failingPuts = 0;
  readonly #service: StepFunctions;
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  readonly #machine: Promise<string>;
  #execution = '';

  /** `clock`: one that runs as time does, for Lambdas that do real work; by default waiting takes no time. */
  constructor(pipeline: Pipeline, tasks: Tasks, flows: Flows = {}, clock: Clock = new SkippingClock()) {
    this.clock = clock;
    this.tasks = tasks;
    this.flows = flows;
    this.#service = new StepFunctions(this.#aws(), openStore(undefined), this.clock);
    const definition = substitute(definitionText(pipeline), SUBSTITUTIONS);
    const roleArn = 'arn:aws:iam::000000000000:role/machine';
    this.#machine = this.#call<{ stateMachineArn: string }>('CreateStateMachine', {
      name: `sfsync-${pipeline}`,
      definition,
      roleArn,
    }).then(({ stateMachineArn }) => stateMachineArn);
  }

  async run(input: object): Promise<Ended> {
    const { executionArn } = await this.#call<{ executionArn: string }>('StartExecution', {
      stateMachineArn: await this.#machine,
      input: JSON.stringify(input),
    });
    this.#execution = executionArn;
    return this.#ended();
  }

  /** Goes on in the state that failed. */
  async redrive(): Promise<Ended> {
    await this.#call('RedriveExecution', { executionArn: this.#execution });
    return this.#ended();
  }

  get executionArn(): string {
    return this.#execution;
  }

  inputsOf<Name extends TaskName>(task: Name): TaskInput<Name>[] {
    return this.calls.filter((call) => call.task === task).map(({ input }) => input as TaskInput<Name>);
  }

  async #ended(): Promise<Ended> {
    const over = new Promise<void>((resolve) => {
      const listener = (entry: JournalEntry) => {
        if (entry.kind !== 'execution-ended') return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
    const { status } = await this.#call<{ status: string }>('DescribeExecution', { executionArn: this.#execution });
    if (status === 'RUNNING') await over;
    const described = await this.#call<{ status: string; output?: string; error?: string }>('DescribeExecution', {
      executionArn: this.#execution,
    });
    const events = await this.#history();
    return {
      status: described.status,
      output: described.output === undefined ? undefined : JSON.parse(described.output),
      error: described.error,
      states: events.flatMap(({ stateEnteredEventDetails: entered }) => entered?.name ?? []),
      events: events.length,
    };
  }

  async #history() {
    type Event = { readonly stateEnteredEventDetails?: { readonly name: string } };
    const events: Event[] = [];
    let nextToken: string | undefined;
    do {
      const page: { events: Event[]; nextToken?: string } = await this.#call('GetExecutionHistory', {
        executionArn: this.#execution,
        maxResults: 1000,
        includeExecutionData: false,
        ...(nextToken && { nextToken }),
      });
      events.push(...page.events);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return events;
  }

  async #call<Output = unknown>(operation: string, input: object): Promise<Output> {
    const run = this.#service.operations[operation] as (input: object, caller: object) => unknown;
    return (await run(input, CONSOLE)) as Output;
  }

  #aws(): EmbeddedAws {
    return {
      region: 'eu-central-1',
      origin: 'http://127.0.0.1:1',
      now: this.clock.now,
      measure: () => undefined,
      journal: {
        record: (entry) => {
          for (const listener of this.#listeners) listener({ ...entry, at: this.clock.now() });
        },
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      call: async <Output>(service: string, operation: string, input: object) =>
        (await this.#answer(`${service}:${operation}`, input as Record<string, never>)) as Output,
    };
  }

  #answer(operation: string, input: Record<string, never>): unknown {
    switch (operation) {
      case 'lambda:Invoke':
        return this.#invoke(input);
      case 'events:PutEvents':
        return this.#put(input);
      case 'events:PublishServiceEvent':
        return {};
      case 'appflow:StartFlow':
        this.startedFlows.push(input as never);
        if (this.flows.start === undefined) throw new Error('the test expects no run of a flow');
        return this.flows.start(input as never);
      case 'appflow:DescribeFlowExecutionRecords':
        return { flowExecutions: this.flows.records?.(input.flowName ?? '') ?? [] };
      default:
        throw new Error(`the machine is not expected to call ${operation}`);
    }
  }

  #put({ Entries }: { readonly Entries?: readonly unknown[] }) {
    const entries = Entries ?? [];
    if (this.failingPuts > 0) {
      this.failingPuts -= 1;
      return { FailedEntryCount: entries.length, Entries: entries.map(() => ({ ErrorCode: 'InternalFailure' })) };
    }
    this.busEvents.push(...entries);
    return { FailedEntryCount: 0, Entries: entries.map((_, i) => ({ EventId: `event-${i}` })) };
  }

  async #invoke({ FunctionName, Payload }: { readonly FunctionName?: string; readonly Payload?: string }) {
    const task = (FunctionName?.split(':').at(-1) ?? '') as TaskName;
    const { input: inputSchema, output: outputSchema } = TASKS[task];
    const run = this.tasks[task] as ((input: unknown) => unknown) | undefined;
    try {
      const input = inputSchema.parse(JSON.parse(Payload ?? ''));
      this.calls.push({ task, input });
      if (run === undefined && task !== 'Notify') throw new Error(`the test expects no call of ${task}`);
      const result = (await run?.(input)) ?? null;
      return {
        StatusCode: 200,
        Payload: JSON.stringify(outputSchema === undefined ? null : outputSchema.parse(result)),
      };
    } catch (thrown) {
      if (thrown instanceof AwsError) throw thrown;
      const { name: errorType, message: errorMessage } = thrown as Error;
      const payload = { errorType, errorMessage, trace: [`${errorType}: ${errorMessage}`] };
      return { StatusCode: 200, FunctionError: 'Unhandled', Payload: JSON.stringify(payload) };
    }
  }
}
