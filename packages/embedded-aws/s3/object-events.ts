import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACCOUNT, type EmbeddedAws } from '../service.ts';

/** Where a change of an object came from, as its event says. */
export interface Origin {
  readonly requestId: string;
  readonly sourceIp: string;
}

export type CreationReason = 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload';

interface ChangedObject {
  readonly bucket: string;
  readonly key: string;
  readonly size?: number;
  readonly etag?: string;
}

/** Before a failed delivery is tried again. */
const RETRY_MS = 1_000;

/**
 * The events of objects on their way to the event bus. An event is stored together with the change it announces and
 * removed once the bus has taken it, so a crash in between loses none: delivery is at least once, as S3's is.
 */
export class ObjectEvents {
  readonly #aws: EmbeddedAws;
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #delete: StatementSync;
  #delivering = false;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #lastSequencer = 0n;

  constructor(aws: EmbeddedAws, store: DatabaseSync) {
    this.#aws = aws;
    store.exec(
      'CREATE TABLE IF NOT EXISTS s3_event (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT',
    );
    this.#insert = store.prepare('INSERT INTO s3_event (event) VALUES (?)');
    this.#oldest = store.prepare('SELECT sequence, event FROM s3_event ORDER BY sequence LIMIT 1');
    this.#delete = store.prepare('DELETE FROM s3_event WHERE sequence = ?');
  }

  /** To be called inside the transaction that makes the object. */
  created(object: ChangedObject, reason: CreationReason, origin: Origin): void {
    this.#store('Object Created', object, { reason }, origin);
  }

  /** To be called inside the transaction that deletes the object. */
  deleted(object: ChangedObject, origin: Origin): void {
    const details = { reason: 'DeleteObject', 'deletion-type': 'Permanently Deleted' };
    this.#store('Object Deleted', object, details, origin);
  }

  #store(detailType: string, object: ChangedObject, details: Record<string, string>, origin: Origin): void {
    const { bucket, ...described } = object;
    const event = {
      source: 'aws.s3',
      'detail-type': detailType,
      resources: [`arn:aws:s3:::${bucket}`],
      detail: {
        version: '0',
        bucket: { name: bucket },
        object: { ...described, sequencer: this.#sequencer() },
        'request-id': origin.requestId,
        requester: ACCOUNT,
        'source-ip-address': origin.sourceIp,
        ...details,
      },
    };
    this.#insert.run(JSON.stringify(event));
  }

  /** Grows with every change: microseconds since 1970, never the same twice, in hex of a fixed width. */
  #sequencer(): string {
    const now = BigInt(this.#aws.now()) * 1_000n;
    this.#lastSequencer = now > this.#lastSequencer ? now : this.#lastSequencer + 1n;
    return this.#lastSequencer.toString(16).toUpperCase().padStart(18, '0');
  }

  /** Hands what is stored to the bus, in order; comes back at once. What fails is journalled and tried again. */
  deliver(): void {
    if (this.#delivering || this.#closed) return;
    this.#delivering = true;
    setImmediate(async () => {
      try {
        await this.#drain();
      } catch (error) {
        const text = `an object event was not taken by the event bus: ${String(error)}`;
        this.#aws.journal.record({ kind: 'fault', subject: 's3', text });
        clearTimeout(this.#retry);
        if (!this.#closed) this.#retry = setTimeout(() => this.deliver(), RETRY_MS);
      } finally {
        this.#delivering = false;
      }
    });
  }

  async #drain(): Promise<void> {
    while (!this.#closed) {
      const row = this.#oldest.get();
      if (row === undefined) return;
      await this.#aws.call('events', 'PublishServiceEvent', JSON.parse(String(row.event)) as object);
      if (this.#closed) return;
      this.#delete.run(Number(row.sequence));
    }
  }

  /** Delivers nothing more; what is left is delivered after the next start. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }
}
