import type { DatabaseSync } from 'node:sqlite';
import { type Attempt, DurableWork } from '../durable-work.ts';
import { AwsError, type EmbeddedAws } from '../service.ts';
import type { Timers } from '../timers.ts';
import { type DeliveryFailure, deliveryFailure, nextStep } from './delivery-failure.ts';
import type { BusEvent, Rule, Target } from './rule.ts';
import { queueUrl, targetCall, targetCaller } from './target-call.ts';
import { targetInput } from './target-input.ts';

/** One event on its way to one target. The target is kept as it was when the event was accepted. */
interface Delivery {
  readonly rule: Pick<Rule, 'Name' | 'Arn'>;
  readonly target: Target;
  readonly event: BusEvent;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly retries: number;
  /** Set once the target is given up: only the dead letter is left to be sent. */
  readonly deadLetter?: DeadLetter;
}

interface DeadLetter {
  readonly failure: DeliveryFailure;
  readonly exhausted: string | undefined;
  readonly retries: number;
}

const CONCURRENCY = 32;

/**
 * Brings accepted events to their targets, durably: a delivery is kept until it succeeded, went to the target's
 * dead-letter queue, or was dropped for want of one, as EventBridge does (journalled as a fault).
 */
export class Deliveries {
  readonly #aws: EmbeddedAws;
  readonly #random: () => number;
  readonly #work: DurableWork<Delivery>;

  /** `random` lies in [0, 1). */
  constructor(aws: EmbeddedAws, store: DatabaseSync, timers: Timers, random: () => number) {
    this.#aws = aws;
    this.#random = random;
    this.#work = new DurableWork<Delivery>(aws, store, timers, {
      table: 'events_delivery',
      concurrency: CONCURRENCY,
      attempt: (delivery, id) => this.#attempt(delivery, id),
    });
  }

  /** Takes on deliveries; when this returns, they are durable. */
  accept(deliveries: readonly { readonly event: BusEvent; readonly rule: Rule; readonly target: Target }[]): void {
    const acceptedAt = this.#aws.now();
    const accepted = deliveries.map(({ event, rule, target }): Delivery => {
      return { event, rule: { Name: rule.Name, Arn: rule.Arn }, target, acceptedAt, retries: 0 };
    });
    const begun = accepted.flatMap((delivery) => this.#befallen(delivery));
    this.#work.add(
      begun.map(({ item }) => item),
      begun.map(({ delayMs }) => delayMs),
    );
  }

  /** The delivery, as often and as late as the faults in force have it. */
  #befallen(item: Delivery): { readonly item: Delivery; readonly delayMs: number }[] {
    const { faults } = this.#aws;
    const occasion = { detailType: item.event['detail-type'], rule: item.rule.Name };
    if (faults === undefined) return [{ item, delayMs: 0 }];
    if (faults.strike('lostEvents', occasion) !== undefined) return [];
    const late = faults.strike('lateEvents', occasion);
    const first = { item, delayMs: faults.within(late?.withinMs ?? 0) };
    const again = faults.strike('repeatedEvents', occasion);
    if (again === undefined) return [first];
    return [first, { item, delayMs: first.delayMs + faults.within(again.withinMs) }];
  }

  start(): void {
    this.#work.start();
  }

  stop(): Promise<void> {
    return this.#work.stop();
  }

  async #attempt(delivery: Delivery, id: string): Promise<Attempt<Delivery>> {
    if (delivery.deadLetter !== undefined) return this.#sendDeadLetter(delivery, delivery.deadLetter);
    const { target, event, rule, acceptedAt } = delivery;
    try {
      const input = targetInput(target, event, rule, new Date(acceptedAt));
      // 36 + 1 + 36 characters; an execution's name may have 80.
      const call = targetCall(this.#aws, target, input, `${event.id}_${id}`);
      await this.#aws.call(call.service, call.operation, call.input, targetCaller(target));
      return { kind: 'done' };
    } catch (error) {
      return alreadyDelivered(error) ? { kind: 'done' } : this.#failed(delivery, deliveryFailure(error));
    }
  }

  async #failed(delivery: Delivery, failure: DeliveryFailure): Promise<Attempt<Delivery>> {
    const { target, retries } = delivery;
    const step = this.#nextStep(delivery, failure, target.RetryPolicy);
    if (step.kind === 'retry') {
      return { kind: 'again', item: { ...delivery, retries: retries + 1 }, delayMs: step.delayMs };
    }
    const text = `${failure.code}: ${failure.message}; given up after ${retries} retries`;
    if (target.DeadLetterConfig?.Arn === undefined) {
      this.#fault(delivery, `${text} and dropped: the target has no dead-letter queue`);
      return { kind: 'done' };
    }
    this.#fault(delivery, `${text}, goes to the dead-letter queue`);
    const deadLetter: DeadLetter = { failure, exhausted: step.exhausted, retries };
    return this.#sendDeadLetter({ ...delivery, retries: 0, acceptedAt: this.#aws.now(), deadLetter }, deadLetter);
  }

  async #sendDeadLetter(delivery: Delivery, deadLetter: DeadLetter): Promise<Attempt<Delivery>> {
    const queueArn = delivery.target.DeadLetterConfig?.Arn ?? '';
    const message = {
      QueueUrl: queueUrl(this.#aws, queueArn),
      MessageBody: JSON.stringify(delivery.event),
      MessageAttributes: deadLetterAttributes(delivery, deadLetter),
    };
    try {
      await this.#aws.call('sqs', 'SendMessage', message, { principal: 'events.amazonaws.com' });
      return { kind: 'done' };
    } catch (error) {
      const failure = deliveryFailure(error);
      const step = this.#nextStep(delivery, failure, undefined);
      if (step.kind === 'retry') {
        return { kind: 'again', item: { ...delivery, retries: delivery.retries + 1 }, delayMs: step.delayMs };
      }
      this.#fault(delivery, `the dead-letter queue ${queueArn} did not take it (${failure.message}); dropped`);
      return { kind: 'done' };
    }
  }

  #nextStep(delivery: Delivery, failure: DeliveryFailure, policy: Target['RetryPolicy']) {
    return nextStep(failure, policy, delivery.retries, this.#aws.now() - delivery.acceptedAt, this.#random());
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
    // An attribute's value must not be empty.
    ERROR_MESSAGE: deadLetter.failure.message || deadLetter.failure.code,
    RETRY_ATTEMPTS: String(deadLetter.retries),
  };
  if (deadLetter.exhausted !== undefined) values.EXHAUSTED_RETRY_CONDITION = deadLetter.exhausted;
  return Object.fromEntries(
    Object.entries(values).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
  );
}
