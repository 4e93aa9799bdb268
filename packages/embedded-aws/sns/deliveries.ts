import type { DatabaseSync } from 'node:sqlite';
import { type Attempt, DurableWork } from '../durable-work.ts';
import { ACCOUNT, AwsError, type EmbeddedAws } from '../service.ts';
import type { Timers } from '../timers.ts';
import { wants } from './filter-policy.ts';
import type { Notification } from './notification.ts';
import type { Subscription, Topics } from './topics.ts';

/** One message on its way to one subscription, or the question whether a subscription is wanted. */
interface Delivery {
  readonly subscriptionArn: string;
  readonly notification: Notification | undefined;
  readonly failures: number;
}

/** Waits before the next attempt: three at once, then backing off (Developer Guide, HTTP delivery policy; shortened). */
const RETRY_MS: readonly number[] = [0, 0, 0, 1_000, 5_000, 20_000, 20_000, 20_000];
/** After that a subscriber's answer does not count as one (Developer Guide). */
const ANSWER_LIMIT_MS = 15_000;

/** Carries published messages to their subscribers, each at least once, also across a restart. */
export class Deliveries {
  readonly #aws: EmbeddedAws;
  readonly #topics: Topics;
  readonly #work: DurableWork<Delivery>;

  constructor(aws: EmbeddedAws, store: DatabaseSync, timers: Timers, topics: Topics) {
    this.#aws = aws;
    this.#topics = topics;
    this.#work = new DurableWork<Delivery>(aws, store, timers, {
      table: 'sns_delivery',
      concurrency: 8,
      attempt: (delivery) => this.#attempt(delivery),
    });
  }

  start(): void {
    this.#work.start();
  }

  stop(): Promise<void> {
    return this.#work.stop();
  }

  /** When this returns, the deliveries are durable. */
  publish(notification: Notification): void {
    const deliveries = this.#topics
      .subscriptionsOf(notification.topicArn)
      .filter(({ token, attributes }) => token === undefined && wants(attributes, notification))
      .map(({ arn }) => ({ subscriptionArn: arn, notification, failures: 0 }));
    if (deliveries.length > 0) this.#work.add(deliveries);
  }

  /** Asks an HTTP subscriber to confirm. */
  askToConfirm(subscription: Subscription): void {
    this.#work.add([{ subscriptionArn: subscription.arn, notification: undefined, failures: 0 }]);
  }

  async #attempt(delivery: Delivery): Promise<Attempt<Delivery>> {
    const subscription = this.#topics.findSubscription(delivery.subscriptionArn);
    if (subscription === undefined) return { kind: 'done' };
    try {
      await this.#deliver(subscription, delivery.notification);
      return { kind: 'done' };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const delayMs = RETRY_MS[delivery.failures];
      // That a queue is missing or forbids it will not pass.
      const isFinal = error instanceof AwsError && error.status < 500;
      if (delayMs !== undefined && !isFinal) {
        return { kind: 'again', item: { ...delivery, failures: delivery.failures + 1 }, delayMs };
      }
      await this.#giveUp(subscription, delivery, reason);
      return { kind: 'done' };
    }
  }

  async #deliver(subscription: Subscription, notification: Notification | undefined): Promise<void> {
    if (subscription.protocol === 'sqs') {
      if (notification !== undefined)
        await this.#send(subscription.endpoint, this.#queueMessage(subscription, notification));
      return;
    }
    const isRaw = notification !== undefined && subscription.attributes.RawMessageDelivery === 'true';
    const document =
      notification === undefined ? this.#question(subscription) : this.#document(subscription, notification);
    const answer = await fetch(subscription.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'text/plain; charset=UTF-8',
        'x-amz-sns-message-type': document.Type,
        'x-amz-sns-message-id': document.MessageId,
        'x-amz-sns-topic-arn': document.TopicArn,
        ...(notification !== undefined && { 'x-amz-sns-subscription-arn': subscription.arn }),
        ...(isRaw && { 'x-amz-sns-rawdelivery': 'true' }),
      },
      body: isRaw ? document.Message : JSON.stringify(document),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${subscription.endpoint} answered ${answer.status}`);
  }

  #queueMessage(subscription: Subscription, notification: Notification): object {
    const document = this.#document(subscription, notification);
    if (subscription.attributes.RawMessageDelivery !== 'true') return { MessageBody: JSON.stringify(document) };
    return { MessageBody: document.Message, MessageAttributes: notification.attributes };
  }

  async #send(queueArn: string, message: object): Promise<void> {
    const QueueUrl = `${this.#aws.origin}/${ACCOUNT}/${queueArn.split(':')[5]}`;
    await this.#aws.call('sqs', 'SendMessage', { QueueUrl, ...message });
  }

  #document(subscription: Subscription, notification: Notification) {
    const { byProtocol, message, subject, attributes } = notification;
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        { Type: DataType, Value: StringValue ?? BinaryValue },
      ]),
    );
    return {
      Type: 'Notification',
      MessageId: notification.messageId,
      TopicArn: notification.topicArn,
      ...(subject !== undefined && { Subject: subject }),
      Message: byProtocol?.[subscription.protocol] ?? message,
      Timestamp: new Date(notification.publishedAt).toISOString(),
      ...this.#unsigned(),
      UnsubscribeURL: `${this.#aws.origin}/?Action=Unsubscribe&SubscriptionArn=${subscription.arn}`,
      ...(Object.keys(MessageAttributes).length > 0 && { MessageAttributes }),
    };
  }

  #question({ arn, topicArn, token = '' }: Subscription) {
    return {
      Type: 'SubscriptionConfirmation',
      MessageId: arn.split(':').at(-1) ?? arn,
      Token: token,
      TopicArn: topicArn,
      Message: `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
      SubscribeURL: `${this.#aws.origin}/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=${token}`,
      Timestamp: new Date(this.#aws.now()).toISOString(),
      ...this.#unsigned(),
    };
  }

  /** There is no key of AWS to sign with; the members are there for readers that expect them. */
  #unsigned() {
    return { SignatureVersion: '1', Signature: 'unsigned', SigningCertURL: `${this.#aws.origin}/no-certificate` };
  }

  /** To the subscription's dead-letter queue, if it has one; otherwise the message is lost to it, as in SNS. */
  async #giveUp(subscription: Subscription, delivery: Delivery, reason: string): Promise<void> {
    const text = `${subscription.protocol} ${subscription.endpoint} could not be reached: ${reason}`;
    this.#aws.journal.record({ kind: 'fault', subject: subscription.topicArn, text });
    const policy = subscription.attributes.RedrivePolicy;
    if (policy === undefined || policy === '' || delivery.notification === undefined) return;
    const { deadLetterTargetArn } = JSON.parse(policy) as { deadLetterTargetArn: string };
    try {
      await this.#send(deadLetterTargetArn, this.#queueMessage(subscription, delivery.notification));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const failed = `the dead-letter queue ${deadLetterTargetArn} did not take it either: ${error.message}`;
      this.#aws.journal.record({ kind: 'fault', subject: subscription.topicArn, text: failed });
    }
  }
}
