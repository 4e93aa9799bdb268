import type { Caller, EmbeddedAws, JournalEntry, ServiceName } from '../../service.ts';
import { AwsError, CONSOLE } from '../../service.ts';
import type { Json } from '../../step-functions/states/json.ts';

export type LambdaFunction = (event: Json) => Json | Promise<Json>;

/** An error whose name a function's caller sees as `errorType`. */
export function lambdaError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

interface FlowRun {
  readonly executionId: string;
  readonly executionStatus: 'InProgress' | 'Successful';
  readonly startedAt: number;
}

/** The services around a state machine, as small as they can be while they still remember what was done to them. */
export class FakeAws implements EmbeddedAws {
  readonly region = 'eu-central-1';
  readonly origin = 'http://127.0.0.1:1';
  readonly functions = new Map<string, LambdaFunction>();
  readonly messages: { readonly queueUrl: string; readonly body: string }[] = [];
  readonly notifications: { readonly topicArn: string; readonly message: string }[] = [];
  readonly busEvents: Record<string, Json>[] = [];
  readonly statusChanges: Record<string, unknown>[] = [];
  readonly flowRuns = new Map<string, FlowRun[]>();
  readonly entries: JournalEntry[] = [];
  readonly callers: string[] = [];
  /** How many entries of the next PutEvents fail. */
  failingEntries = 0;
  /** Set to make the bus refuse the events of status changes. */
  busDown = false;
  /** What answers calls of the service under test by itself (`states:startExecution`). */
  states: ((operation: string, input: object) => unknown) | undefined;
  readonly #now: () => number;
  readonly #listeners = new Set<(entry: JournalEntry) => void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  measure(): void {}

  now(): number {
    return this.#now();
  }

  readonly journal = {
    record: (entry: Omit<JournalEntry, 'at'>) => {
      const kept = { ...entry, at: this.#now() };
      this.entries.push(kept);
      for (const listener of this.#listeners) listener(kept);
    },
    subscribe: (listener: (entry: JournalEntry) => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  async call<Output>(
    service: ServiceName,
    operation: string,
    input: object,
    caller: Caller = CONSOLE,
  ): Promise<Output> {
    this.callers.push(`${service}:${operation} as ${caller.principal}`);
    return (await this.#answer(service, operation, input as Record<string, never>)) as Output;
  }

  #answer(service: ServiceName, operation: string, input: Record<string, never>): unknown {
    switch (`${service}:${operation}`) {
      case 'lambda:Invoke':
        return this.#invoke(input);
      case 'sqs:SendMessage':
        return this.#send(input);
      case 'sns:Publish':
        this.notifications.push({ topicArn: input.TopicArn ?? '', message: input.Message ?? '' });
        return { MessageId: `notification-${this.notifications.length}` };
      case 'events:PutEvents':
        return this.#put(input);
      case 'events:PublishServiceEvent':
        if (this.busDown) throw new AwsError('InternalException', 'the bus is down', 500);
        return this.statusChanges.push(input);
      case 'appflow:StartFlow':
        return this.#startFlow(input);
      case 'appflow:DescribeFlowExecutionRecords':
        return { flowExecutions: this.flowRuns.get(input.flowName ?? '') ?? [] };
      case 'states:StartExecution':
        return this.states?.(operation, input);
      default:
        throw new Error(`the fake has no ${service}:${operation}`);
    }
  }

  async #invoke({ FunctionName, Payload }: { readonly FunctionName?: string; readonly Payload?: string }) {
    const name = FunctionName?.split(':').at(-1) ?? '';
    const run = this.functions.get(name);
    if (run === undefined) {
      const arn = `arn:aws:lambda:${this.region}:000000000000:function:${name}:$LATEST`;
      throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
    }
    try {
      const result = await run(JSON.parse(Payload ?? '{}'));
      return { StatusCode: 200, ExecutedVersion: '$LATEST', Payload: JSON.stringify(result) };
    } catch (thrown) {
      if (thrown instanceof AwsError) throw thrown;
      const { name: errorType, message: errorMessage } = thrown as Error;
      return {
        StatusCode: 200,
        FunctionError: 'Unhandled',
        Payload: JSON.stringify({ errorType, errorMessage, trace: [] }),
      };
    }
  }

  #send({ QueueUrl, MessageBody }: { readonly QueueUrl?: string; readonly MessageBody?: string }) {
    if (QueueUrl?.endsWith('/missing')) {
      throw new AwsError('AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.');
    }
    this.messages.push({ queueUrl: QueueUrl ?? '', body: MessageBody ?? '' });
    return { MessageId: `message-${this.messages.length}`, MD5OfMessageBody: 'd41d8cd98f00b204e9800998ecf8427e' };
  }

  #put({ Entries }: { readonly Entries?: Record<string, Json>[] }) {
    const entries = Entries ?? [];
    const failed = Math.min(this.failingEntries, entries.length);
    this.failingEntries -= failed;
    this.busEvents.push(...entries.slice(failed));
    return {
      FailedEntryCount: failed,
      Entries: entries.map((_, index) =>
        index < failed ? { ErrorCode: 'ThrottlingException' } : { EventId: `event-${index}` },
      ),
    };
  }

  #startFlow({ flowName }: { readonly flowName?: string }) {
    const runs = this.flowRuns.get(flowName ?? '');
    if (runs === undefined)
      throw new AwsError('ResourceNotFoundException', `The flow ${flowName} does not exist.`, 404);
    if (runs.some((run) => run.executionStatus === 'InProgress')) {
      throw new AwsError('ConflictException', `The flow ${flowName} is running.`, 409);
    }
    const executionId = `run-${runs.length + 1}`;
    runs.push({ executionId, executionStatus: 'InProgress', startedAt: this.#now() / 1_000 });
    return { flowArn: `arn:flow/${flowName}`, flowStatus: 'Active', executionId };
  }
}
