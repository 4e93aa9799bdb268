/** Who the plan's names are: the id of a record and the key of its row, as far as the two systems show them. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { objectCalled } from '../plan/objects.ts';
import { objectOf } from '../plan/plan.ts';

const LOOK_EVERY_MS = 150;

interface Known {
  readonly id?: string;
  readonly key?: string;
}

export class Cast {
  readonly #database: pg.Pool;
  readonly #patienceMs: number;
  readonly #known = new Map<string, Known>();
  /** Those that were waited for in vain: they are looked for again, and not waited for. */
  readonly #missed = new Set<string>();
  /** Rows that clients have deleted, as they were. */
  readonly #deleted = new Map<string, Readonly<Record<string, unknown>>>();

  /** `patienceMs`: how long one waits for what is created on the other side. */
  constructor(database: pg.Pool, patienceMs: number) {
    this.#database = database;
    this.#patienceMs = patienceMs;
  }

  isRecord(name: string, id: string): void {
    this.#known.set(name, { ...this.#known.get(name), id });
  }

  isRow(name: string, key: string): void {
    this.#known.set(name, { ...this.#known.get(name), key });
  }

  rowWas(name: string, row: Readonly<Record<string, unknown>>): void {
    this.#deleted.set(name, row);
  }

  deletedRow(name: string): Readonly<Record<string, unknown>> | undefined {
    return this.#deleted.get(name);
  }

  /** The record's id; undefined when there is none in time. */
  async idOf(name: string): Promise<string | undefined> {
    const id = this.#known.get(name)?.id;
    if (id !== undefined) return id;
    const found = await this.#found(name, async ({ key }) => {
      if (key === undefined) return undefined;
      const { table, idColumn } = objectCalled(objectOf(name));
      return this.#one(`select ${idColumn} as found from ${table} where id::text = $1`, key);
    });
    if (found !== undefined) this.isRecord(name, found);
    return found;
  }

  /** The key of the record's row now; undefined when there is none in time. */
  async keyOf(name: string): Promise<string | undefined> {
    return this.#found(name, async ({ id, key }) => {
      const { table, idColumn } = objectCalled(objectOf(name));
      if (key !== undefined) return key;
      return id && (await this.#one(`select id::text as found from ${table} where ${idColumn} = $1`, id));
    });
  }

  async #found(name: string, look: (known: Known) => Promise<string | undefined>): Promise<string | undefined> {
    const deadline = Date.now() + (this.#missed.has(name) ? 0 : this.#patienceMs);
    for (;;) {
      const found = await look(this.#known.get(name) ?? {}).catch(() => undefined);
      if (found !== undefined) return found;
      if (Date.now() >= deadline) break;
      await pause(LOOK_EVERY_MS);
    }
    this.#missed.add(name);
    return undefined;
  }

  async #one(sql: string, value: string): Promise<string | undefined> {
    const { rows } = await this.#database.query<{ found: string | null }>(sql, [value]);
    return rows[0]?.found ?? undefined;
  }
}
