/**
 * The way of one object's changes into its queue. While a call is under way, changes fold into the open batch, so batches
 * grow by themselves when there is much to do and stay small when there is not.
 */
import type { ChangeSender } from '../aws/change-publisher.ts';
import { MAX_BATCH_MESSAGES } from '../aws/change-publisher.ts';
import { MAX_MESSAGE_BYTES } from '../core/contracts/change-message.ts';
import type { Lsn } from '../core/contracts/lsn.ts';
import { formatLsn } from '../core/contracts/lsn.ts';
import { backoffMs, waited } from './backoff.ts';
import { ChangeBatch, truncatedBody } from './change-batch.ts';
import type { ChangeOperation } from './decoding/stream-message.ts';
import type { Transaction } from './decoding/transaction.ts';
import type { FlushPosition, Hold } from './flush-position.ts';

/** A batch that takes no more changes. */
export interface Publication {
  readonly object: string;
  readonly body: string;
  readonly bytes: number;
  readonly keys: number;
  readonly position: string;
  readonly held: HeldPosition;
}

/** The hold of a batch, and the flush position that it belongs to. */
export interface HeldPosition {
  readonly position: FlushPosition;
  readonly hold: Hold;
}

export interface ObjectListener {
  sealed(publication: Publication): void;
  accepted(publication: Publication): void;
  /** A call failed, or the queue refused some messages; it is tried again. */
  failed(object: string, attempt: number, reason: unknown): void;
}

/** Calls under way at once. */
const MAX_CALLS = 3;
/** Bytes of one call: SQS would take 1 MiB, and memory is what it costs; there is always room for one message. */
const MAX_CALL_BYTES = MAX_MESSAGE_BYTES;
const RETRY = { firstMs: 100, longestMs: 15_000 };

interface OpenBatch {
  readonly batch: ChangeBatch;
  readonly held: HeldPosition;
  newest: Transaction;
}

export class ObjectPublisher {
  readonly #object: string;
  readonly #sender: ChangeSender;
  readonly #listener: ObjectListener;
  readonly #aborted: AbortSignal;
  readonly #sealed: Publication[] = [];
  #open: OpenBatch | undefined;
  #calls = 0;

  /** `aborted`: ends the retries; what was not accepted then is not confirmed, and comes again. */
  constructor(object: string, sender: ChangeSender, listener: ObjectListener, aborted: AbortSignal) {
    this.#object = object;
    this.#sender = sender;
    this.#listener = listener;
    this.#aborted = aborted;
  }

  add(key: string, operation: ChangeOperation, transaction: Transaction, position: FlushPosition): void {
    if (this.#open?.batch.add(key, operation, transaction) === true) {
      this.#open.newest = transaction;
      return;
    }
    if (this.#open !== undefined) this.seal(this.#open.newest.commitStart);
    const batch = new ChangeBatch(this.#object);
    batch.add(key, operation, transaction);
    this.#open = { batch, held: { position, hold: position.hold() }, newest: transaction };
  }

  /** No more changes are at hand: what is open goes at once, unless a call is under way, whose end sends it. */
  quiet(position: Lsn): void {
    if (this.#calls === 0) this.seal(position);
  }

  /** Closes the open batch and sends it as soon as a call is free. `position`: the newest commit that it holds changes of. */
  seal(position: Lsn): void {
    if (this.#open === undefined) return;
    const { batch, held } = this.#open;
    this.#open = undefined;
    this.#enqueue(batch.body(position), batch.keys, formatLsn(position), held);
  }

  /** A message of its own: rows of the object went, and the WAL does not name them. */
  truncated(transaction: Transaction, position: FlushPosition): void {
    if (this.#open !== undefined) this.seal(this.#open.newest.commitStart);
    const held = { position, hold: position.hold() };
    this.#enqueue(truncatedBody(this.#object, transaction), 0, formatLsn(transaction.commitStart), held);
  }

  #enqueue(body: string, keys: number, position: string, held: HeldPosition): void {
    const publication = { object: this.#object, body, bytes: Buffer.byteLength(body), keys, position, held };
    this.#sealed.push(publication);
    this.#listener.sealed(publication);
    this.#pump();
  }

  #pump(): void {
    while (this.#calls < MAX_CALLS && this.#sealed.length > 0) {
      this.#calls++;
      void this.#publish(this.#nextCall());
    }
  }

  #nextCall(): Publication[] {
    let bytes = 0;
    const end = this.#sealed.findIndex((publication, i) => {
      bytes += publication.bytes;
      return i > 0 && (i >= MAX_BATCH_MESSAGES || bytes > MAX_CALL_BYTES);
    });
    return this.#sealed.splice(0, end === -1 ? this.#sealed.length : end);
  }

  /** Sends until everything is accepted, or until the abort. */
  async #publish(call: readonly Publication[]): Promise<void> {
    let left = call;
    for (let attempt = 1; ; attempt++) {
      left = await this.#attempt(left, attempt);
      if (left.length === 0) break;
      if (!(await waited(backoffMs(RETRY, attempt), this.#aborted))) return;
    }
    this.#calls--;
    this.#pump();
    if (this.#calls === 0 && this.#open !== undefined) this.seal(this.#open.newest.commitStart);
  }

  /** Answers what was not accepted. */
  async #attempt(publications: readonly Publication[], attempt: number): Promise<readonly Publication[]> {
    try {
      const bodies = publications.map(({ body }) => body);
      const refused = await this.#sender.send(bodies, this.#aborted);
      const left = new Set(refused.map(({ index }) => publications[index]));
      if (refused.length > 0) this.#listener.failed(this.#object, attempt, refused[0]?.code);
      for (const publication of publications) if (!left.has(publication)) this.#listener.accepted(publication);
      return publications.filter((publication) => left.has(publication));
    } catch (error) {
      if (!this.#aborted.aborted) this.#listener.failed(this.#object, attempt, error);
      return publications;
    }
  }
}
