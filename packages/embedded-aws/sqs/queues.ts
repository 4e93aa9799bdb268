import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACCOUNT } from '../service.ts';
import { parseRedrivePolicy, type QueueAttributes, type RedrivePolicy } from './attributes.ts';
import { queueDoesNotExist } from './errors.ts';

export interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly attributes: QueueAttributes;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly purgedAt: number;
  readonly redrive: RedrivePolicy | undefined;
}

/** The queues of one region, by name. */
export class Queues {
  readonly #region: string;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #cache = new Map<string, Queue>();

  constructor(store: DatabaseSync, region: string) {
    this.#region = region;
    store.exec(`CREATE TABLE IF NOT EXISTS sqs_queue (
      name TEXT PRIMARY KEY, attributes TEXT NOT NULL, tags TEXT NOT NULL,
      created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, purged_at INTEGER NOT NULL) STRICT`);
    this.#insert = store.prepare('INSERT INTO sqs_queue VALUES (?, ?, ?, ?, ?, ?)');
    this.#update = store.prepare(
      'UPDATE sqs_queue SET attributes = ?, tags = ?, modified_at = ?, purged_at = ? WHERE name = ?',
    );
    this.#delete = store.prepare('DELETE FROM sqs_queue WHERE name = ?');
    for (const row of store.prepare('SELECT * FROM sqs_queue').all()) {
      this.#remember({
        name: String(row.name),
        attributes: JSON.parse(String(row.attributes)) as QueueAttributes,
        tags: JSON.parse(String(row.tags)) as Record<string, string>,
        createdAt: Number(row.created_at),
        modifiedAt: Number(row.modified_at),
        purgedAt: Number(row.purged_at),
      });
    }
  }

  #remember(queue: Omit<Queue, 'arn' | 'redrive'>): Queue {
    const policy = queue.attributes.RedrivePolicy;
    const redrive = policy === undefined || policy === '' ? undefined : parseRedrivePolicy(policy);
    const whole: Queue = { ...queue, arn: `arn:aws:sqs:${this.#region}:${ACCOUNT}:${queue.name}`, redrive };
    this.#cache.set(queue.name, whole);
    return whole;
  }

  create(name: string, attributes: QueueAttributes, tags: Readonly<Record<string, string>>, now: number): Queue {
    this.#insert.run(name, JSON.stringify(attributes), JSON.stringify(tags), now, now, 0);
    return this.#remember({ name, attributes, tags, createdAt: now, modifiedAt: now, purgedAt: 0 });
  }

  change(name: string, change: Partial<Pick<Queue, 'attributes' | 'tags' | 'modifiedAt' | 'purgedAt'>>): Queue {
    const queue = this.#remember({ ...this.named(name), ...change });
    const { attributes, tags, modifiedAt, purgedAt } = queue;
    this.#update.run(JSON.stringify(attributes), JSON.stringify(tags), modifiedAt, purgedAt, name);
    return queue;
  }

  delete(name: string): void {
    this.#delete.run(name);
    this.#cache.delete(name);
  }

  find(name: string): Queue | undefined {
    return this.#cache.get(name);
  }

  /** @throws AwsError `QueueDoesNotExist` */
  named(name: string): Queue {
    const queue = this.#cache.get(name);
    if (queue === undefined) throw queueDoesNotExist();
    return queue;
  }

  /** The queue of an ARN of this region and account. */
  byArn(arn: unknown): Queue | undefined {
    const queue = this.#cache.get(String(arn).split(':')[5] ?? '');
    return queue?.arn === arn ? queue : undefined;
  }

  /** All queues, by name. */
  all(): Queue[] {
    return [...this.#cache.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The queues whose dead letters go to this one. */
  sourcesOf(arn: string): Queue[] {
    return this.all().filter((queue) => queue.redrive?.deadLetterTargetArn === arn);
  }
}
