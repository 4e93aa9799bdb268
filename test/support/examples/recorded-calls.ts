/** Calls of an application's own client, and the statements that it sent for each: `examples/<name>/statements.json`. */
import { readFile } from 'node:fs/promises';
import type pg from 'pg';

interface RecordedStatement {
  readonly sql: string;
  /** `{ now: true }` stands for the moment of the call. */
  readonly values?: readonly unknown[];
}

interface RecordedCall {
  readonly name: string;
  /** Its source. */
  readonly call: string;
  readonly statements: readonly RecordedStatement[];
}

export class RecordedCalls {
  readonly #calls: readonly RecordedCall[];
  readonly #database: pg.Pool;

  private constructor(calls: readonly RecordedCall[], database: pg.Pool) {
    this.#calls = calls;
    this.#database = database;
  }

  static async of(file: URL, database: pg.Pool): Promise<RecordedCalls> {
    return new RecordedCalls(JSON.parse(await readFile(file, 'utf8')) as readonly RecordedCall[], database);
  }

  get names(): readonly string[] {
    return this.#calls.map(({ name }) => name);
  }

  /** The value that a call gave, by the place of its statement and of its parameter. */
  value(name: string, statement: number, place: number): string {
    return String(this.#called(name).statements[statement]?.values?.[place]);
  }

  /**
   * Sends the statements of one call again, in one session; `instead` has other values in place of those that it gave then.
   * Answers what each statement returned.
   */
  async replay(
    name: string,
    instead: Readonly<Record<string, string>> = {},
  ): Promise<readonly (readonly Readonly<Record<string, unknown>>[])[]> {
    const client = await this.#database.connect();
    const now = new Date().toISOString().replace('T', ' ').replace('Z', '');
    const given = (value: unknown) => {
      if (typeof value === 'object' && value !== null && 'now' in value) return now;
      return typeof value === 'string' ? (instead[value] ?? value) : value;
    };
    try {
      const answers = [];
      for (const { sql, values = [] } of this.#called(name).statements) {
        const { rows } = await client.query(sql, values.map(given));
        answers.push(rows);
      }
      return answers;
    } finally {
      client.release();
    }
  }

  #called(name: string): RecordedCall {
    const found = this.#calls.find((call) => call.name === name);
    if (found === undefined) throw new Error(`No call ${name} was recorded`);
    return found;
  }
}
