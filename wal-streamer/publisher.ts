/**
 * Hands changes to the queues, and reports to the flush position what they have accepted. Memory is bounded: when too much
 * waits for the queues, `changed` answers a promise, and the stream is not read until there is room again.
 */
import type { ChangeSender } from '../aws/change-publisher.ts';
import type { Lsn } from '../core/contracts/lsn.ts';
import { InvariantError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import type { RowChange } from './decoding/stream-message.ts';
import type { Transaction } from './decoding/transaction.ts';
import { FlushPosition } from './flush-position.ts';
import type { ObjectListener, Publication } from './object-publisher.ts';
import { ObjectPublisher } from './object-publisher.ts';

/** Bytes of messages that may wait for the queues, those under way included: full calls for each of three objects. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;

export interface PublisherListener {
  /** The queue has accepted a message. `moved`: the flush position is further than before. */
  accepted(publication: Publication, moved: boolean): void;
  failed(object: string, attempt: number, reason: unknown): void;
}

export class Publisher implements ObjectListener {
  readonly #objects: ReadonlyMap<string, ObjectPublisher>;
  readonly #listener: PublisherListener;
  readonly #abort = new AbortController();
  #position = new FlushPosition(0n);
  #committed: Lsn = 0n;
  #waitingBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #drained: PromiseWithResolvers<boolean> | undefined;
  #quiet: NodeJS.Immediate | undefined;

  constructor(senders: ReadonlyMap<string, ChangeSender>, listener: PublisherListener) {
    this.#listener = listener;
    this.#objects = new Map(
      [...senders].map(([object, sender]) => [object, new ObjectPublisher(object, sender, this, this.#abort.signal)]),
    );
  }

  /** A new connection: what it reads holds `position`, and so must not fold into what was read before. */
  startOver(position: FlushPosition): void {
    for (const publisher of this.#objects.values()) publisher.seal(this.#committed);
    this.#position = position;
    this.#committed = position.safe;
  }

  /** A row has changed. Answers a promise when there is no room for more. */
  changed(change: RowChange, transaction: Transaction): undefined | Promise<void> {
    failpoint('stream:read');
    for (const object of change.objects) {
      const publisher = this.#publisherOf(object);
      if (change.oldKey !== undefined) publisher.add(change.oldKey, 'delete', transaction, this.#position);
      publisher.add(change.key, change.operation, transaction, this.#position);
    }
    return this.#waitForRoom();
  }

  /** Rows of the object went, and the WAL does not name them. Answers as `changed`. */
  truncated(object: string, transaction: Transaction): undefined | Promise<void> {
    this.#publisherOf(object).truncated(transaction, this.#position);
    return this.#waitForRoom();
  }

  #publisherOf(object: string): ObjectPublisher {
    const publisher = this.#objects.get(object);
    if (publisher !== undefined) return publisher;
    throw new InvariantError('NO_QUEUE', `${object} has no change queue.`);
  }

  #waitForRoom(): undefined | Promise<void> {
    if (this.#waitingBytes < MAX_WAITING_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** A transaction was read to its end. Answers whether the flush position moved. */
  committed(end: Lsn): boolean {
    this.#committed = end;
    // After everything that has arrived by now: what came together travels together.
    this.#quiet ??= setImmediate(() => {
      this.#quiet = undefined;
      for (const publisher of this.#objects.values()) publisher.quiet(this.#committed);
    });
    return this.#position.reach(end);
  }

  /** Sends what is open. Answers false when the queues have not accepted it all before the signal; then it gives up. */
  async drain(signal: AbortSignal): Promise<boolean> {
    for (const publisher of this.#objects.values()) publisher.seal(this.#committed);
    if (this.#waitingBytes === 0) return true;
    const drained = Promise.withResolvers<boolean>();
    this.#drained = drained;
    const tooLate = () => drained.resolve(false);
    if (signal.aborted) tooLate();
    signal.addEventListener('abort', tooLate);
    const done = await drained.promise;
    signal.removeEventListener('abort', tooLate);
    if (!done) this.#abort.abort();
    return done;
  }

  sealed({ bytes }: Publication): void {
    this.#waitingBytes += bytes;
  }

  accepted(publication: Publication): void {
    failpoint('stream:accepted');
    this.#waitingBytes -= publication.bytes;
    const moved = publication.held.position.accept(publication.held.hold);
    this.#listener.accepted(publication, moved && publication.held.position === this.#position);
    if (this.#waitingBytes < MAX_WAITING_BYTES) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#waitingBytes === 0) this.#drained?.resolve(true);
  }

  failed(object: string, attempt: number, reason: unknown): void {
    this.#listener.failed(object, attempt, reason);
  }
}
