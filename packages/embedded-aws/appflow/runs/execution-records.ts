import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { PullWindow } from './pull-window.ts';
import type { RunTotals } from './run-totals.ts';

export type ExecutionStatus = 'InProgress' | 'Successful' | 'Error' | 'CancelStarted' | 'Canceled';

/** One run of a flow. Times in milliseconds since 1970. */
export interface ExecutionRecord {
  readonly sequence: number;
  readonly executionId: string;
  readonly flowName: string;
  readonly status: ExecutionStatus;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly window: PullWindow | undefined;
  readonly totals: RunTotals;
  readonly message: string | undefined;
}

/** StartFlow remembers a client token this long (API model, StartFlowRequest). */
const CLIENT_TOKEN_MS = 8 * 3_600_000;

/** Records kept for each flow; a flow that runs every two seconds makes 43,200 a day. */
const KEPT_RECORDS = 5_000;

const Row = z.object({
  sequence: z.number(),
  execution_id: z.string(),
  flow_name: z.string(),
  status: z.enum(['InProgress', 'Successful', 'Error', 'CancelStarted', 'Canceled']),
  started_at: z.number(),
  updated_at: z.number(),
  pull_from: z.number().nullable(),
  pull_to: z.number().nullable(),
  totals: z.string(),
  message: z.string().nullable(),
});
const TokenRow = z.object({ flow_name: z.string(), execution_id: z.string().nullable() });
const Totals = z.object({
  recordsProcessed: z.number(),
  recordsFiltered: z.number(),
  putFailures: z.number(),
  bytesProcessed: z.number(),
  bytesWritten: z.number(),
});

/** The runs of all flows, and the client tokens that started them; both survive a restart. */
export class ExecutionRecords {
  readonly #store: DatabaseSync;

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec(`
      CREATE TABLE IF NOT EXISTS appflow_execution (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        execution_id TEXT NOT NULL UNIQUE,
        flow_name TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        pull_from INTEGER,
        pull_to INTEGER,
        totals TEXT NOT NULL,
        message TEXT
      ) STRICT;
      CREATE INDEX IF NOT EXISTS appflow_execution_of_flow ON appflow_execution (flow_name, sequence);
      CREATE INDEX IF NOT EXISTS appflow_execution_open ON appflow_execution (status)
        WHERE status IN ('InProgress', 'CancelStarted');
      CREATE TABLE IF NOT EXISTS appflow_client_token (
        token TEXT NOT NULL,
        flow_name TEXT NOT NULL,
        execution_id TEXT,
        used_at INTEGER NOT NULL,
        PRIMARY KEY (token, flow_name)
      ) STRICT;
    `);
  }

  begin(run: Pick<ExecutionRecord, 'executionId' | 'flowName' | 'startedAt' | 'window' | 'totals'>): void {
    this.#store
      .prepare(`
        INSERT INTO appflow_execution (execution_id, flow_name, status, started_at, updated_at, pull_from, pull_to, totals)
        VALUES (?, ?, 'InProgress', ?, ?, ?, ?, ?)
      `)
      .run(
        run.executionId,
        run.flowName,
        run.startedAt,
        run.startedAt,
        run.window?.fromSeconds ?? null,
        run.window?.toSeconds ?? null,
        JSON.stringify(run.totals),
      );
  }

  update(
    executionId: string,
    status: ExecutionStatus,
    totals: RunTotals,
    message: string | undefined,
    now: number,
  ): void {
    this.#store
      .prepare(
        'UPDATE appflow_execution SET status = ?, totals = ?, message = ?, updated_at = ? WHERE execution_id = ?',
      )
      .run(status, JSON.stringify(totals), message ?? null, now, executionId);
  }

  get(executionId: string): ExecutionRecord | undefined {
    const row = this.#store.prepare('SELECT * FROM appflow_execution WHERE execution_id = ?').get(executionId);
    return row === undefined ? undefined : toRecord(row);
  }

  /** The runs of a flow older than `before`, newest first. */
  list(flowName: string, before: number, limit: number): readonly ExecutionRecord[] {
    return this.#store
      .prepare('SELECT * FROM appflow_execution WHERE flow_name = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?')
      .all(flowName, before, limit)
      .map(toRecord);
  }

  /** Runs that have not ended, of all flows: after a start, those that died with the process. */
  open(): readonly ExecutionRecord[] {
    return this.#store
      .prepare("SELECT * FROM appflow_execution WHERE status IN ('InProgress', 'CancelStarted') ORDER BY sequence")
      .all()
      .map(toRecord);
  }

  /** Forgets the oldest runs of a flow beyond the number that is kept. */
  prune(flowName: string): void {
    this.#store
      .prepare(`
        DELETE FROM appflow_execution WHERE flow_name = :flow AND sequence <=
          (SELECT sequence FROM appflow_execution WHERE flow_name = :flow ORDER BY sequence DESC LIMIT 1 OFFSET :kept)
      `)
      .run({ flow: flowName, kept: KEPT_RECORDS });
  }

  rememberToken(token: string, flowName: string, executionId: string | undefined, now: number): void {
    this.#store.prepare('DELETE FROM appflow_client_token WHERE used_at <= ?').run(now - CLIENT_TOKEN_MS);
    this.#store
      .prepare(
        'INSERT OR REPLACE INTO appflow_client_token (token, flow_name, execution_id, used_at) VALUES (?, ?, ?, ?)',
      )
      .run(token, flowName, executionId ?? null, now);
  }

  /** What the token has started in the last eight hours: the execution by flow. */
  startedBy(token: string, now: number): ReadonlyMap<string, string | undefined> {
    const rows = this.#store
      .prepare('SELECT flow_name, execution_id FROM appflow_client_token WHERE token = ? AND used_at > ?')
      .all(token, now - CLIENT_TOKEN_MS);
    return new Map(
      rows.map((raw) => {
        const row = TokenRow.parse(raw);
        return [row.flow_name, row.execution_id ?? undefined];
      }),
    );
  }
}

function toRecord(raw: unknown): ExecutionRecord {
  const row = Row.parse(raw);
  return {
    sequence: row.sequence,
    executionId: row.execution_id,
    flowName: row.flow_name,
    status: row.status,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    window:
      row.pull_from === null || row.pull_to === null
        ? undefined
        : { fromSeconds: row.pull_from, toSeconds: row.pull_to },
    totals: Totals.parse(JSON.parse(row.totals)),
    message: row.message ?? undefined,
  };
}
