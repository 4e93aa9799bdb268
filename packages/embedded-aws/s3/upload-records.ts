import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checksum, ChecksumAlgorithm } from './http/checksums.ts';
import type { ObjectContent } from './objects.ts';

/** A multipart upload under way. */
export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly content: ObjectContent;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: Checksum['type'];
}

export interface UploadedPart {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly modifiedAt: number;
}

/** What is known of uploads under way and their parts. */
export class UploadRecords {
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;

  constructor(store: DatabaseSync) {
    store.exec(SCHEMA);
    const prepared = Object.entries(SQL).map(([name, sql]) => [name, store.prepare(sql)] as const);
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof SQL, StatementSync>;
  }

  insert(upload: Upload): void {
    this.#statements.insert.run(upload.id, upload.bucket, upload.key, JSON.stringify(upload));
  }

  find(id: string, bucket: string, key: string): Upload | undefined {
    const row = this.#statements.find.get(id, bucket, key);
    return row === undefined ? undefined : (JSON.parse(String(row.upload)) as Upload);
  }

  /** Uploads under way in a bucket, by key and start. */
  all(bucket: string): Upload[] {
    return this.#statements.all.all(bucket).map((row) => JSON.parse(String(row.upload)) as Upload);
  }

  putPart(id: string, part: UploadedPart): void {
    this.#statements.putPart.run(id, part.number, part.blob, JSON.stringify(part));
  }

  part(id: string, number: number): UploadedPart | undefined {
    const row = this.#statements.part.get(id, number);
    return row === undefined ? undefined : (JSON.parse(String(row.part)) as UploadedPart);
  }

  /** By number. */
  parts(id: string): UploadedPart[] {
    return this.#statements.parts.all(id).map((row) => JSON.parse(String(row.part)) as UploadedPart);
  }

  delete(id: string): void {
    this.#statements.deleteParts.run(id);
    this.#statements.delete.run(id);
  }

  blobs(): string[] {
    return this.#statements.blobs.all().map((row) => String(row.blob));
  }
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS s3_upload (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, upload TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS s3_part (
    upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, part TEXT NOT NULL,
    PRIMARY KEY (upload, number)) STRICT;`;

const SQL = {
  insert: 'INSERT INTO s3_upload VALUES (?, ?, ?, ?)',
  find: 'SELECT upload FROM s3_upload WHERE id = ? AND bucket = ? AND key = ?',
  all: 'SELECT upload FROM s3_upload WHERE bucket = ? ORDER BY key, rowid',
  delete: 'DELETE FROM s3_upload WHERE id = ?',
  putPart: 'INSERT OR REPLACE INTO s3_part VALUES (?, ?, ?, ?)',
  part: 'SELECT part FROM s3_part WHERE upload = ? AND number = ?',
  parts: 'SELECT part FROM s3_part WHERE upload = ? ORDER BY number',
  deleteParts: 'DELETE FROM s3_part WHERE upload = ?',
  blobs: 'SELECT blob FROM s3_part',
} as const;
