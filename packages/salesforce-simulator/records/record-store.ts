import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ObjectSchema, OrgSchema } from '../schema/org-schema.ts';
import { InFlightWrites } from './in-flight-writes.ts';
import { ObjectTable } from './object-table.ts';
import { nthId } from './record-id.ts';
import type { Purged, StoredRecord, WriteEffect } from './stored-record.ts';
import type { NewVersion, VersionLog } from './version-log.ts';

interface Undo {
  readonly id: string;
  readonly before: StoredRecord | undefined;
}

interface UnitOfWork {
  readonly undo: Undo[];
  readonly effects: WriteEffect[];
  readonly purged: Purged[];
  /** Empty while the log of versions is off. */
  readonly versions: NewVersion[];
  /** Run in the database transaction that makes the records durable. */
  readonly alongside: (() => void)[];
  visibleAt: number | undefined;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS org_record (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS org_purged (id TEXT PRIMARY KEY, object TEXT NOT NULL, deleted_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS org_counter (prefix TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;`;

/**
 * The records of the org: in memory for reading, in SQLite before a write is answered. Records are immutable, a change
 * puts a new one, so a query cursor that holds one keeps what was.
 */
export class RecordStore {
  readonly versions: VersionLog;
  readonly #database: DatabaseSync;
  readonly #tables = new Map<string, ObjectTable>();
  readonly #inFlight: InFlightWrites;
  readonly #purged = new Map<string, Purged>();
  readonly #counters = new Map<string, number>();
  readonly #changedCounters = new Set<string>();
  readonly #onCommit: (effects: readonly WriteEffect[]) => void;
  readonly #schema: OrgSchema;
  readonly #statements: Readonly<Record<'put' | 'remove' | 'purge' | 'unpurge' | 'count', StatementSync>>;
  #unit: UnitOfWork | undefined;

  /** Opens what the database holds. `onCommit` hears of every write that became durable. */
  constructor(
    database: DatabaseSync,
    schema: OrgSchema,
    versions: VersionLog,
    onCommit: (effects: readonly WriteEffect[]) => void,
  ) {
    this.#database = database;
    this.#schema = schema;
    this.versions = versions;
    this.#onCommit = onCommit;
    database.exec(TABLES);
    this.#inFlight = new InFlightWrites(database);
    this.#statements = {
      put: database.prepare('INSERT OR REPLACE INTO org_record (id, body) VALUES (?, ?)'),
      remove: database.prepare('DELETE FROM org_record WHERE id = ?'),
      purge: database.prepare('INSERT OR REPLACE INTO org_purged (id, object, deleted_at) VALUES (?, ?, ?)'),
      unpurge: database.prepare('DELETE FROM org_purged WHERE id = ?'),
      count: database.prepare('INSERT OR REPLACE INTO org_counter (prefix, next) VALUES (?, ?)'),
    };
    for (const object of schema.objects) this.#tables.set(object.name, new ObjectTable(object));
    this.#load();
  }

  #load(): void {
    for (const row of this.#database.prepare('SELECT body FROM org_record ORDER BY id').iterate()) {
      const record = JSON.parse(String(row.body)) as StoredRecord;
      this.#tables.get(record.object)?.set(record);
    }
    for (const row of this.#database.prepare('SELECT id, object, deleted_at FROM org_purged').iterate())
      this.#purged.set(String(row.id), {
        id: String(row.id),
        object: String(row.object),
        deletedAt: Number(row.deleted_at),
      });
    for (const row of this.#database.prepare('SELECT prefix, next FROM org_counter').iterate())
      this.#counters.set(String(row.prefix), Number(row.next));
  }

  get(id: string): StoredRecord | undefined {
    const object = this.#schema.ofId(id);
    return object === undefined ? undefined : this.table(object.name).get(id);
  }

  /** The records of one object with their indexes. */
  table(object: string): ObjectTable {
    const table = this.#tables.get(object);
    if (table === undefined) throw new Error(`the org has no object ${object}`);
    return table;
  }

  /** Records of an object that were removed from the recycle bin for good, for the delete log. */
  purged(object: string): readonly Purged[] {
    return [...this.#purged.values()].filter((entry) => entry.object === object);
  }

  wasPurged(id: string): boolean {
    return this.#purged.has(id);
  }

  /** A fresh id; never given twice, not even after a purge. */
  nextId(object: ObjectSchema): string {
    const prefix = object.definition.keyPrefix;
    const n = this.#counters.get(prefix) ?? 1;
    this.#counters.set(prefix, n + 1);
    this.#changedCounters.add(prefix);
    return nthId(prefix, n);
  }

  put(record: StoredRecord): void {
    this.#replace(record.id, record);
  }

  /** Removes a record physically and enters it in the delete log. */
  purge(record: StoredRecord): void {
    this.#replace(record.id, undefined);
    const { id, object, values } = record;
    this.#current().purged.push({ id, object, deletedAt: record.bin?.deletedAt ?? 0 });
    this.#keepVersion({ object, id, kind: 'purge', cascade: false, client: undefined, values });
  }

  /** Says what was done to a record, for those who count; forgotten when the unit of work fails. */
  note(effect: WriteEffect): void {
    this.#current().effects.push(effect);
    const { object, id, kind, cascade, client } = effect;
    this.#keepVersion({ object, id, kind, cascade, client, values: this.get(id)?.values ?? {} });
  }

  #keepVersion(version: NewVersion): void {
    if (this.versions.isOn) this.#current().versions.push(version);
  }

  /** Has something else written to the database together with the records: both become durable, or neither. */
  alongside(work: () => void): void {
    this.#current().alongside.push(work);
  }

  #current(): UnitOfWork {
    if (this.#unit === undefined) throw new Error('records are only written inside a unit of work');
    return this.#unit;
  }

  #replace(id: string, record: StoredRecord | undefined): void {
    const unit = this.#current();
    const before = this.get(id);
    unit.undo.push({ id, before });
    this.#show(id, record);
  }

  #show(id: string, record: StoredRecord | undefined): void {
    const object = this.#schema.ofId(id);
    if (object === undefined) throw new Error(`no object has the key prefix of ${id}`);
    if (record === undefined) this.table(object.name).delete(id);
    else this.table(object.name).set(record);
  }

  /**
   * Everything written by `work` becomes durable, or nothing when it throws. Nested, it is a savepoint. With `visibleAt`
   * all of it, the outer units included, is stored as still in flight: readers see what was before until that moment.
   */
  unitOfWork<T>(work: () => T, visibleAt?: number): T {
    const outer = this.#unit;
    const unit = outer ?? { undo: [], effects: [], purged: [], versions: [], alongside: [], visibleAt: undefined };
    const mark = {
      undo: unit.undo.length,
      effects: unit.effects.length,
      purged: unit.purged.length,
      versions: unit.versions.length,
    };
    this.#unit = unit;
    unit.visibleAt = visibleAt ?? unit.visibleAt;
    try {
      const result = work();
      if (outer === undefined) this.#commit(unit);
      return result;
    } catch (error) {
      this.#undoTo(unit, mark.undo);
      unit.effects.length = mark.effects;
      unit.purged.length = mark.purged;
      unit.versions.length = mark.versions;
      throw error;
    } finally {
      this.#unit = outer;
    }
  }

  #undoTo(unit: UnitOfWork, length: number): void {
    while (unit.undo.length > length) {
      const last = unit.undo.pop()!;
      this.#show(last.id, last.before);
    }
  }

  #commit(unit: UnitOfWork): void {
    const { visibleAt } = unit;
    const ids = [...new Set(unit.undo.map((entry) => entry.id))];
    const after = ids.map((id) => this.get(id));
    this.#transaction(() => {
      for (const work of unit.alongside) work();
      if (visibleAt === undefined) {
        this.#persist(ids, after, unit.purged);
        this.versions.add(unit.versions);
        return;
      }
      this.#inFlight.add(
        visibleAt,
        after.filter((record) => record !== undefined),
      );
      this.versions.hold(visibleAt, unit.versions);
    });
    if (visibleAt !== undefined) this.#undoTo(unit, 0);
    this.#onCommit(unit.effects);
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      for (const prefix of this.#changedCounters) this.#statements.count.run(prefix, this.#counters.get(prefix) ?? 1);
      this.#database.exec('COMMIT');
      this.#changedCounters.clear();
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #persist(ids: readonly string[], after: readonly (StoredRecord | undefined)[], purged: readonly Purged[]): void {
    ids.forEach((id, i) => {
      const record = after[i];
      if (record === undefined) this.#statements.remove.run(id);
      else this.#statements.put.run(id, JSON.stringify(record));
    });
    for (const entry of purged) {
      this.#statements.purge.run(entry.id, entry.object, entry.deletedAt);
      this.#purged.set(entry.id, entry);
    }
  }

  /** Whether another transaction that has not ended yet holds this record. */
  isInFlight(id: string): boolean {
    return this.#inFlight.holds(id);
  }

  /** Shows the writes in flight whose moment has come. */
  settleInFlight(now: number): void {
    const due = this.#inFlight.due(now);
    if (due.length === 0) return;
    for (const record of due) this.#show(record.id, record);
    this.#transaction(() => {
      this.#persist(
        due.map((record) => record.id),
        due,
        [],
      );
      this.#inFlight.removeDue(now);
      this.versions.release(now);
    });
  }
}
