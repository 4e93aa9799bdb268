import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AwsError, type EmbeddedAws } from '../service.ts';
import { type DeliveryFailure, deliveryFailure, nextStep } from './delivery-failure.ts';
import type { BusEvent, Rule, Target } from './rule.ts';
import { queueUrl, targetCall, targetCaller } from './target-call.ts';
import { targetInput } from './target-input.ts';
import type { Timers } from './timers.ts';

/** One event on its way to one target. The target is kept as it was when the event was accepted. */
interface Delivery {
  readonly id: string;
  readonly rule: Pick<Rule, 'Name' | 'Arn'>;
  readonly target: Target;
  readonly event: BusEvent;
  readonly acceptedAt: number;
  readonly retries: number;
  /** Set once the target is given up: only the dead letter is left to be sent. */
  readonly deadLetter: DeadLetter | undefined;
}

interface DeadLetter {
  readonly failure: DeliveryFailure;
  readonly exhausted: string | undefined;
  readonly retries: number;
}

/** Calls at one time; the rest wait their turn. */
const MAX_IN_FLIGHT = 32;
/** How long `stop` waits for calls under way. Those that did not end are made again after the next start. */
const STOP_LIMIT_MS = 5_000;

/**
 * Brings accepted events to their targets. Each delivery is a row of the store until it succeeded, went to the target's
 * dead-letter queue, or was dropped for want of one (journalled as a fault); `start` goes on with what is left there.
 */
export class Deliveries {
  readonly #aws: EmbeddedAws;
  readonly #store: DatabaseSync;
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #waiting = new Map<string, () => void>();
  readonly #ready: string[] = [];
  readonly #inFlight = new Map<string, Promise<void>>();
  #running = false;

  constructor(aws: EmbeddedAws, store: DatabaseSync, timers: Timers, random: () => number) {
    this.#aws = aws;
    this.#store = store;
    this.#timers = timers;
    this.#random = random;
    store.exec(`CREATE TABLE IF NOT EXISTS events_delivery (
      id TEXT PRIMARY KEY, rule TEXT NOT NULL, target TEXT NOT NULL, event TEXT NOT NULL,
      accepted_at REAL NOT NULL, due_at REAL NOT NULL, retries INTEGER NOT NULL, dead_letter TEXT)`);
  }

  /** Takes on one event for some targets; when this returns, the deliveries are durable. */
  accept(deliveries: readonly { readonly event: BusEvent; readonly rule: Rule; readonly target: Target }[]): void {
    const now = this.#aws.now();
    const ids: string[] = [];
    const insert = this.#store.prepare('INSERT INTO events_delivery VALUES (?, ?, ?, ?, ?, ?, 0, NULL)');
    this.#store.exec('BEGIN');
    try {
      for (const { event, rule, target } of deliveries) {
        const id = randomUUID();
        const { Name, Arn } = rule;
        insert.run(id, JSON.stringify({ Name, Arn }), JSON.stringify(target), JSON.stringify(event), now, now);
        ids.push(id);
      }
      this.#store.exec('COMMIT');
    } catch (error) {
      this.#store.exec('ROLLBACK');
      throw error;
    }
    for (const id of ids) this.#enqueue(id, now);
  }

  /** Starts to deliver, beginning with what an earlier run left. */
  start(): void {
    this.#running = true;
    const rows = this.#store.prepare('SELECT id, due_at FROM events_delivery ORDER BY due_at').all();
    for (const row of rows) this.#enqueue(String(row.id), Number(row.due_at));
  }

  /** Stops delivering; waits a bounded time for the calls under way. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
    this.#ready.length = 0;
    if (this.#inFlight.size === 0) return;
    const limit = Promise.withResolvers<void>();
    const timeout = setTimeout(limit.resolve, STOP_LIMIT_MS);
    await Promise.race([Promise.allSettled(this.#inFlight.values()), limit.promise]);
    clearTimeout(timeout);
  }

  #enqueue(id: string, dueAt: number): void {
    if (!this.#running || this.#waiting.has(id) || this.#inFlight.has(id)) return;
    const delayMs = dueAt - this.#aws.now();
    if (delayMs <= 0) {
      this.#ready.push(id);
      this.#work();
      return;
    }
    const cancel = this.#timers.after(delayMs, () => {
      this.#waiting.delete(id);
      this.#ready.push(id);
      this.#work();
    });
    this.#waiting.set(id, cancel);
  }

  #work(): void {
    while (this.#running && this.#inFlight.size < MAX_IN_FLIGHT) {
      const id = this.#ready.shift();
      if (id === undefined) return;
      const delivery = this.#load(id);
      if (delivery === undefined || this.#inFlight.has(id)) continue;
      const attempt = this.#attempt(delivery).finally(() => {
        this.#inFlight.delete(id);
        this.#resume(id);
        this.#work();
      });
      this.#inFlight.set(id, attempt);
    }
  }

  /** A delivery whose row is still there after an attempt has a new due time. */
  #resume(id: string): void {
    const row = this.#store.prepare('SELECT due_at FROM events_delivery WHERE id = ?').get(id);
    if (row !== undefined) this.#enqueue(id, Number(row.due_at));
  }

  async #attempt(delivery: Delivery): Promise<void> {
    if (delivery.deadLetter !== undefined) return this.#sendDeadLetter(delivery, delivery.deadLetter);
    try {
      const { target, event, rule, acceptedAt } = delivery;
      const input = targetInput(target, event, rule, new Date(acceptedAt));
      // At most 80 characters, as an execution's name may have.
      const call = targetCall(this.#aws, target, input, `${event.id}_${delivery.id}`);
      await this.#aws.call(call.service, call.operation, call.input, targetCaller(target));
    } catch (error) {
      if (!alreadyDelivered(error)) return this.#failed(delivery, deliveryFailure(error));
    }
    this.#remove(delivery.id);
  }

  async #failed(delivery: Delivery, failure: DeliveryFailure): Promise<void> {
    const { id, target, retries } = delivery;
    const now = this.#aws.now();
    const step = nextStep(failure, target.RetryPolicy, retries, now - delivery.acceptedAt, this.#random());
    if (step.kind === 'retry') {
      this.#store
        .prepare('UPDATE events_delivery SET retries = ?, due_at = ? WHERE id = ?')
        .run(retries + 1, now + step.delayMs, id);
      return;
    }
    if (target.DeadLetterConfig?.Arn === undefined) {
      this.#fault(
        delivery,
        `${failure.code}: ${failure.message}; dropped after ${retries} retries, no dead-letter queue`,
      );
      this.#remove(id);
      return;
    }
    const deadLetter: DeadLetter = { failure, exhausted: step.exhausted, retries };
    this.#store
      .prepare('UPDATE events_delivery SET dead_letter = ?, retries = 0, accepted_at = ?, due_at = ? WHERE id = ?')
      .run(JSON.stringify(deadLetter), now, now, id);
    this.#fault(
      delivery,
      `${failure.code}: ${failure.message}; goes to the dead-letter queue after ${retries} retries`,
    );
    await this.#sendDeadLetter({ ...delivery, retries: 0, acceptedAt: now }, deadLetter);
  }

  async #sendDeadLetter(delivery: Delivery, deadLetter: DeadLetter): Promise<void> {
    const queueArn = delivery.target.DeadLetterConfig?.Arn ?? '';
    const message = {
      QueueUrl: queueUrl(this.#aws, queueArn),
      MessageBody: JSON.stringify(delivery.event),
      MessageAttributes: deadLetterAttributes(delivery, deadLetter),
    };
    try {
      await this.#aws.call('sqs', 'SendMessage', message, { principal: 'events.amazonaws.com' });
    } catch (error) {
      const failure = deliveryFailure(error);
      const now = this.#aws.now();
      const step = nextStep(failure, undefined, delivery.retries, now - delivery.acceptedAt, this.#random());
      if (step.kind === 'retry') {
        this.#store
          .prepare('UPDATE events_delivery SET retries = ?, due_at = ? WHERE id = ?')
          .run(delivery.retries + 1, now + step.delayMs, delivery.id);
        return;
      }
      this.#fault(delivery, `the dead-letter queue ${queueArn} refused it: ${failure.message}; dropped`);
    }
    this.#remove(delivery.id);
  }

  #load(id: string): Delivery | undefined {
    const row = this.#store.prepare('SELECT * FROM events_delivery WHERE id = ?').get(id);
    if (row === undefined) return undefined;
    const deadLetter = row.dead_letter;
    return {
      id,
      rule: JSON.parse(String(row.rule)) as Delivery['rule'],
      target: JSON.parse(String(row.target)) as Target,
      event: JSON.parse(String(row.event)) as BusEvent,
      acceptedAt: Number(row.accepted_at),
      retries: Number(row.retries),
      deadLetter: typeof deadLetter === 'string' ? (JSON.parse(deadLetter) as DeadLetter) : undefined,
    };
  }

  #remove(id: string): void {
    this.#store.prepare('DELETE FROM events_delivery WHERE id = ?').run(id);
  }

  #fault(delivery: Delivery, what: string): void {
    const text = `event ${delivery.event.id} for ${delivery.target.Arn}: ${what}`;
    this.#aws.journal.record({ kind: 'fault', subject: delivery.rule.Name, text });
  }
}

/** The delivery's own execution exists: the call had gone through before a crash. */
function alreadyDelivered(error: unknown): boolean {
  return error instanceof AwsError && error.code === 'ExecutionAlreadyExists';
}

function deadLetterAttributes(delivery: Delivery, deadLetter: DeadLetter): object {
  const values: Record<string, string> = {
    RULE_ARN: delivery.rule.Arn,
    TARGET_ARN: delivery.target.Arn,
    ERROR_CODE: deadLetter.failure.code,
    ERROR_MESSAGE: deadLetter.failure.message || deadLetter.failure.code,
    RETRY_ATTEMPTS: String(deadLetter.retries),
  };
  if (deadLetter.exhausted !== undefined) values.EXHAUSTED_RETRY_CONDITION = deadLetter.exhausted;
  return Object.fromEntries(
    Object.entries(values).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
  );
}
