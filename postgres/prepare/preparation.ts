/** Runs the statements of `sfsync prepare`, or only prints them, and keeps the list of what was done. */
import pg from 'pg';
import type { DatabaseNames } from '../../core/contracts/database-names.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { inSchema, namesOf } from '../session/names.ts';

export interface Action {
  readonly what: string;
  readonly done: 'created' | 'changed' | 'unchanged' | 'made sure' | 'not possible';
}

export interface StatementOptions {
  /** What a person reads in the dry run in place of the statement; for one that holds a secret. */
  readonly shown?: string;
  /** SQLSTATEs that mean that another run has just done the same. */
  readonly alreadyDone?: readonly string[];
}

/**
 * Catalog rows of roles and origins belong to the whole server; two updates at once fail with XX000 "tuple concurrently
 * updated".
 */
const CONCURRENT_UPDATE = 'XX000';
const ATTEMPTS = 5;

export class Preparation {
  readonly client: pg.ClientBase;
  readonly #dryRun: boolean;
  readonly #log: (line: string) => void;
  readonly #actions: Action[] = [];
  readonly #warnings: string[] = [];
  #together = false;

  constructor(client: pg.ClientBase, dryRun: boolean, log: (line: string) => void) {
    this.client = client;
    this.#dryRun = dryRun;
    this.#log = log;
  }

  get names(): DatabaseNames {
    return namesOf(this.client);
  }

  get isDryRun(): boolean {
    return this.#dryRun;
  }

  get actions(): readonly Action[] {
    return this.#actions;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  note(what: string, done: Action['done']): void {
    this.#actions.push({ what, done });
  }

  warn(text: string): void {
    this.#warnings.push(text);
  }

  /** Executes the statement, or in a dry run prints it. Throws ConfigurationError when a right is missing. */
  async execute(sql: string, { shown = sql, alreadyDone = [] }: StatementOptions = {}): Promise<void> {
    if (this.#dryRun) {
      this.#log(`${inSchema(shown, this.names.schema).trimEnd().replace(/;$/, '')};`);
      return;
    }
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#run(sql);
        return;
      } catch (error) {
        const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
        if (alreadyDone.includes(code)) return;
        if (code === CONCURRENT_UPDATE && attempt < ATTEMPTS) continue;
        if (code !== '42501') throw error;
        throw new ConfigurationError(
          code,
          `The role that prepares the database may not do this: ${shown.split('\n')[0]} (${(error as Error).message}). Run prepare as the owner of the mapped tables with CREATEROLE and REPLICATION (on RDS: the master user).`,
          { cause: error },
        );
      }
    }
  }

  /** All of the work, or none of it. */
  async together(work: () => Promise<void>): Promise<void> {
    if (this.#dryRun) return work();
    await this.client.query('begin');
    this.#together = true;
    try {
      await work();
      await this.client.query('commit');
    } catch (error) {
      // The first error is the reason, also when the connection is gone.
      await this.client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      this.#together = false;
    }
  }

  /** A statement that fails may be passed over, or tried again: within a transaction it must not end that. */
  async #run(sql: string): Promise<void> {
    if (!this.#together) {
      await this.client.query(sql);
      return;
    }
    await this.client.query('savepoint statement');
    try {
      await this.client.query(sql);
    } catch (error) {
      await this.client.query('rollback to savepoint statement');
      throw error;
    } finally {
      await this.client.query('release savepoint statement');
    }
  }

  /** Work that is not to be done in a dry run, and has no statement worth printing. */
  async change(work: (client: pg.ClientBase) => Promise<void>): Promise<void> {
    if (!this.#dryRun) await work(this.client);
  }

  /** As `execute`, but a missing right is an answer: false. */
  async tryTo(sql: string, options: StatementOptions = {}): Promise<boolean> {
    try {
      await this.execute(sql, options);
      return true;
    } catch (error) {
      if (error instanceof ConfigurationError && error.code === '42501') return false;
      throw error;
    }
  }
}
