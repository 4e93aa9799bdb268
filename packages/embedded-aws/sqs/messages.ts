import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { transaction } from '../transaction.ts';
import type { MessageAttributes } from './message-attributes.ts';
import type { Queue } from './queues.ts';
import { newReceipt } from './receipt.ts';

/** System attributes a sender may give. */
export interface SystemAttributes {
  readonly AWSTraceHeader?: string;
  readonly MessageGroupId?: string;
  readonly SenderId?: string;
}

export interface NewMessage {
  readonly id: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly system: SystemAttributes;
}

/** A message as a receive hands it out. Times in milliseconds since 1970. */
export interface ReceivedMessage extends NewMessage {
  readonly receipt: string;
  readonly sentAt: number;
  readonly firstReceivedAt: number;
  readonly receiveCount: number;
  /** ARN of the queue it was a dead letter of. */
  readonly deadLetterSource: string | undefined;
}

export interface MessageCounts {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/**
 * The messages of all queues. A message is one row; `visible_at` says from when on it may be received, so delay, flight
 * and a return after the visibility timeout are one comparison. `sequence` grows with every arrival in a queue.
 */
export class Messages {
  readonly #store: DatabaseSync;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec(SCHEMA);
    const prepared = Object.entries(SQL).map(([name, sql]) => [name, store.prepare(sql)] as const);
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof SQL, StatementSync>;
  }

  send(queue: Queue, message: NewMessage, now: number, delaySeconds: number): void {
    const { id, body, attributes, system } = message;
    const visibleAt = Math.round(now + delaySeconds * 1_000);
    this.#statements.send.run(queue.name, id, body, JSON.stringify(attributes), JSON.stringify(system), now, visibleAt);
  }

  /**
   * Takes up to `limit` visible messages, and hides each for `visibilitySeconds`. What has been received too often goes
   * to the dead-letter queue instead: `movedTo` names it.
   */
  receive(
    queue: Queue,
    deadLetters: Queue | undefined,
    limit: number,
    visibilitySeconds: number,
    now: number,
  ): { readonly messages: ReceivedMessage[]; readonly movedTo: string | undefined } {
    this.expire(queue, now);
    const messages: ReceivedMessage[] = [];
    let movedTo: string | undefined;
    transaction(this.#store, () => {
      while (messages.length < limit) {
        const rows = this.#statements.visible.all(queue.name, now, limit - messages.length);
        if (rows.length === 0) break;
        for (const row of rows) {
          const count = Number(row.receive_count);
          if (deadLetters !== undefined && queue.redrive !== undefined && count >= queue.redrive.maxReceiveCount) {
            this.#statements.bury.run(deadLetters.name, now, queue.arn, Number(row.sequence));
            this.#statements.delete.run(queue.name, String(row.id));
            movedTo = deadLetters.name;
            continue;
          }
          this.#statements.hide.run(now + visibilitySeconds * 1_000, now, Number(row.sequence));
          messages.push(received(row, queue, now, count + 1));
        }
        // Not hidden at all: looking again would hand out the same ones twice.
        if (visibilitySeconds === 0 && messages.length > 0) break;
      }
    });
    return { messages, movedTo };
  }

  /** When the next hidden message of a queue becomes visible, or undefined when none is hidden. */
  nextVisibleAt(queue: Queue, now: number): number | undefined {
    const at = this.#statements.nextVisible.get(queue.name, now)?.at;
    return typeof at === 'number' ? at : undefined;
  }

  delete(queue: Queue, id: string): void {
    this.#statements.delete.run(queue.name, id);
  }

  /** Where a message stands: undefined when it is not in the queue (any more). */
  find(queue: Queue, id: string): { readonly visibleAt: number; readonly receiveCount: number } | undefined {
    const row = this.#statements.find.get(queue.name, id);
    if (row === undefined) return undefined;
    return { visibleAt: Number(row.visible_at), receiveCount: Number(row.receive_count) };
  }

  setVisibleAt(queue: Queue, id: string, visibleAt: number): void {
    this.#statements.show.run(visibleAt, queue.name, id);
  }

  counts(queue: Queue, now: number): MessageCounts {
    this.expire(queue, now);
    const row = this.#statements.count.get({ queue: queue.name, now });
    return { visible: Number(row?.visible), inFlight: Number(row?.in_flight), delayed: Number(row?.delayed) };
  }

  /** Of all messages, also those in flight, in milliseconds; 0: there is none. */
  ageOfOldest(queue: Queue, now: number): number {
    const at = this.#statements.oldest.get(queue.name)?.at;
    return typeof at === 'number' ? now - at : 0;
  }

  clear(queue: string): void {
    this.#statements.clear.run(queue);
  }

  /** Drops what is older than the queue keeps messages. */
  expire(queue: Queue, now: number): void {
    this.#statements.expire.run(queue.name, now - Number(queue.attributes.MessageRetentionPeriod) * 1_000);
  }

  /** The newest arrival in a queue; 0 when it is empty. */
  lastArrival(queue: Queue): number {
    return Number(this.#statements.lastArrival.get(queue.name)?.sequence ?? 0);
  }

  /** The oldest visible messages of a queue that arrived no later than `lastArrival`. */
  redrivable(
    queue: Queue,
    now: number,
    lastArrival: number,
    limit: number,
  ): { readonly sequence: number; readonly source: string | undefined }[] {
    return this.#statements.redrivable.all(queue.name, now, lastArrival, limit).map((row) => ({
      sequence: Number(row.sequence),
      source: row.dead_letter_source === null ? undefined : String(row.dead_letter_source),
    }));
  }

  /** Moves one message on as a new one: new id, new age, never received, as a redrive does (Developer Guide). */
  redrive(sequence: number, target: Queue, id: string, now: number): void {
    transaction(this.#store, () => {
      this.#statements.redrive.run(target.name, id, now, now, sequence);
      this.#statements.deleteArrival.run(sequence);
    });
  }
}

function received(row: Record<string, unknown>, queue: Queue, now: number, receiveCount: number): ReceivedMessage {
  const id = String(row.id);
  return {
    id,
    body: String(row.body),
    attributes: JSON.parse(String(row.attributes)) as MessageAttributes,
    system: JSON.parse(String(row.system)) as SystemAttributes,
    receipt: newReceipt(queue.arn, id),
    sentAt: Number(row.sent_at),
    firstReceivedAt: row.first_received_at === null ? now : Number(row.first_received_at),
    receiveCount,
    deadLetterSource: row.dead_letter_source === null ? undefined : String(row.dead_letter_source),
  };
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sqs_message (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT NOT NULL, system TEXT NOT NULL, sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL,
    first_received_at INTEGER, receive_count INTEGER NOT NULL DEFAULT 0, dead_letter_source TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS sqs_message_visible ON sqs_message (queue, visible_at, sequence);
  CREATE INDEX IF NOT EXISTS sqs_message_id ON sqs_message (queue, id);
  CREATE INDEX IF NOT EXISTS sqs_message_age ON sqs_message (queue, sent_at);`;

const SQL = {
  send: 'INSERT INTO sqs_message (queue, id, body, attributes, system, sent_at, visible_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  visible: 'SELECT * FROM sqs_message WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, sequence LIMIT ?',
  hide: `UPDATE sqs_message SET visible_at = ?, first_received_at = coalesce(first_received_at, ?),
    receive_count = receive_count + 1 WHERE sequence = ?`,
  // A dead letter keeps its id, its age and its receives.
  bury: `INSERT INTO sqs_message (queue, id, body, attributes, system, sent_at, visible_at, first_received_at, receive_count, dead_letter_source)
    SELECT ?, id, body, attributes, system, sent_at, ?, first_received_at, receive_count, ? FROM sqs_message WHERE sequence = ?`,
  redrive: `INSERT INTO sqs_message (queue, id, body, attributes, system, sent_at, visible_at)
    SELECT ?, ?, body, attributes, system, ?, ? FROM sqs_message WHERE sequence = ?`,
  nextVisible: 'SELECT min(visible_at) AS at FROM sqs_message WHERE queue = ? AND visible_at > ?',
  oldest: 'SELECT min(sent_at) AS at FROM sqs_message WHERE queue = ?',
  find: 'SELECT visible_at, receive_count FROM sqs_message WHERE queue = ? AND id = ?',
  show: 'UPDATE sqs_message SET visible_at = ? WHERE queue = ? AND id = ?',
  delete: 'DELETE FROM sqs_message WHERE queue = ? AND id = ?',
  deleteArrival: 'DELETE FROM sqs_message WHERE sequence = ?',
  clear: 'DELETE FROM sqs_message WHERE queue = ?',
  expire: 'DELETE FROM sqs_message WHERE queue = ? AND sent_at < ?',
  // Counting the visible ones reads the index only, so a deep backlog costs little.
  count: `SELECT
    (SELECT count(*) FROM sqs_message WHERE queue = :queue AND visible_at <= :now) AS visible,
    count(*) FILTER (WHERE receive_count > 0) AS in_flight, count(*) FILTER (WHERE receive_count = 0) AS delayed
    FROM sqs_message WHERE queue = :queue AND visible_at > :now`,
  lastArrival: 'SELECT max(sequence) AS sequence FROM sqs_message WHERE queue = ?',
  redrivable: `SELECT sequence, dead_letter_source FROM sqs_message
    WHERE queue = ? AND visible_at <= ? AND sequence <= ? ORDER BY visible_at, sequence LIMIT ?`,
} as const;
