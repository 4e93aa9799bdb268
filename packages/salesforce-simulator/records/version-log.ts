import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { FieldValues } from '../schema/object-definition.ts';
import type { WriteEffect } from './stored-record.ts';

/** What a record was after one write to it. */
export interface NewVersion extends Pick<WriteEffect, 'object' | 'id' | 'cascade' | 'client'> {
  readonly kind: WriteEffect['kind'] | 'purge';
  /** All fields; of a deleted record those that it had. */
  readonly values: FieldValues;
}

export interface LoggedVersion extends NewVersion {
  /** In the order in which they became visible. */
  readonly sequence: number;
  /** When it did, milliseconds since 1970, by the machine's clock: the org's own may be set to be off. */
  readonly at: number;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS org_version (sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS org_version_in_flight (visible_at INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS org_version_switch (is_on INTEGER PRIMARY KEY) WITHOUT ROWID;`;

/**
 * Every version of every record, with its values, in the transaction that makes it durable; for tests that have to know what
 * was there at any time. Off until it is switched on, and then on for the rest of the org's life.
 */
export class VersionLog {
  readonly #database: DatabaseSync;
  readonly #clock: () => number;
  readonly #statements: Readonly<Record<'add' | 'hold', StatementSync>>;
  #isOn: boolean;

  constructor(database: DatabaseSync, clock: () => number) {
    this.#database = database;
    this.#clock = clock;
    database.exec(TABLES);
    this.#isOn = database.prepare('SELECT is_on FROM org_version_switch').get() !== undefined;
    this.#statements = {
      add: database.prepare('INSERT INTO org_version (at, body) VALUES (?, ?)'),
      hold: database.prepare('INSERT INTO org_version_in_flight (visible_at, body) VALUES (?, ?)'),
    };
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  switchOn(): void {
    this.#database.exec('INSERT OR IGNORE INTO org_version_switch (is_on) VALUES (1)');
    this.#isOn = true;
  }

  /** Call inside the transaction that makes the records durable. */
  add(versions: readonly NewVersion[]): void {
    const at = this.#clock();
    for (const version of versions) this.#statements.add.run(at, JSON.stringify(version));
  }

  /** Like `add`, of records that readers see later. */
  hold(visibleAt: number, versions: readonly NewVersion[]): void {
    for (const version of versions) this.#statements.hold.run(visibleAt, JSON.stringify(version));
  }

  /** Call inside the transaction that shows what was in flight until `now`. */
  release(now: number): void {
    const due = this.#database
      .prepare('SELECT body FROM org_version_in_flight WHERE visible_at <= ? ORDER BY rowid')
      .all(now);
    const at = this.#clock();
    for (const { body } of due) this.#statements.add.run(at, body ?? null);
    this.#database.prepare('DELETE FROM org_version_in_flight WHERE visible_at <= ?').run(now);
  }

  /** The sequence number of the newest; 0: there is none. */
  get last(): number {
    return Number(this.#database.prepare('SELECT max(sequence) AS last FROM org_version').get()?.last ?? 0);
  }

  /** Those after a sequence number, oldest first. */
  after(sequence: number, limit: number): readonly LoggedVersion[] {
    const rows = this.#database
      .prepare('SELECT sequence, at, body FROM org_version WHERE sequence > ? ORDER BY sequence LIMIT ?')
      .all(sequence, limit);
    return rows.map((row) => ({
      sequence: Number(row.sequence),
      at: Number(row.at),
      ...(JSON.parse(String(row.body)) as NewVersion),
    }));
  }
}
