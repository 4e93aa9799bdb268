/**
 * Reads the messages of pgoutput (PostgreSQL manual, "Logical Replication Message Formats", protocol version 1) as far as
 * this project needs them: which row changed. No value but the key is decoded.
 */

import { ConfigurationError, InvariantError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { spelledName, spelledTable } from '../../core/mapping/identifiers.ts';
import { keyText } from '../../core/mapping/row-key.ts';
import { keyIndexesOf } from '../table-watch.ts';
import type { StreamDecoder, StreamMessage, TableDescription } from './stream-message.ts';

/** A published table, in the column order of the messages that follow. */
interface Relation {
  readonly table: string;
  /** None: it is not mapped. */
  readonly objects: readonly string[];
  /** Where the columns of the key are, in the order of the configuration; none: not mapped. */
  readonly keyIndexes: readonly number[];
}

const NOTHING: StreamMessage = { kind: 'nothing' };
/** Milliseconds from 1970 to 2000, where PostgreSQL's clock starts. */
const EPOCH_MS = 946_684_800_000;

const TAG = {
  begin: 0x42,
  commit: 0x43,
  delete: 0x44,
  insert: 0x49,
  key: 0x4b,
  message: 0x4d,
  new: 0x4e,
  origin: 0x4f,
  relation: 0x52,
  truncate: 0x54,
  update: 0x55,
  type: 0x59,
  text: 0x74,
} as const;

export class PgoutputDecoder implements StreamDecoder {
  readonly #mappings: ReadonlyMap<string, readonly ObjectMapping[]>;
  readonly #described: (table: TableDescription) => void;
  /** By relation oid. A table is described again before its first change after DDL. */
  readonly #relations = new Map<number, Relation>();

  /** `described`: gets how a table looks to the changes that follow; what it throws ends the stream there. */
  constructor(mappings: readonly ObjectMapping[], described: (table: TableDescription) => void = () => undefined) {
    this.#described = described;
    this.#mappings = Map.groupBy(mappings, spelledTable);
  }

  name(): void {}

  decode(bytes: Buffer): StreamMessage {
    switch (bytes[0]) {
      case TAG.begin: {
        const commitStart = bytes.readBigUInt64BE(1);
        return { kind: 'begin', commitStart, committedAt: instant(bytes, 9), xid: bytes.readUInt32BE(17) };
      }
      case TAG.commit:
        return { kind: 'commit', end: bytes.readBigUInt64BE(10) };
      case TAG.insert:
        return this.#insert(bytes);
      case TAG.update:
        return this.#update(bytes);
      case TAG.delete:
        return this.#delete(bytes);
      case TAG.relation:
        this.#describe(bytes);
        return NOTHING;
      case TAG.origin:
        return { kind: 'origin', name: new Cursor(bytes, 9).string() };
      case TAG.message:
        // The flag says that it belongs to a transaction; one that does not comes between transactions.
        return (bytes.readUInt8(1) & 1) === 1 ? { kind: 'marker', prefix: new Cursor(bytes, 10).string() } : NOTHING;
      case TAG.truncate:
        return this.#truncate(bytes);
      case TAG.type:
        return NOTHING;
      default:
        throw new InvariantError('PGOUTPUT', `pgoutput sent a message of the unknown type ${bytes[0]}.`);
    }
  }

  #describe(bytes: Buffer): void {
    const description = describedTable(new Cursor(bytes, 1));
    const { oid, table } = description;
    this.#described(description);
    const mappings = this.#mappings.get(table) ?? [];
    // Objects of one table have the same key.
    const [mapping] = mappings;
    const keyIndexes = mapping === undefined ? [] : keyIndexesOf(mapping, description);
    if (keyIndexes === undefined) throw withoutKey(table, mapping?.keyColumns ?? []);
    this.#relations.set(oid, { table, objects: mappings.map(({ object }) => object), keyIndexes });
  }

  #insert(bytes: Buffer): StreamMessage {
    const { objects, keyIndexes, table } = this.#relation(bytes.readUInt32BE(1));
    if (objects.length === 0) return NOTHING;
    const key = required(new Cursor(bytes, 6).key(keyIndexes), table);
    return { kind: 'change', objects, operation: 'insert', key, oldKey: undefined };
  }

  /** `K` (old key) or `O` (whole old row) come before the new row only when the identity changed, or is the whole row. */
  #update(bytes: Buffer): StreamMessage {
    const { objects, keyIndexes, table } = this.#relation(bytes.readUInt32BE(1));
    if (objects.length === 0) return NOTHING;
    const cursor = new Cursor(bytes, 6);
    const before = bytes[5] === TAG.new ? undefined : cursor.tuple(keyIndexes);
    if (before !== undefined) cursor.skip(1);
    const key = required(cursor.key(keyIndexes), table);
    const oldKey = before?.value === key ? undefined : before?.value;
    return { kind: 'change', objects, operation: 'update', key, oldKey };
  }

  #delete(bytes: Buffer): StreamMessage {
    const { objects, keyIndexes } = this.#relation(bytes.readUInt32BE(1));
    if (objects.length === 0) return NOTHING;
    const key = new Cursor(bytes, 6).key(keyIndexes);
    // Only the columns of the identity are filled, and it may be an index without the key.
    if (key === undefined) return { kind: 'unnamed rows', objects, by: 'delete' };
    return { kind: 'change', objects, operation: 'delete', key, oldKey: undefined };
  }

  #truncate(bytes: Buffer): StreamMessage {
    const cursor = new Cursor(bytes, 1);
    const count = cursor.uint32();
    cursor.skip(1);
    const relations = Array.from({ length: count }, () => this.#relation(cursor.uint32()));
    const objects = relations.flatMap((relation) => relation.objects);
    return objects.length === 0 ? NOTHING : { kind: 'unnamed rows', objects, by: 'truncate' };
  }

  #relation(oid: number): Relation {
    const relation = this.#relations.get(oid);
    if (relation !== undefined) return relation;
    throw new InvariantError('PGOUTPUT', `pgoutput sent a change of relation ${oid} without describing it first.`);
  }
}

function describedTable(cursor: Cursor): TableDescription & { readonly oid: number } {
  const oid = cursor.uint32();
  const table = spelledTable({ schema: cursor.string(), table: cursor.string() });
  const replicaIdentity = String.fromCharCode(cursor.uint8());
  const columns = Array.from({ length: cursor.uint16() }, () => {
    const identity = (cursor.uint8() & 1) === 1;
    const name = cursor.string();
    const type = String(cursor.uint32());
    cursor.skip(4);
    return { name, type, identity };
  });
  return { oid, table, columns, replicaIdentity };
}

/** The key was renamed, and the replica identity does not show which column it is. */
export function withoutKey(table: string, keyColumns: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    'NO_KEY_COLUMN',
    `Table ${table} has no key column ${keyColumns.map(spelledName).join(', ')} any more, and its replica identity does not show which column it is: give the column its name back.`,
  );
}

function instant(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64BE(at) / 1000n) + EPOCH_MS;
}

/** A primary key is neither null nor stored out of line, so its text is in every new row. */
function required(key: string | undefined, table: string): string {
  if (key !== undefined) return key;
  throw new InvariantError('PGOUTPUT', `pgoutput sent a change of ${table} without its key.`);
}

class Cursor {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  skip(count: number): void {
    this.#at += count;
  }

  uint8(): number {
    this.#at += 1;
    return this.#bytes.readUInt8(this.#at - 1);
  }

  uint16(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  uint32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  /** Up to the next zero byte. */
  string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** The key in the tuple that begins here, of which these are the columns; what follows them is not read. */
  key(columns: readonly number[]): string | undefined {
    this.skip(2);
    return this.#textOf(columns, Math.max(...columns) + 1);
  }

  /** As `key`, and moves to the end of the tuple. */
  tuple(columns: readonly number[]): { readonly value: string | undefined } {
    const count = this.uint16();
    return { value: this.#textOf(columns, count) };
  }

  /** undefined: one of the columns has no text here. */
  #textOf(columns: readonly number[], count: number): string | undefined {
    const parts: string[] = [];
    let missing = false;
    for (let i = 0; i < count; i++) {
      const place = columns.indexOf(i);
      if (place < 0) {
        this.#skipColumn();
        continue;
      }
      const text = this.#columnText();
      if (text === undefined) missing = true;
      else parts[place] = text;
    }
    return missing ? undefined : keyText(parts);
  }

  #skipColumn(): void {
    const kind = this.#bytes[this.#at++];
    if (kind === TAG.text) this.#at += 4 + this.#bytes.readUInt32BE(this.#at);
  }

  /** undefined: null, or an unchanged value that is stored out of line. */
  #columnText(): string | undefined {
    const kind = this.#bytes[this.#at++];
    if (kind !== TAG.text) return undefined;
    const length = this.uint32();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}
