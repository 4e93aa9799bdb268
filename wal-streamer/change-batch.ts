/** A change message in the making: the keys of one object that changed, each once. */
import { MAX_MESSAGE_BYTES, messageText } from '../core/contracts/change-message.ts';
import type { Lsn } from '../core/contracts/lsn.ts';
import { formatLsn } from '../core/contracts/lsn.ts';
import type { ChangeOperation } from './decoding/stream-message.ts';
import type { Transaction } from './decoding/transaction.ts';

/** Collect changes marks the links of a message in one transaction, which should stay short. */
export const MAX_KEYS = 5_000;

/** `{"object":"...","keys":[],"position":"...","committedAt":"...","transactions":[]}`, generously, without the name. */
const FRAME_BYTES = 200;

export class ChangeBatch {
  readonly object: string;
  readonly #keys = new Map<string, ChangeOperation>();
  readonly #transactions = new Set<string>();
  #bytes: number;
  #committedAt = Number.POSITIVE_INFINITY;

  constructor(object: string) {
    this.object = object;
    this.#bytes = FRAME_BYTES + Buffer.byteLength(object);
  }

  get keys(): number {
    return this.#keys.size;
  }

  /** Adds the key, or renews what was done to it. Answers false when the batch is full, and then has not taken it. */
  add(key: string, operation: ChangeOperation, { id, committedAt }: Transaction): boolean {
    const known = this.#keys.has(key);
    const bytes = (known ? 0 : entryBytes(key)) + (this.#transactions.has(id) ? 0 : id.length + 3);
    if (this.#keys.size > 0 && (this.#bytes + bytes > MAX_MESSAGE_BYTES || (!known && this.#keys.size >= MAX_KEYS))) {
      return false;
    }
    this.#bytes += bytes;
    this.#keys.set(key, operation);
    this.#transactions.add(id);
    if (committedAt < this.#committedAt) this.#committedAt = committedAt;
    return true;
  }

  /** The body of the message. `position`: the newest commit of which the batch holds changes. */
  body(position: Lsn): string {
    return messageText({
      object: this.object,
      keys: [...this.#keys],
      position: formatLsn(position),
      committedAt: new Date(this.#committedAt).toISOString(),
      transactions: [...this.#transactions],
    });
  }
}

/** The body of a message about rows of the object that went, and that the WAL does not name. */
export function truncatedBody(object: string, { id, committedAt, commitStart }: Transaction): string {
  return messageText({
    object,
    keys: [],
    truncated: true,
    position: formatLsn(commitStart),
    committedAt: new Date(committedAt).toISOString(),
    transactions: [id],
  });
}

/** Bytes of `["<key>","<operation>"],` with the longest operation; a character takes at most six as an escape. */
function entryBytes(key: string): number {
  const plain = /^[\w .:@/+-]*$/.test(key);
  return (plain ? key.length : Buffer.byteLength(JSON.stringify(key)) + 10) + 14;
}
