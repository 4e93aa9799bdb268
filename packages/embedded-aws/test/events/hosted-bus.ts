import type { DatabaseSync } from 'node:sqlite';
import { EventBridge, type EventBridgeOptions } from '../../events/event-bridge.ts';
import type { PutEventsEntry } from '../../events/put-events.ts';
import type { Target } from '../../events/rule.ts';
import { AwsError, CONSOLE } from '../../service.ts';
import { openStore } from '../../store.ts';
import { StatefulAws } from '../stateful-aws.ts';

export const arn = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:000000000000:${resource}`;
export const QUEUE: Target = { Id: 'queue', Arn: arn('sqs', 'changes') };
export const MACHINE: Target = {
  Id: 'machine',
  Arn: arn('states', 'stateMachine:sync'),
  RoleArn: 'arn:aws:iam::000000000000:role/rule',
};
export const DEAD_LETTERS = arn('sqs', 'rule-dead-letters');

/** An event bus on a store of its own, with a clock that stands still and no jitter. */
export class HostedBus {
  readonly aws = new StatefulAws();
  readonly store: DatabaseSync = openStore(undefined);
  bus: EventBridge;

  constructor(options: EventBridgeOptions = {}) {
    this.bus = this.#make(options);
    this.bus.start();
  }

  /** Stops the bus and makes another one on the same store; it is not started. */
  async reopen(options: EventBridgeOptions = {}): Promise<void> {
    await this.bus.stop();
    this.bus = this.#make(options);
  }

  async operation<Output = Record<string, unknown>>(name: string, input: object): Promise<Output> {
    const run = this.bus.operations[name] as ((input: object, caller: object) => unknown) | undefined;
    if (run === undefined) throw new Error(`no operation ${name}`);
    return (await run(input, CONSOLE)) as Output;
  }

  /** A rule with targets; without a pattern it takes every event whose source is `app`. */
  async rule(
    Name: string,
    targets: readonly Target[],
    more: object = { EventPattern: '{"source":["app"]}' },
  ): Promise<void> {
    await this.operation('PutRule', { Name, ...more });
    if (targets.length > 0) await this.operation('PutTargets', { Rule: Name, Targets: targets });
  }

  put(...entries: PutEventsEntry[]): Promise<{ FailedEntryCount: number; Entries: Record<string, string>[] }> {
    const complete = entries.map((entry) => ({
      Source: 'app',
      DetailType: 'Changes available',
      Detail: '{}',
      ...entry,
    }));
    return this.operation('PutEvents', { Entries: complete });
  }

  /** Puts one event and waits until its deliveries have been tried. */
  async deliver(entry: PutEventsEntry = {}): Promise<void> {
    await this.put(entry);
    await this.aws.settled();
  }

  get waiting(): number {
    return Number(this.store.prepare('SELECT count(*) AS waiting FROM events_delivery').get()?.waiting);
  }

  async refusal(name: string, input: object): Promise<AwsError> {
    const error = await this.operation(name, input).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof AwsError) return error;
    throw new Error(`expected an AwsError, got ${String(error)}`);
  }

  #make(options: EventBridgeOptions): EventBridge {
    return new EventBridge(this.aws, this.store, { timers: this.aws, random: () => 1, ...options });
  }
}
