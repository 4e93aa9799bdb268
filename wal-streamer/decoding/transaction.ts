/**
 * Follows the transactions of the stream: begin, [origin], {changes and markers}, commit; one after the other, never
 * interleaved. Changes are handed on as they come, for a transaction may have millions of them; our own transactions are
 * known before their first change, and dropped.
 */

import { type DatabaseNames, DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import type { Lsn } from '../../core/contracts/lsn.ts';
import { InvariantError } from '../../core/errors.ts';
import { Echo } from './echo.ts';
import type { RowChange, StreamMessage } from './stream-message.ts';
import type { TransactionIds } from './transaction-id.ts';

export interface Transaction {
  /** xid8, as text. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly committedAt: number;
  /** Where its commit record begins; where it ends is known at the end. */
  readonly commitStart: Lsn;
}

export interface TransactionListener {
  /** Answers a promise when there is no room: the stream waits for it. */
  changed(change: RowChange, transaction: Transaction): undefined | Promise<void>;
  /** Everything of the transaction was handed on, or it had nothing for us. */
  committed(end: Lsn): void;
  /** Rows of the object went, and the WAL does not name them; called once for a transaction. */
  unnamed(object: string, transaction: Transaction, by: 'truncate' | 'delete'): undefined | Promise<void>;
}

interface OpenTransaction {
  readonly transaction: Transaction;
  echo: boolean;
  /** Something other than its origin was read. */
  started: boolean;
  /** Objects whose rows went without a name. */
  readonly unnamed: Set<string>;
}

export class TransactionReader {
  readonly #listener: TransactionListener;
  readonly #ids: TransactionIds;
  readonly #echo: Echo;
  #open: OpenTransaction | undefined;

  constructor(listener: TransactionListener, ids: TransactionIds, names: DatabaseNames = DEFAULT_NAMES) {
    this.#listener = listener;
    this.#ids = ids;
    this.#echo = new Echo(names);
  }

  /** The stream is inside a transaction. */
  get open(): boolean {
    return this.#open !== undefined;
  }

  /** Throws InvariantError when the messages are out of order. */
  read(message: StreamMessage): undefined | Promise<void> {
    switch (message.kind) {
      case 'begin': {
        const { xid, committedAt, commitStart, origin } = message;
        const transaction = { id: this.#ids.widen(xid).toString(), committedAt, commitStart };
        const echo = origin !== undefined && this.#echo.isOwnOrigin(origin);
        this.#open = { transaction, echo, started: false, unnamed: new Set() };
        return undefined;
      }
      case 'origin':
        this.#current().echo = this.#echo.isOwnOrigin(message.name);
        return undefined;
      case 'marker': {
        const current = this.#current();
        if (!current.started && this.#echo.isOwnMarker(message.prefix)) current.echo = true;
        current.started = true;
        return undefined;
      }
      case 'change': {
        const current = this.#current();
        current.started = true;
        return current.echo ? undefined : this.#listener.changed(message, current.transaction);
      }
      case 'unnamed rows':
        return this.#unnamed(message);
      case 'commit':
        this.#open = undefined;
        this.#listener.committed(message.end);
        return undefined;
      case 'nothing':
        return undefined;
      default:
        return message satisfies never;
    }
  }

  #unnamed({ objects, by }: StreamMessage & { kind: 'unnamed rows' }): undefined | Promise<void> {
    const current = this.#current();
    current.started = true;
    if (current.echo) return undefined;
    const waits = objects.flatMap((object) => {
      if (current.unnamed.has(object)) return [];
      current.unnamed.add(object);
      return this.#listener.unnamed(object, current.transaction, by) ?? [];
    });
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  #current(): OpenTransaction {
    if (this.#open !== undefined) return this.#open;
    throw new InvariantError('PGOUTPUT', 'The server sent a change outside of a transaction.');
  }
}
