import type { WriteEffect } from './records/stored-record.ts';

/** One line of the write log. Names of fields, never values. */
export interface LoggedWrite extends Omit<WriteEffect, 'cascade' | 'unchanged' | 'client'> {
  readonly at: string;
  readonly cascade?: true;
  readonly unchanged?: true;
}

type Counters = Record<string, Record<string, number>>;

const LOG_LENGTH = 10_000;

/** Counts what reaches the org, so that "one edit, one write" can be checked from outside. */
export class Stats {
  #writes: Counters = {};
  #cascades: Counters = {};
  #unchangedUpdates: Record<string, number> = {};
  #refused: Record<string, Record<string, number>> = {};
  #apiCalls: Record<string, number> = {};
  #log: LoggedWrite[] = [];

  /** One HTTP request of a client. */
  call(kind: string): void {
    this.#apiCalls[kind] = (this.#apiCalls[kind] ?? 0) + 1;
  }

  /** Requests so far. */
  get totalCalls(): number {
    return Object.values(this.#apiCalls).reduce((sum, n) => sum + n, 0);
  }

  /** Writes that became durable, one for each record. */
  written(effects: readonly WriteEffect[], at: string): void {
    for (const { object, id, kind, cascade, fields, unchanged } of effects) {
      count(cascade ? this.#cascades : this.#writes, object, kind);
      if (unchanged) this.#unchangedUpdates[object] = (this.#unchangedUpdates[object] ?? 0) + 1;
      const marks = { ...(cascade ? { cascade } : {}), ...(unchanged ? { unchanged } : {}) };
      this.#log.push({ at, object, id, kind, fields, ...marks });
    }
    if (this.#log.length > LOG_LENGTH) this.#log = this.#log.slice(-LOG_LENGTH);
  }

  /** A record that was refused, with the code of the error. */
  refused(object: string, code: string): void {
    count(this.#refused, object, code);
  }

  snapshot(): object {
    return {
      writes: this.#writes,
      cascades: this.#cascades,
      unchangedUpdates: this.#unchangedUpdates,
      refused: this.#refused,
      apiCalls: { total: this.totalCalls, byKind: this.#apiCalls },
    };
  }

  /** The last writes, oldest first. */
  log(): readonly LoggedWrite[] {
    return this.#log;
  }

  reset(): void {
    this.#writes = {};
    this.#cascades = {};
    this.#unchangedUpdates = {};
    this.#refused = {};
    this.#apiCalls = {};
    this.#log = [];
  }
}

function count(counters: Counters, object: string, kind: string): void {
  const ofObject = counters[object] ?? {};
  ofObject[kind] = (ofObject[kind] ?? 0) + 1;
  counters[object] = ofObject;
}
