import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { notFound } from './errors.ts';

export interface Topic {
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** What confirms it; undefined once it is confirmed. */
  readonly token: string | undefined;
}

/** Topics and their subscriptions, each kept as a whole. */
export class Topics {
  readonly #putTopic: StatementSync;
  readonly #deleteTopic: StatementSync;
  readonly #putSubscription: StatementSync;
  readonly #deleteSubscription: StatementSync;
  readonly #topics: Map<string, Topic>;
  readonly #subscriptions: Map<string, Subscription>;

  constructor(store: DatabaseSync) {
    store.exec(`CREATE TABLE IF NOT EXISTS sns_topic (arn TEXT PRIMARY KEY, item TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS sns_subscription (arn TEXT PRIMARY KEY, item TEXT NOT NULL) STRICT`);
    this.#putTopic = store.prepare('INSERT OR REPLACE INTO sns_topic VALUES (?, ?)');
    this.#deleteTopic = store.prepare('DELETE FROM sns_topic WHERE arn = ?');
    this.#putSubscription = store.prepare('INSERT OR REPLACE INTO sns_subscription VALUES (?, ?)');
    this.#deleteSubscription = store.prepare('DELETE FROM sns_subscription WHERE arn = ?');
    const items = <Item extends { arn: string }>(table: string) => {
      const rows = store.prepare(`SELECT item FROM ${table} ORDER BY rowid`).all();
      return new Map(rows.map((row) => JSON.parse(String(row.item)) as Item).map((item) => [item.arn, item]));
    };
    this.#topics = items<Topic>('sns_topic');
    this.#subscriptions = items<Subscription>('sns_subscription');
  }

  putTopic(topic: Topic): void {
    this.#putTopic.run(topic.arn, JSON.stringify(topic));
    this.#topics.set(topic.arn, topic);
  }

  deleteTopic(arn: string): void {
    for (const subscription of this.subscriptionsOf(arn)) this.deleteSubscription(subscription.arn);
    this.#deleteTopic.run(arn);
    this.#topics.delete(arn);
  }

  findTopic(arn: string): Topic | undefined {
    return this.#topics.get(arn);
  }

  /** @throws AwsError `NotFound` */
  topic(arn: unknown): Topic {
    const topic = this.#topics.get(String(arn));
    if (topic === undefined) throw notFound('Topic');
    return topic;
  }

  allTopics(): Topic[] {
    return [...this.#topics.values()];
  }

  putSubscription(subscription: Subscription): void {
    this.#putSubscription.run(subscription.arn, JSON.stringify(subscription));
    this.#subscriptions.set(subscription.arn, subscription);
  }

  deleteSubscription(arn: string): void {
    this.#deleteSubscription.run(arn);
    this.#subscriptions.delete(arn);
  }

  findSubscription(arn: string): Subscription | undefined {
    return this.#subscriptions.get(arn);
  }

  /** @throws AwsError `NotFound` */
  subscription(arn: unknown): Subscription {
    const subscription = this.#subscriptions.get(String(arn));
    if (subscription === undefined) throw notFound('Subscription');
    return subscription;
  }

  allSubscriptions(): Subscription[] {
    return [...this.#subscriptions.values()];
  }

  subscriptionsOf(topicArn: string): Subscription[] {
    return this.allSubscriptions().filter((subscription) => subscription.topicArn === topicArn);
  }
}
