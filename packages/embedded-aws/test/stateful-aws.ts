import type { MetricPoint } from '../cloudwatch/metric.ts';
import { Faults } from '../faults/faults.ts';
import { AwsError, type Caller, CONSOLE, type EmbeddedAws, type JournalEntry, type ServiceName } from '../service.ts';
import type { Timers } from '../timers.ts';

export interface SentMessage {
  readonly queueUrl: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly caller: string;
}

export interface StartedExecution {
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: unknown;
  readonly caller: string;
}

/**
 * An embedded AWS that remembers what targets received, with a clock that stands still until it is moved. Only the
 * operations that rules and functions call on others are there.
 */
export class StatefulAws implements EmbeddedAws, Timers {
  readonly region = 'eu-west-1';
  readonly origin = 'http://127.0.0.1:4566';
  /** Delays are as long as they may be. */
  readonly faults = new Faults(() => 1);
  readonly entries: JournalEntry[] = [];
  readonly messages: SentMessage[] = [];
  readonly executions: StartedExecution[] = [];
  readonly notifications: string[] = [];
  readonly invocations: { readonly functionName: string; readonly type: string; readonly payload: string }[] = [];
  /** Queues that exist; undefined means all do. */
  queues: ReadonlySet<string> | undefined;
  #now = Date.parse('2026-11-23T08:00:00.250Z');
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  readonly #faults: { readonly service: ServiceName; readonly error: AwsError; left: number }[] = [];
  #idle: (() => void)[] = [];
  #busy = 0;
  readonly #listeners = new Set<(entry: JournalEntry) => void>();

  readonly journal = {
    record: (entry: Omit<JournalEntry, 'at'>) => {
      const stamped = { at: this.#now, ...entry };
      this.entries.push(stamped);
      for (const listener of [...this.#listeners]) listener(stamped);
    },
    subscribe: (listener: (entry: JournalEntry) => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  /** The next entry of a kind that is journalled from now on. */
  nextEntry(kind: JournalEntry['kind']): Promise<JournalEntry> {
    return new Promise((resolve) => {
      const stop = this.journal.subscribe((entry) => {
        if (entry.kind !== kind) return;
        stop();
        resolve(entry);
      });
    });
  }

  readonly points: MetricPoint[] = [];

  measure(point: MetricPoint): void {
    this.points.push(point);
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** When the next timer is due, in milliseconds from now. */
  get nextTimerMs(): number | undefined {
    const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
    return next === undefined ? undefined : next.at - this.#now;
  }

  /** Moves the time, running what becomes due on the way, each with the calls it makes. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await this.settled();
    }
    this.#now = end;
  }

  /** Resolves when no call is under way and those that follow from the last ones have been made. */
  async settled(): Promise<void> {
    do {
      // One turn of the event loop lets the callers go on after their answers.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#busy > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    } while (this.#busy > 0);
  }

  /** Makes the next `times` calls to a service fail. */
  fail(service: ServiceName, error: AwsError, times = Number.POSITIVE_INFINITY): void {
    this.#faults.push({ service, error, left: times });
  }

  /** Ends all faults. */
  heal(): void {
    this.#faults.length = 0;
  }

  reportedFaults(): readonly string[] {
    return this.entries.filter((entry) => entry.kind === 'fault').map((entry) => `${entry.subject}: ${entry.text}`);
  }

  async call<Output>(
    service: ServiceName,
    operation: string,
    input: object,
    caller: Caller = CONSOLE,
  ): Promise<Output> {
    this.#busy += 1;
    try {
      await Promise.resolve();
      const fault = this.#faults.find((candidate) => candidate.service === service && candidate.left > 0);
      if (fault !== undefined) {
        fault.left -= 1;
        throw fault.error;
      }
      return this.#answer(`${service}:${operation}`, input as Record<string, unknown>, caller.principal) as Output;
    } finally {
      this.#busy -= 1;
      if (this.#busy === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #answer(call: string, input: Record<string, unknown>, caller: string): object {
    switch (call) {
      case 'states:StartExecution':
        return this.#startExecution(input, caller);
      case 'sqs:SendMessage':
        return this.#sendMessage(input, caller);
      case 'sns:Publish':
        this.notifications.push(String(input.Message));
        return { MessageId: 'm' };
      case 'lambda:Invoke':
        this.invocations.push({
          functionName: String(input.FunctionName),
          type: String(input.InvocationType),
          payload: String(input.Payload),
        });
        return { StatusCode: 202 };
      default:
        throw new AwsError('UnknownOperationException', `${call} is not part of this test`);
    }
  }

  #startExecution(input: Record<string, unknown>, caller: string): object {
    const name = String(input.name);
    if (this.executions.some((execution) => execution.name === name)) {
      throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${name}'`);
    }
    const stateMachineArn = String(input.stateMachineArn);
    this.executions.push({ stateMachineArn, name, input: JSON.parse(String(input.input)), caller });
    return { executionArn: `${stateMachineArn}:${name}` };
  }

  #sendMessage(input: Record<string, unknown>, caller: string): object {
    const queueUrl = String(input.QueueUrl);
    if (this.queues?.has(queueUrl) === false) {
      throw new AwsError('AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.');
    }
    const given = (input.MessageAttributes ?? {}) as Record<string, { StringValue: string }>;
    const attributes = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value.StringValue]));
    this.messages.push({ queueUrl, body: String(input.MessageBody), attributes, caller });
    return { MessageId: 'm' };
  }
}
