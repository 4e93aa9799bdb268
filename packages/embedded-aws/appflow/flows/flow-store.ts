import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

export type FlowStatus = 'Active' | 'Draft' | 'Suspended';

/** What is remembered of a flow beside its definition. Times in milliseconds since 1970. */
export interface FlowState {
  readonly name: string;
  readonly status: FlowStatus;
  readonly statusMessage: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Everything stamped before this (epoch seconds) has been pulled; undefined before the first successful run. */
  readonly watermarkSeconds: number | undefined;
  readonly consecutiveFailures: number;
  readonly schemaVersion: number;
}

const Row = z.object({
  name: z.string(),
  definition: z.string(),
  mapping: z.string(),
  status: z.enum(['Active', 'Draft', 'Suspended']),
  status_message: z.string().nullable(),
  created_at: z.number(),
  updated_at: z.number(),
  watermark: z.number().nullable(),
  consecutive_failures: z.number(),
  schema_version: z.number(),
});

/** The flows' durable state: what a restart of the process must not forget. */
export class FlowStore {
  readonly #store: DatabaseSync;

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec(`
      CREATE TABLE IF NOT EXISTS appflow_flow (
        name TEXT PRIMARY KEY,
        definition TEXT NOT NULL,
        mapping TEXT NOT NULL,
        status TEXT NOT NULL,
        status_message TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        watermark INTEGER,
        consecutive_failures INTEGER NOT NULL DEFAULT 0,
        schema_version INTEGER NOT NULL DEFAULT 1
      ) STRICT;
    `);
  }

  /**
   * Creates or updates a flow. An unchanged definition leaves the status as it is, as CloudFormation leaves an
   * unchanged resource alone; a changed one sets it. A changed mapping steps the schema version up.
   */
  put(name: string, definition: string, mapping: string, status: FlowStatus, now: number): void {
    this.#store
      .prepare(`
        INSERT INTO appflow_flow (name, definition, mapping, status, created_at, updated_at)
        VALUES (:name, :definition, :mapping, :status, :now, :now)
        ON CONFLICT (name) DO UPDATE SET
          schema_version = schema_version + (mapping <> excluded.mapping),
          status = excluded.status, status_message = NULL, consecutive_failures = 0,
          definition = excluded.definition, mapping = excluded.mapping, updated_at = excluded.updated_at
        WHERE definition <> excluded.definition
      `)
      .run({ name, definition, mapping, status, now });
  }

  remove(name: string): void {
    this.#store.prepare('DELETE FROM appflow_flow WHERE name = ?').run(name);
  }

  get(name: string): FlowState | undefined {
    const row = this.#store.prepare('SELECT * FROM appflow_flow WHERE name = ?').get(name);
    return row === undefined ? undefined : toState(row);
  }

  /** The properties of the flow as they were put last. */
  definition(name: string): unknown {
    const row = this.#store.prepare('SELECT definition FROM appflow_flow WHERE name = ?').get(name);
    return row === undefined ? undefined : JSON.parse(Row.pick({ definition: true }).parse(row).definition);
  }

  setStatus(name: string, status: FlowStatus, message: string | undefined, now: number): void {
    this.#store
      .prepare(
        'UPDATE appflow_flow SET status = ?, status_message = ?, consecutive_failures = 0, updated_at = ? WHERE name = ?',
      )
      .run(status, message ?? null, now, name);
  }

  /** A run succeeded: its window is done (undefined when it had none). */
  advance(name: string, watermarkSeconds: number | undefined): void {
    this.#store
      .prepare('UPDATE appflow_flow SET consecutive_failures = 0, watermark = coalesce(?, watermark) WHERE name = ?')
      .run(watermarkSeconds ?? null, name);
  }

  /** A run failed. Answers how many have failed in a row; 0 when the flow is gone. */
  countFailure(name: string): number {
    const row = this.#store
      .prepare(
        'UPDATE appflow_flow SET consecutive_failures = consecutive_failures + 1 WHERE name = ? RETURNING consecutive_failures AS failures',
      )
      .get(name);
    return row === undefined ? 0 : z.object({ failures: z.number() }).parse(row).failures;
  }
}

function toState(raw: unknown): FlowState {
  const row = Row.parse(raw);
  return {
    name: row.name,
    status: row.status,
    statusMessage: row.status_message ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    watermarkSeconds: row.watermark ?? undefined,
    consecutiveFailures: row.consecutive_failures,
    schemaVersion: row.schema_version,
  };
}
