/**
 * COPY ... FROM STDIN for a set of rows: the fastest way in, and every value goes to the input function of its column's
 * own type. The whole set is sent at once (it is in memory anyway), so that an error of the server meets no half-sent
 * stream: what it has not read by then it drops (PostgreSQL manual, "COPY Operations" of the protocol).
 */
import type { Submittable } from 'pg';
import { classified, type Session } from './connection.ts';

/** A value in the text form of its column's type. */
export type CopyValue = string | boolean | number | null;

/** Copies rows into a table. `target`: the quoted table and its columns, `"public"."lenders" ("name", "phone")`. */
export async function copyRows(session: Session, target: string, rows: Iterable<readonly CopyValue[]>): Promise<void> {
  try {
    await session.query(new Copy(`copy ${target} from stdin`, rows)).done;
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
  readonly done: Promise<void>;
  readonly submit: Submittable['submit'];
  readonly handleCopyInResponse: (connection: CopyConnection) => void;
  readonly handleError: (error: Error) => void;
  readonly handleReadyForQuery: () => void;

  constructor(statement: string, rows: Iterable<readonly CopyValue[]>) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.submit = (connection) => connection.query(statement);
    this.handleCopyInResponse = (connection) => {
      for (const chunk of chunks(rows)) connection.sendCopyFromChunk(Buffer.from(chunk));
      connection.endCopyFrom();
    };
    this.handleError = reject;
    this.handleReadyForQuery = resolve;
  }

  handleCommandComplete(): void {}
}

const CHUNK_CHARACTERS = 64 * 1024;

/** The text format (PostgreSQL manual, COPY, "Text Format"). The server reads while the next chunk is made. */
function* chunks(rows: Iterable<readonly CopyValue[]>): Generator<string> {
  let chunk = '';
  for (const row of rows) {
    let separator = '';
    for (const value of row) {
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
