import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { EmbeddedAws } from './service.ts';
import type { Timers } from './timers.ts';

/** What became of one attempt: nothing is left to do, or it is to be tried again (with `item` as it is by then). */
export type Attempt<Item> =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly item: Item; readonly delayMs: number };

export interface DurableWorkOptions<Item> {
  /** The table that holds the items; one for each use. */
  readonly table: string;
  /** Attempts at one time; the rest wait their turn. */
  readonly concurrency: number;
  /** Makes one attempt. Must not reject; if it does, that is journalled and the item waits for the next start. */
  readonly attempt: (item: Item, id: string) => Promise<Attempt<Item>>;
}

/** How long `stop` waits for attempts under way. Those that did not end are made again after the next start. */
const STOP_LIMIT_MS = 5_000;

/**
 * Things that were accepted and must be done at least once: each is a row of the store until its attempt says so, and
 * `start` goes on with the rows an earlier run left. Items are plain JSON.
 */
export class DurableWork<Item extends object> {
  readonly #aws: EmbeddedAws;
  readonly #store: DatabaseSync;
  readonly #timers: Timers;
  readonly #options: DurableWorkOptions<Item>;
  readonly #waiting = new Map<string, () => void>();
  readonly #ready: string[] = [];
  readonly #inFlight = new Map<string, Promise<void>>();
  /** While stopping nothing new begins, but what ends is still written down. */
  #state: 'stopped' | 'running' | 'stopping' = 'stopped';

  constructor(aws: EmbeddedAws, store: DatabaseSync, timers: Timers, options: DurableWorkOptions<Item>) {
    this.#aws = aws;
    this.#store = store;
    this.#timers = timers;
    this.#options = options;
    store.exec(
      `CREATE TABLE IF NOT EXISTS ${options.table} (id TEXT PRIMARY KEY, item TEXT NOT NULL, due_at REAL NOT NULL)`,
    );
  }

  /** Takes on some items, all or none; when this returns, they are durable. Those with a delay are begun later. Answers their ids. */
  add(items: readonly Item[], delaysMs: readonly number[] = []): readonly string[] {
    const now = this.#aws.now();
    const accepted = items.map((item, index) => ({ id: randomUUID(), item, dueAt: now + (delaysMs[index] ?? 0) }));
    const insert = this.#store.prepare(`INSERT INTO ${this.#options.table} VALUES (?, ?, ?)`);
    this.#store.exec('BEGIN');
    try {
      for (const { id, item, dueAt } of accepted) insert.run(id, JSON.stringify(item), dueAt);
      this.#store.exec('COMMIT');
    } catch (error) {
      this.#store.exec('ROLLBACK');
      throw error;
    }
    for (const { id, dueAt } of accepted) this.#enqueue(id, dueAt);
    return accepted.map(({ id }) => id);
  }

  /** Begins to work, also on what an earlier run left. */
  start(): void {
    this.#state = 'running';
    const rows = this.#store.prepare(`SELECT id, due_at FROM ${this.#options.table} ORDER BY due_at`).all();
    for (const row of rows) this.#enqueue(String(row.id), Number(row.due_at));
  }

  /** Begins nothing new and waits a bounded time for what is under way. */
  async stop(): Promise<void> {
    this.#state = 'stopping';
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
    this.#ready.length = 0;
    const limit = Promise.withResolvers<void>();
    const timeout = setTimeout(limit.resolve, STOP_LIMIT_MS);
    await Promise.race([Promise.allSettled(this.#inFlight.values()), limit.promise]);
    clearTimeout(timeout);
    this.#state = 'stopped';
  }

  #enqueue(id: string, dueAt: number): void {
    if (this.#state !== 'running' || this.#waiting.has(id)) return;
    const delayMs = dueAt - this.#aws.now();
    if (delayMs <= 0) {
      this.#makeReady(id);
      return;
    }
    const cancel = this.#timers.after(delayMs, () => {
      this.#waiting.delete(id);
      this.#makeReady(id);
    });
    this.#waiting.set(id, cancel);
  }

  #makeReady(id: string): void {
    this.#ready.push(id);
    this.#work();
  }

  #work(): void {
    while (this.#state === 'running' && this.#inFlight.size < this.#options.concurrency) {
      const id = this.#ready.shift();
      if (id === undefined) return;
      if (this.#inFlight.has(id)) continue;
      const row = this.#store.prepare(`SELECT item FROM ${this.#options.table} WHERE id = ?`).get(id);
      if (row === undefined) continue;
      const item = JSON.parse(String(row.item)) as Item;
      this.#inFlight.set(id, this.#attempt(id, item));
    }
  }

  async #attempt(id: string, item: Item): Promise<void> {
    let next: number | undefined;
    try {
      const attempt = await this.#options.attempt(item, id);
      // Stopped without waiting for this one: the store may be closed by now.
      if (this.#state !== 'stopped') next = this.#settle(id, attempt);
    } catch (error) {
      const text = `${id} is left for the next start: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
      this.#aws.journal.record({ kind: 'fault', subject: this.#options.table, text });
    }
    this.#inFlight.delete(id);
    if (next !== undefined) this.#enqueue(id, next);
    this.#work();
  }

  #settle(id: string, attempt: Attempt<Item>): number | undefined {
    const { table } = this.#options;
    if (attempt.kind === 'done') {
      this.#store.prepare(`DELETE FROM ${table} WHERE id = ?`).run(id);
      return undefined;
    }
    const dueAt = this.#aws.now() + attempt.delayMs;
    this.#store
      .prepare(`UPDATE ${table} SET item = ?, due_at = ? WHERE id = ?`)
      .run(JSON.stringify(attempt.item), dueAt, id);
    return dueAt;
  }
}
