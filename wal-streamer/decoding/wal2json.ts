/**
 * Reads the messages of wal2json, format version 2: one JSON object for each begin, row, message and commit. The
 * origin of a transaction comes as a number; whose it is, is asked of the catalog, now and again.
 */

import { parseLsn } from '../../core/contracts/lsn.ts';
import { InvariantError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { keyText } from '../../core/mapping/row-key.ts';
import { withoutKey } from './pgoutput.ts';
import type { StreamDecoder, StreamMessage, TableDescription } from './stream-message.ts';

const NOTHING: StreamMessage = { kind: 'nothing' };

interface Column {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
}

/** What wal2json 2.5 writes with the options of `replication-connection`; a field that its action does not have is absent. */
interface Entry {
  readonly action: string;
  readonly xid?: number;
  readonly timestamp?: string;
  readonly lsn?: string;
  readonly nextlsn?: string;
  readonly origin?: number;
  readonly schema?: string;
  readonly table?: string;
  readonly columns?: readonly Column[];
  readonly identity?: readonly Column[];
  readonly transactional?: boolean;
  readonly prefix?: string;
}

export class Wal2jsonDecoder implements StreamDecoder {
  readonly #mappings: ReadonlyMap<string, readonly ObjectMapping[]>;
  readonly #described: (table: TableDescription) => void;
  #origins: ReadonlyMap<number, string> = new Map();
  /** Columns and types of the last inserted row, by table. */
  readonly #shapes = new Map<string, readonly Column[]>();

  constructor(mappings: readonly ObjectMapping[], described: (table: TableDescription) => void = () => undefined) {
    this.#mappings = Map.groupBy(mappings, spelledTable);
    this.#described = described;
  }

  /** Names of origins by number. One that is not known is taken for that of another feed: an echo costs a look. */
  name(origins: ReadonlyMap<number, string>): void {
    this.#origins = origins;
  }

  decode(bytes: Buffer): StreamMessage {
    const text = bytes.toString('utf8');
    const entry = JSON.parse(text) as Entry;
    switch (entry.action) {
      case 'B': {
        const { xid, timestamp, lsn, origin: number } = entry;
        if (xid === undefined || timestamp === undefined || lsn === undefined) throw unexpected(entry.action);
        const origin = number === undefined ? undefined : this.#origins.get(number);
        return { kind: 'begin', xid, committedAt: instant(timestamp), commitStart: parseLsn(lsn), origin };
      }
      case 'C':
        if (entry.nextlsn === undefined) throw unexpected(entry.action);
        return { kind: 'commit', end: parseLsn(entry.nextlsn) };
      case 'M':
        return entry.transactional === true ? { kind: 'marker', prefix: entry.prefix ?? '' } : NOTHING;
      case 'I':
      case 'U':
      case 'D':
      case 'T':
        return this.#change(entry, text);
      default:
        throw unexpected(entry.action);
    }
  }

  #change(entry: Entry, text: string): StreamMessage {
    const table = spelledTable({ schema: entry.schema ?? '', table: entry.table ?? '' });
    const mappings = this.#mappings.get(table) ?? [];
    // Objects of one table have the same key.
    const [mapping] = mappings;
    if (mapping === undefined) return NOTHING;
    const { keyColumns } = mapping;
    const objects = mappings.map(({ object }) => object);
    if (entry.action === 'T') return { kind: 'unnamed rows', objects, by: 'truncate' };
    // Only an insert has every column: an unchanged value that is stored out of line is left out of an update.
    if (entry.action === 'I') this.#describe(table, entry.columns ?? []);
    const oldKey = keyOf(entry, 'identity', keyColumns, text);
    if (entry.action === 'D') {
      if (oldKey === undefined) return { kind: 'unnamed rows', objects, by: 'delete' };
      return { kind: 'change', objects, operation: 'delete', key: oldKey, oldKey: undefined };
    }
    const key = keyOf(entry, 'columns', keyColumns, text);
    if (key === undefined) throw withoutKey(table, keyColumns);
    if (entry.action === 'I') return { kind: 'change', objects, operation: 'insert', key, oldKey: undefined };
    return { kind: 'change', objects, operation: 'update', key, oldKey: oldKey === key ? undefined : oldKey };
  }

  #describe(table: string, columns: readonly Column[]): void {
    const last = this.#shapes.get(table);
    const same =
      last?.length === columns.length &&
      columns.every(({ name, type }, i) => name === last[i]?.name && type === last[i]?.type);
    if (same) return;
    this.#shapes.set(table, columns);
    this.#described({
      oid: undefined,
      table,
      columns: columns.map(({ name, type }) => ({ name, type, identity: false })),
      replicaIdentity: undefined,
    });
  }
}

/** The text of the key; undefined when a column of it is not among the columns. */
function keyOf(
  entry: Entry,
  place: 'columns' | 'identity',
  columns: readonly string[],
  text: string,
): string | undefined {
  const parts = columns.flatMap((column) => textOf(entry, place, column, text) ?? []);
  return parts.length === columns.length ? keyText(parts) : undefined;
}

function textOf(entry: Entry, place: 'columns' | 'identity', column: string, text: string): string | undefined {
  const value = entry[place]?.find(({ name }) => name === column)?.value;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return String(value);
  // A bigint is written as a number, which JavaScript cannot hold exactly: its digits are.
  const exact = JSON.parse(text, (_key, parsed: unknown, context?: { readonly source?: string }) =>
    typeof parsed === 'number' && context?.source !== undefined && !Number.isSafeInteger(parsed)
      ? context.source
      : parsed,
  ) as Entry;
  return String(exact[place]?.find(({ name }) => name === column)?.value);
}

/** `2026-01-02 03:04:05.678901+00`: the session's time zone is UTC. */
function instant(timestamp: string): number {
  const instant = Date.parse(`${timestamp.replace(' ', 'T')}:00`);
  if (Number.isNaN(instant)) throw unexpected('B');
  return instant;
}

function unexpected(action: string): InvariantError {
  return new InvariantError('WAL2JSON', `wal2json sent an entry that is not of its format 2 (action ${action}).`);
}
