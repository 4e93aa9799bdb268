import type { DatabaseSync } from 'node:sqlite';
import type { FunctionSettings } from './function-settings.ts';

/** A function with what only its description has. */
export interface BookedFunction {
  readonly settings: FunctionSettings;
  readonly description: string;
  readonly codeSha256: string;
  readonly codeBytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

/**
 * The functions by name. Those created through the API are durable; those of a template are not, for the template's host
 * registers them again at each start.
 */
export class FunctionBook {
  readonly #store: DatabaseSync;
  readonly #functions = new Map<string, BookedFunction>();

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec('CREATE TABLE IF NOT EXISTS lambda_function (name TEXT PRIMARY KEY, function TEXT NOT NULL)');
    for (const row of store.prepare('SELECT function FROM lambda_function').all()) {
      const booked = JSON.parse(String(row.function)) as BookedFunction;
      this.#functions.set(booked.settings.name, booked);
    }
  }

  get(name: string): BookedFunction | undefined {
    return this.#functions.get(name);
  }

  all(): readonly BookedFunction[] {
    return [...this.#functions.values()].sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1));
  }

  put(booked: BookedFunction, durable: boolean): void {
    const { name } = booked.settings;
    this.#functions.set(name, booked);
    if (!durable) return;
    this.#store.prepare('INSERT OR REPLACE INTO lambda_function VALUES (?, ?)').run(name, JSON.stringify(booked));
  }

  isDurable(name: string): boolean {
    return this.#store.prepare('SELECT 1 FROM lambda_function WHERE name = ?').get(name) !== undefined;
  }

  remove(name: string): void {
    this.#functions.delete(name);
    this.#store.prepare('DELETE FROM lambda_function WHERE name = ?').run(name);
  }
}
