import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { realTimers, type Timers } from '../timers.ts';
import { Deliveries } from './deliveries.ts';
import { invalidParameter } from './errors.ts';
import { checkedNotification, type GivenNotification, type NotificationAttribute } from './notification.ts';
import { SubscriptionOperations } from './subscription-operations.ts';
import { TopicOperations } from './topic-operations.ts';
import { Topics } from './topics.ts';

/** What was published, for who keeps a record of it. */
export interface PublishedMessage {
  readonly topicArn: string;
  readonly messageId: string;
  readonly subject?: string;
  readonly message: string;
  readonly attributes: Readonly<Record<string, NotificationAttribute>>;
  /** Milliseconds since 1970. */
  readonly publishedAt: number;
}

export interface SnsOptions {
  /** Gets each message before its publisher gets an answer; when it fails, so does Publish. */
  readonly onPublish?: (message: PublishedMessage) => void | Promise<void>;
  /** @default real time */
  readonly timers?: Timers;
}

type Publication = GivenNotification & {
  readonly TopicArn?: string;
  readonly TargetArn?: string;
  readonly PhoneNumber?: string;
};
type BatchEntry = GivenNotification & { readonly Id?: string };

/**
 * SNS with standard topics. Messages go to queues and to HTTP subscribers on this machine, at least once; nothing is
 * delivered before `start`, and what was accepted until then waits in the store.
 */
export class Sns {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #topics: Topics;
  readonly #deliveries: Deliveries;
  readonly #onPublish: NonNullable<SnsOptions['onPublish']>;

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: SnsOptions = {}) {
    this.#aws = aws;
    this.#onPublish = options.onPublish ?? (() => undefined);
    this.#topics = new Topics(store);
    this.#deliveries = new Deliveries(aws, store, options.timers ?? realTimers, this.#topics);
    const topics = new TopicOperations(aws, this.#topics);
    const subscriptions = new SubscriptionOperations(aws, this.#topics, this.#deliveries);
    this.operations = {
      ConfirmSubscription: subscriptions.confirmSubscription.bind(subscriptions),
      CreateTopic: topics.createTopic.bind(topics),
      DeleteTopic: topics.deleteTopic.bind(topics),
      GetSubscriptionAttributes: subscriptions.getSubscriptionAttributes.bind(subscriptions),
      GetTopicAttributes: topics.getTopicAttributes.bind(topics),
      ListSubscriptions: subscriptions.listSubscriptions.bind(subscriptions),
      ListSubscriptionsByTopic: subscriptions.listSubscriptionsByTopic.bind(subscriptions),
      ListTagsForResource: topics.listTagsForResource.bind(topics),
      ListTopics: topics.listTopics.bind(topics),
      Publish: (input: Publication) => this.#publish(input),
      PublishBatch: (input: { TopicArn?: string; PublishBatchRequestEntries?: readonly BatchEntry[] }) =>
        this.#publishBatch(input.TopicArn, input.PublishBatchRequestEntries ?? []),
      SetSubscriptionAttributes: subscriptions.setSubscriptionAttributes.bind(subscriptions),
      SetTopicAttributes: topics.setTopicAttributes.bind(topics),
      Subscribe: subscriptions.subscribe.bind(subscriptions),
      TagResource: topics.tagResource.bind(topics),
      Unsubscribe: subscriptions.unsubscribe.bind(subscriptions),
    };
  }

  /** Begins to deliver, also what an earlier run left. */
  start(): void {
    this.#deliveries.start();
  }

  stop(): Promise<void> {
    return this.#deliveries.stop();
  }

  async #publish(input: Publication): Promise<{ MessageId: string }> {
    if (input.PhoneNumber !== undefined) throw invalidParameter('PhoneNumber: text messages are not sent from here');
    const topic = this.#topics.topic(input.TopicArn ?? input.TargetArn);
    const checked = checkedNotification(input);
    const notification = {
      ...checked,
      topicArn: topic.arn,
      messageId: randomUUID(),
      publishedAt: this.#aws.now(),
    };
    const { topicArn, messageId, subject, message, attributes, publishedAt } = notification;
    await this.#onPublish({
      topicArn,
      messageId,
      ...(subject !== undefined && { subject }),
      message,
      attributes,
      publishedAt,
    });
    this.#deliveries.publish(notification);
    const name = topic.arn.split(':').at(-1) ?? topic.arn;
    this.#aws.journal.record({ kind: 'notification', subject: name, text: subject ?? 'without subject' });
    return { MessageId: messageId };
  }

  async #publishBatch(topicArn: string | undefined, entries: readonly BatchEntry[]): Promise<object> {
    const topic = this.#topics.topic(topicArn);
    if (entries.length === 0) throw new AwsError('EmptyBatchRequest', "The batch request doesn't contain any entries.");
    if (entries.length > 10) {
      const text = 'The batch request contains more entries than permissible.';
      throw new AwsError('TooManyEntriesInBatchRequest', text);
    }
    if (new Set(entries.map(({ Id }) => Id)).size < entries.length) {
      const text = 'Two or more batch entries in the request have the same Id.';
      throw new AwsError('BatchEntryIdsNotDistinct', text);
    }
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const entry of entries) {
      try {
        Successful.push({ Id: entry.Id, ...(await this.#publish({ ...entry, TopicArn: topic.arn })) });
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        Failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: error.status < 500 });
      }
    }
    return { Successful, Failed };
  }
}
