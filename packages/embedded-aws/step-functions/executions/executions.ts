import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { transaction } from '../../transaction.ts';
import type { Json } from '../states/json.ts';
import { parseJson } from '../states/json.ts';
import type { Position } from '../states/position.ts';
import type { HistoryDetails, HistoryEvent } from './history.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** An execution as it is stored; times are milliseconds since 1970. */
export interface StoredExecution {
  /** Counts all executions ever started: their order, and the key of their history. */
  readonly sequence: number;
  readonly arn: string;
  readonly machineArn: string;
  readonly machineName: string;
  readonly name: string;
  readonly revisionId: string;
  readonly status: ExecutionStatus;
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly startedAt: number;
  readonly stoppedAt: number | null;
  readonly redriveCount: number;
  readonly redrivenAt: number | null;
  /** Client tokens of the last redrives, as JSON. */
  readonly redriveTokens: string;
  /** Where to go on from, as JSON: the state entered last, or the one that failed. */
  readonly position: string;
  readonly lastEventId: number;
  /** 1 while its present status is still to be announced on the event bus. */
  readonly unannounced: number;
}

export type ExecutionChange = Partial<Omit<StoredExecution, 'sequence' | 'arn' | 'position'>>;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sfn_execution (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL UNIQUE, machine_arn TEXT NOT NULL,
    machine_name TEXT NOT NULL, name TEXT NOT NULL, revision_id TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL,
    output TEXT, error TEXT, cause TEXT, started_at REAL NOT NULL, stopped_at REAL, redrive_count INTEGER NOT NULL,
    redriven_at REAL, redrive_tokens TEXT NOT NULL, position TEXT NOT NULL, last_event_id INTEGER NOT NULL,
    unannounced INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sfn_execution_machine ON sfn_execution (machine_arn, sequence);
  CREATE TABLE IF NOT EXISTS sfn_event (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, previous_id INTEGER NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,
    details TEXT, PRIMARY KEY (execution, id)
  ) STRICT, WITHOUT ROWID;`;

const COLUMNS: Readonly<Record<keyof Omit<StoredExecution, 'sequence'>, string>> = {
  arn: 'arn',
  machineArn: 'machine_arn',
  machineName: 'machine_name',
  name: 'name',
  revisionId: 'revision_id',
  status: 'status',
  input: 'input',
  output: 'output',
  error: 'error',
  cause: 'cause',
  startedAt: 'started_at',
  stoppedAt: 'stopped_at',
  redriveCount: 'redrive_count',
  redrivenAt: 'redriven_at',
  redriveTokens: 'redrive_tokens',
  position: 'position',
  lastEventId: 'last_event_id',
  unannounced: 'unannounced',
};
const NAMES = Object.entries(COLUMNS);
const SELECT = `SELECT sequence, ${NAMES.map(([key, column]) => `${column} AS ${key}`).join(', ')} FROM sfn_execution`;
const INSERT = `INSERT INTO sfn_execution (${NAMES.map(([, column]) => column).join(', ')})
  VALUES (${NAMES.map(([key]) => `:${key}`).join(', ')})`;

/** The executions in the store and their histories. */
export class Executions {
  readonly #store: DatabaseSync;

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec(SCHEMA);
  }

  /** Adds an execution with its first event. */
  add(execution: Omit<StoredExecution, 'sequence'>, started: HistoryEvent): StoredExecution {
    transaction(this.#store, () => {
      const { lastInsertRowid } = this.#store.prepare(INSERT).run({ ...execution });
      this.#insertEvents(Number(lastInsertRowid), [started]);
    });
    const stored = this.get(execution.arn);
    if (stored === undefined) throw new Error(`the store has not kept execution ${execution.arn}`);
    return stored;
  }

  get(arn: string): StoredExecution | undefined {
    return this.#store.prepare(`${SELECT} WHERE arn = ?`).get(arn) as StoredExecution | undefined;
  }

  /** All that are running, and those whose end is still to be announced, oldest first. */
  unfinished(): StoredExecution[] {
    return this.#all(`${SELECT} WHERE status = 'RUNNING' OR unannounced = 1 ORDER BY sequence`);
  }

  running(machineArn: string): StoredExecution[] {
    return this.#all(`${SELECT} WHERE machine_arn = ? AND status = 'RUNNING'`, machineArn);
  }

  /** Newest first, those before a sequence number; `status` undefined: all. */
  list(machineArn: string, status: string | undefined, before: number, limit: number): StoredExecution[] {
    const where = `WHERE machine_arn = ? AND sequence < ?${status === undefined ? '' : ' AND status = ?'}`;
    const values = status === undefined ? [machineArn, before] : [machineArn, before, status];
    return this.#all(`${SELECT} ${where} ORDER BY sequence DESC LIMIT ?`, ...values, limit);
  }

  /** Stores events, the position and other changes of one execution at once: all of it or nothing. */
  save(
    execution: StoredExecution,
    events: readonly HistoryEvent[],
    position: Position | undefined,
    change: ExecutionChange = {},
  ): void {
    const fields: Record<string, SQLInputValue> = { ...change };
    if (position !== undefined) fields.position = JSON.stringify(position);
    const last = events.at(-1);
    if (last !== undefined) fields.lastEventId = last.id;
    transaction(this.#store, () => {
      this.#insertEvents(execution.sequence, events);
      this.#update(execution.arn, fields);
    });
  }

  /** Events of one execution from an id on, in either direction. */
  events(execution: StoredExecution, from: number, reverse: boolean, limit: number): HistoryEvent[] {
    const rows = this.#store
      .prepare(
        `SELECT id, previous_id AS previousId, type, at, details FROM sfn_event
         WHERE execution = ? AND id ${reverse ? '<=' : '>='} ? ORDER BY id ${reverse ? 'DESC' : 'ASC'} LIMIT ?`,
      )
      .all(execution.sequence, from, limit) as unknown as (Omit<HistoryEvent, 'details'> & {
      details: string | null;
    })[];
    return rows.map((row) => ({ ...row, details: readDetails(row.details) }));
  }

  /** Forgets all executions of a machine, with their histories. */
  forget(machineArn: string): void {
    this.#delete('machine_arn = ?', machineArn);
  }

  /** Forgets what ended before a moment. */
  forgetStoppedBefore(at: number): void {
    this.#delete("status <> 'RUNNING' AND stopped_at < ?", at);
  }

  #all(sql: string, ...values: SQLInputValue[]): StoredExecution[] {
    return this.#store.prepare(sql).all(...values) as unknown as StoredExecution[];
  }

  #insertEvents(sequence: number, events: readonly HistoryEvent[]): void {
    const insert = this.#store.prepare(
      'INSERT INTO sfn_event (execution, id, previous_id, type, at, details) VALUES (?, ?, ?, ?, ?, ?)',
    );
    for (const event of events) {
      const details = event.details === undefined ? null : JSON.stringify(event.details);
      insert.run(sequence, event.id, event.previousId, event.type, event.at, details);
    }
  }

  #update(arn: string, fields: Record<string, SQLInputValue>): void {
    const names = NAMES.filter(([key]) => key in fields);
    if (names.length === 0) return;
    const assignments = names.map(([key, column]) => `${column} = :${key}`).join(', ');
    this.#store.prepare(`UPDATE sfn_execution SET ${assignments} WHERE arn = :arn`).run({ ...fields, arn });
  }

  #delete(where: string, value: SQLInputValue): void {
    transaction(this.#store, () => {
      this.#store
        .prepare(`DELETE FROM sfn_event WHERE execution IN (SELECT sequence FROM sfn_execution WHERE ${where})`)
        .run(value);
      this.#store.prepare(`DELETE FROM sfn_execution WHERE ${where}`).run(value);
    });
  }
}

function readDetails(text: string | null): HistoryDetails | undefined {
  return text === null ? undefined : JSON.parse(text);
}

/** The stored position of an execution. */
export function positionOf(execution: StoredExecution): Position {
  return JSON.parse(execution.position);
}

/** The stored input of an execution. */
export function inputOf(execution: StoredExecution): Json {
  return parseJson(execution.input);
}
