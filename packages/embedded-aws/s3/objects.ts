import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checksum } from './http/checksums.ts';

/** What travels with an object besides its bytes. */
export interface ObjectContent {
  /** Content-Type and its like, by lower-case header name. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly checksum?: Checksum | undefined;
}

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly blob: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly content: ObjectContent;
}

/** Greater than whatever begins with the text before it. */
export const AFTER_ALL = '\u{10FFFF}';

/** The objects of all buckets. Keys are ordered by their UTF-8 bytes, as in S3 and as SQLite compares text. */
export class Objects {
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #delete: StatementSync;
  readonly #content: StatementSync;
  readonly #after: StatementSync;
  readonly #blobs: StatementSync;

  constructor(store: DatabaseSync) {
    store.exec(`CREATE TABLE IF NOT EXISTS s3_object (
      bucket TEXT NOT NULL, key TEXT NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
      modified_at INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID`);
    this.#put = store.prepare('INSERT OR REPLACE INTO s3_object VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#get = store.prepare('SELECT * FROM s3_object WHERE bucket = ? AND key = ?');
    this.#delete = store.prepare('DELETE FROM s3_object WHERE bucket = ? AND key = ?');
    this.#content = store.prepare('UPDATE s3_object SET content = ? WHERE bucket = ? AND key = ?');
    this.#after = store.prepare(
      'SELECT * FROM s3_object WHERE bucket = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?',
    );
    this.#blobs = store.prepare('SELECT blob FROM s3_object');
  }

  put(object: StoredObject): void {
    const { bucket, key, blob, size, etag, modifiedAt, content } = object;
    this.#put.run(bucket, key, blob, size, etag, modifiedAt, JSON.stringify(content));
  }

  find(bucket: string, key: string): StoredObject | undefined {
    const row = this.#get.get(bucket, key);
    return row === undefined ? undefined : stored(row);
  }

  delete(bucket: string, key: string): void {
    this.#delete.run(bucket, key);
  }

  setContent(bucket: string, key: string, content: ObjectContent): void {
    this.#content.run(JSON.stringify(content), bucket, key);
  }

  /** Objects behind a key that begin with a prefix, in order. */
  after(bucket: string, key: string, prefix: string, limit: number): StoredObject[] {
    return this.#after.all(bucket, key, prefix, prefix + AFTER_ALL, limit).map(stored);
  }

  blobs(): string[] {
    return this.#blobs.all().map((row) => String(row.blob));
  }
}

function stored(row: Record<string, unknown>): StoredObject {
  return {
    bucket: String(row.bucket),
    key: String(row.key),
    blob: String(row.blob),
    size: Number(row.size),
    etag: String(row.etag),
    modifiedAt: Number(row.modified_at),
    content: JSON.parse(String(row.content)) as ObjectContent,
  };
}
