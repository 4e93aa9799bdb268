/**
 * COPY ... FROM STDIN for a set of rows: the fastest way in, and every value goes to the input function of its column's
 * own type. The whole set is sent at once (it is in memory anyway), so that an error of the server meets no half-sent
 * stream: what it has not read by then it drops (PostgreSQL manual, "COPY Operations" of the protocol).
 */
import pg, { type Submittable } from 'pg';
import type { Session } from './connection.ts';
import { inSchema, namesOf } from './names.ts';
import { classified } from './server-errors.ts';

/** A value in the text form of its column's type. */
export type CopyValue = string | boolean | number | null;

/** A column and its value in an item. */
export interface CopyColumn<Item> {
  readonly name: string;
  readonly of: (item: Item) => CopyValue;
}

/**
 * Copies items into a table (quoted, with its schema). The values of an item are asked for while the server works on those
 * before. Answers how many rows the server made of them.
 */
export async function copyRows<Item>(
  session: Session,
  table: string,
  columns: readonly CopyColumn<Item>[],
  items: readonly Item[],
): Promise<number> {
  const names = columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ');
  const { schema } = namesOf(session);
  try {
    return await session.query(
      new Copy(inSchema(`copy ${table} (${names}) from stdin`, schema), () => chunks(columns, items)),
    ).done;
  } catch (error) {
    throw classified(error);
  }
}

/** What pg's connection offers for COPY, and its type declarations leave out. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The callbacks are those that pg's client gives to whatever it submits. */
class Copy implements Submittable {
  readonly done: Promise<number>;
  readonly submit: Submittable['submit'];
  readonly handleCopyInResponse: (connection: CopyConnection) => void;
  readonly handleError: (error: Error) => void;
  readonly handleReadyForQuery: () => void;
  #rows = 0;

  constructor(statement: string, text: () => Iterable<string>) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.done = promise;
    this.submit = (connection) => connection.query(statement);
    this.handleCopyInResponse = (connection) => {
      for (const chunk of text()) connection.sendCopyFromChunk(Buffer.from(chunk));
      connection.endCopyFrom();
    };
    this.handleError = reject;
    this.handleReadyForQuery = () => resolve(this.#rows);
  }

  /** `COPY 12`; rows that a trigger left out are not counted. */
  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = Number(text.split(' ').at(-1));
  }
}

const CHUNK_CHARACTERS = 64 * 1024;

/** The text format (PostgreSQL manual, COPY, "Text Format"). */
function* chunks<Item>(columns: readonly CopyColumn<Item>[], items: readonly Item[]): Generator<string> {
  let chunk = '';
  for (const item of items) {
    let separator = '';
    for (const { of } of columns) {
      const value = of(item);
      chunk += separator + (typeof value === 'string' ? escaped(value) : value === null ? '\\N' : value);
      separator = '\t';
    }
    chunk += '\n';
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escaped(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character) : text;
}
