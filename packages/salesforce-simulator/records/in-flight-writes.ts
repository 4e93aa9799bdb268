import type { DatabaseSync } from 'node:sqlite';
import type { StoredRecord } from './stored-record.ts';

/** Writes that are answered and stamped but not yet visible, as those of a long transaction. They survive a restart. */
export class InFlightWrites {
  readonly #database: DatabaseSync;
  readonly #held = new Set<string>();
  #entries: { readonly visibleAt: number; readonly record: StoredRecord }[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec('CREATE TABLE IF NOT EXISTS org_in_flight (visible_at INTEGER NOT NULL, body TEXT NOT NULL)');
    for (const row of database.prepare('SELECT visible_at, body FROM org_in_flight ORDER BY rowid').iterate())
      this.#entries.push({
        visibleAt: Number(row.visible_at),
        record: JSON.parse(String(row.body)) as StoredRecord,
      });
    for (const { record } of this.#entries) this.#held.add(record.id);
  }

  /** Call inside the transaction that makes the rest durable. */
  add(visibleAt: number, records: readonly StoredRecord[]): void {
    const insert = this.#database.prepare('INSERT INTO org_in_flight (visible_at, body) VALUES (?, ?)');
    for (const record of records) {
      insert.run(visibleAt, JSON.stringify(record));
      this.#entries.push({ visibleAt, record });
      this.#held.add(record.id);
    }
  }

  holds(id: string): boolean {
    return this.#held.has(id);
  }

  /** In the order in which they were written. */
  due(now: number): readonly StoredRecord[] {
    return this.#entries.filter((entry) => entry.visibleAt <= now).map((entry) => entry.record);
  }

  removeDue(now: number): void {
    this.#database.prepare('DELETE FROM org_in_flight WHERE visible_at <= ?').run(now);
    this.#entries = this.#entries.filter((entry) => entry.visibleAt > now);
    this.#held.clear();
    for (const { record } of this.#entries) this.#held.add(record.id);
  }
}
