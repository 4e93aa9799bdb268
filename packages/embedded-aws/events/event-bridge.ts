import type { DatabaseSync } from 'node:sqlite';
import { AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { realTimers, type Timers } from '../timers.ts';
import { Deliveries } from './deliveries.ts';
import { compileEventPattern } from './event-pattern.ts';
import { busEvent, checkEntries, eventOf, type PutEventsEntry } from './put-events.ts';
import type { BusEvent, Rule, Target } from './rule.ts';
import { RuleBook } from './rule-book.ts';
import { busFault, RuleOperations } from './rule-operations.ts';
import { RuleSchedules } from './rule-schedules.ts';

export interface EventBridgeOptions {
  /** How many times as frequent rate() schedules are; 12 makes a minute last five seconds. @default 1 */
  readonly timeScale?: number;
  /** @default real time */
  readonly timers?: Timers;
  /** Jitter of the retries, in [0, 1). @default Math.random */
  readonly random?: () => number;
}

/** An event of a service (`aws.s3`, `aws.states`), to which id, time, account, region and version are added. */
export interface ServiceEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: object;
  readonly resources?: readonly string[];
}

/**
 * EventBridge's default bus: rules by pattern and schedule, targets, retries and dead letters. Events that match nothing
 * are dropped, as there. Nothing is delivered before `start`; what was accepted until then waits in the store.
 *
 * `PublishServiceEvent` is not an operation of AWS: services of this process publish with it under their own source.
 */
export class EventBridge {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #book: RuleBook;
  readonly #deliveries: Deliveries;
  readonly #schedules: RuleSchedules;

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: EventBridgeOptions = {}) {
    const timers = options.timers ?? realTimers;
    this.#aws = aws;
    this.#book = new RuleBook(store);
    this.#deliveries = new Deliveries(aws, store, timers, options.random ?? Math.random);
    this.#schedules = new RuleSchedules(aws, timers, options.timeScale ?? 1, (rule) => this.#fire(rule));
    const rules = new RuleOperations(aws, this.#book, {
      changed: (name) => {
        const booked = this.#book.get(name);
        if (booked === undefined) this.#schedules.disarm(name);
        else this.#schedules.arm(booked);
      },
    });
    this.operations = {
      ...rules.operations,
      PutEvents: (input: { Entries?: readonly PutEventsEntry[] }) => this.#putEvents(input.Entries),
      PublishServiceEvent: (input: ServiceEvent) => this.#publishServiceEvent(input),
      TestEventPattern: (input: { Event?: string; EventPattern?: string }) => testEventPattern(input),
    };
  }

  start(): void {
    this.#deliveries.start();
    this.#schedules.start(this.#book.all());
  }

  async stop(): Promise<void> {
    this.#schedules.stop();
    await this.#deliveries.stop();
  }

  #putEvents(given: unknown): object {
    const entries = checkEntries(given);
    const now = this.#aws.now();
    const outcomes = entries.map((entry) => {
      const fault = busFault(entry.EventBusName, this.#aws.region);
      return fault === undefined
        ? eventOf(entry, this.#aws.region, now)
        : { ErrorCode: fault.code, ErrorMessage: fault.message };
    });
    const events = outcomes.filter((outcome) => 'id' in outcome);
    this.#publish(events);
    return {
      FailedEntryCount: outcomes.length - events.length,
      Entries: outcomes.map((outcome) => ('id' in outcome ? { EventId: outcome.id } : outcome)),
    };
  }

  #publishServiceEvent(given: ServiceEvent): object {
    const event = busEvent({ ...given, resources: given.resources ?? [] }, this.#aws.region, this.#aws.now());
    this.#publish([event]);
    return { EventId: event.id };
  }

  #publish(events: readonly BusEvent[]): void {
    const rules = this.#book.all().filter(({ rule }) => rule.State === 'ENABLED');
    const deliveries: { event: BusEvent; rule: Rule; target: Target }[] = [];
    for (const event of events) {
      const matching = rules.filter(({ pattern }) => pattern?.matches(event));
      for (const { rule } of matching) {
        for (const target of this.#book.targets(rule.Name)) deliveries.push({ event, rule, target });
      }
      const names = matching.map(({ rule }) => rule.Name);
      this.#aws.journal.record({
        kind: 'event',
        subject: `${event.source} ${event['detail-type']}`,
        text: names.length === 0 ? 'matches no rule' : `matches ${names.join(', ')}`,
        details: { id: event.id, rules: names },
      });
    }
    if (deliveries.length > 0) this.#deliveries.accept(deliveries);
  }

  #fire(rule: Rule): void {
    const given = { source: 'aws.events', 'detail-type': 'Scheduled Event', resources: [rule.Arn], detail: {} };
    const event = busEvent(given, this.#aws.region, this.#aws.now());
    const targets = this.#book.targets(rule.Name);
    const text = `is due for ${rule.Name}`;
    this.#aws.journal.record({ kind: 'event', subject: 'aws.events Scheduled Event', text, details: { id: event.id } });
    if (targets.length > 0) this.#deliveries.accept(targets.map((target) => ({ event, rule, target })));
  }
}

const REQUIRED_MEMBERS = ['id', 'account', 'source', 'time', 'region', 'detail-type'];

function testEventPattern(input: { Event?: string; EventPattern?: string }): { Result: boolean } {
  const pattern = compileEventPattern(input.EventPattern ?? '');
  let event: unknown;
  try {
    event = JSON.parse(input.Event ?? '');
  } catch {
    throw new AwsError('ValidationException', 'Parameter Event is not valid.');
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new AwsError('ValidationException', 'Parameter Event is not valid.');
  }
  const missing = REQUIRED_MEMBERS.filter((name) => !Object.hasOwn(event, name));
  if (missing.length > 0) {
    const text = `Parameter Event is not valid. Reason: ${missing.join(', ')} must be present.`;
    throw new AwsError('ValidationException', text);
  }
  return { Result: pattern.matches(event) };
}
