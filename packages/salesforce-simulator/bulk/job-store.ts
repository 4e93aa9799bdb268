import type { DatabaseSync } from 'node:sqlite';
import { nthId } from '../records/record-id.ts';
import type { CsvFormat } from './bulk-csv.ts';

export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';

/** A Bulk API 2.0 job as it is kept; times in milliseconds since 1970. */
export interface Job extends CsvFormat {
  readonly id: string;
  readonly kind: 'ingest' | 'query';
  readonly object: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly state: JobState;
  readonly client: string | undefined;
  readonly externalIdFieldName: string | undefined;
  readonly query: string | undefined;
  readonly errorMessage: string | undefined;
  readonly processed: number;
  readonly failed: number;
}

export interface JobResult {
  readonly row: number;
  readonly id: string;
  readonly created: boolean;
  /** `CODE:message:fields--`; undefined when the row was accepted. */
  readonly error: string | undefined;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS org_bulk_job (id TEXT PRIMARY KEY, body TEXT NOT NULL, data TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS org_bulk_result (
    job TEXT NOT NULL, row INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (job, row)) WITHOUT ROWID;`;

/** Bulk jobs with their files and results, durable. */
export class JobStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(TABLES);
  }

  nextId(): string {
    const row = this.#database.prepare("SELECT value FROM org_setting WHERE name = 'bulkJobs'").get();
    const n = Number(row?.value ?? 0) + 1;
    this.#database.prepare("INSERT OR REPLACE INTO org_setting (name, value) VALUES ('bulkJobs', ?)").run(String(n));
    return nthId('750', n);
  }

  get(id: string): Job | undefined {
    const row = this.#database.prepare('SELECT body FROM org_bulk_job WHERE id = ?').get(id);
    return row === undefined ? undefined : (JSON.parse(String(row.body)) as Job);
  }

  /** Newest first. */
  all(kind: Job['kind']): readonly Job[] {
    const rows = this.#database.prepare('SELECT body FROM org_bulk_job ORDER BY id DESC').all();
    return rows.map((row) => JSON.parse(String(row.body)) as Job).filter((job) => job.kind === kind);
  }

  put(job: Job): void {
    this.#database
      .prepare('INSERT INTO org_bulk_job (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body')
      .run(job.id, JSON.stringify(job));
  }

  setData(id: string, data: string): void {
    this.#database.prepare('UPDATE org_bulk_job SET data = ? WHERE id = ?').run(data, id);
  }

  /** The uploaded file; undefined before the upload. */
  data(id: string): string | undefined {
    const value = this.#database.prepare('SELECT data FROM org_bulk_job WHERE id = ?').get(id)?.data;
    return typeof value === 'string' ? value : undefined;
  }

  addResults(id: string, results: readonly JobResult[]): void {
    const insert = this.#database.prepare('INSERT INTO org_bulk_result (job, row, body) VALUES (?, ?, ?)');
    for (const result of results) insert.run(id, result.row, JSON.stringify(result));
  }

  results(id: string): readonly JobResult[] {
    const rows = this.#database.prepare('SELECT body FROM org_bulk_result WHERE job = ? ORDER BY row').all(id);
    return rows.map((row) => JSON.parse(String(row.body)) as JobResult);
  }

  delete(id: string): void {
    this.#database.prepare('DELETE FROM org_bulk_result WHERE job = ?').run(id);
    this.#database.prepare('DELETE FROM org_bulk_job WHERE id = ?').run(id);
  }
}
