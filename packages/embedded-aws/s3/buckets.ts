import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { s3Error } from './errors.ts';

export interface Bucket {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Whether what happens to its objects goes to the default event bus. */
  readonly eventBridge: boolean;
}

/** The buckets, by name. */
export class Buckets {
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #byName = new Map<string, Bucket>();

  constructor(store: DatabaseSync) {
    store.exec(`CREATE TABLE IF NOT EXISTS s3_bucket (
      name TEXT PRIMARY KEY, created_at INTEGER NOT NULL, event_bridge INTEGER NOT NULL) STRICT`);
    this.#insert = store.prepare('INSERT INTO s3_bucket VALUES (?, ?, ?)');
    this.#update = store.prepare('UPDATE s3_bucket SET event_bridge = ? WHERE name = ?');
    this.#delete = store.prepare('DELETE FROM s3_bucket WHERE name = ?');
    for (const row of store.prepare('SELECT * FROM s3_bucket').all()) {
      const bucket = { name: String(row.name), createdAt: Number(row.created_at), eventBridge: row.event_bridge === 1 };
      this.#byName.set(bucket.name, bucket);
    }
  }

  /** Makes a bucket; one that is there already stays as it is (as in us-east-1). @throws AwsError `InvalidBucketName` */
  create(name: string, eventBridge: boolean, now: number): void {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes('..')) {
      throw s3Error('InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name });
    }
    if (this.#byName.has(name)) return;
    this.#insert.run(name, now, eventBridge ? 1 : 0);
    this.#byName.set(name, { name, createdAt: now, eventBridge });
  }

  setEventBridge(name: string, eventBridge: boolean): void {
    const bucket = this.named(name);
    this.#update.run(eventBridge ? 1 : 0, name);
    this.#byName.set(name, { ...bucket, eventBridge });
  }

  delete(name: string): void {
    this.#delete.run(name);
    this.#byName.delete(name);
  }

  /** @throws AwsError `NoSuchBucket` */
  named(name: string): Bucket {
    const bucket = this.#byName.get(name);
    if (bucket === undefined) {
      throw s3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName: name });
    }
    return bucket;
  }

  all(): Bucket[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
