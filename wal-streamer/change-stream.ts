/**
 * Reads the slot for as long as it is asked to: connects, streams, and connects again. The decisions are elsewhere: what
 * may be confirmed (flush-position), whose change it is (transaction, echo), what to do after a failure (stream-failure).
 */

import type { DatabaseNames } from '../core/contracts/database-names.ts';
import type { Lsn } from '../core/contracts/lsn.ts';
import { RetryableError } from '../core/errors.ts';
import type { ObjectMapping, OutputPlugin, SyncConfiguration } from '../core/mapping/configuration.ts';
import type { ReplicationDatabase } from '../postgres/stream/replication-connection.ts';
import { ReplicationConnection } from '../postgres/stream/replication-connection.ts';
import type { StreamFacts } from '../postgres/stream/stream-facts.ts';
import { backoffMs, waited } from './backoff.ts';
import { FlushPosition } from './flush-position.ts';
import type { Heartbeat } from './health.ts';
import { isAlive, SILENCE_MS } from './health.ts';
import { PgoutputDecoder } from './pgoutput.ts';
import type { Publisher } from './publisher.ts';
import { afterFailure } from './stream-failure.ts';
import type { StreamDecoder, StreamMessage, TableDescription } from './stream-message.ts';
import type { TableChange } from './table-watch.ts';
import { TableWatch } from './table-watch.ts';
import { TransactionReader } from './transaction.ts';
import { TransactionIds } from './transaction-id.ts';
import { Wal2jsonDecoder } from './wal2json.ts';

/** The server cuts a silent client after wal_sender_timeout, 60 s by default. */
const STATUS_EVERY_MS = 2_000;
/** A position that moved without a message of ours is reported at most this often. */
const REPORT_EVERY_MS = 500;
/** How long the queues have to take what was read when the streamer is asked to stop. */
const DRAIN_MS = 4_000;
const RECONNECT = { firstMs: 200, longestMs: 15_000 };
const SLOT_TAKEN = { firstMs: 200, longestMs: 2_000 };

export interface StreamEvents {
  /** `from`: what the slot has confirmed. */
  streaming(from: Lsn, facts: StreamFacts): void;
  /** The stream broke and is built up again. */
  interrupted(next: 'wait for the slot' | 'connect again', attempt: number, error: unknown): void;
  /** Rows of the object went, and the WAL does not name them; `Collect changes` looks at all links of the object. */
  unnamedRows(object: string, by: 'truncate' | 'delete'): void;
  /** DDL on a mapped table. */
  tableChanged(change: TableChange): void;
}

export interface ChangeStreamOptions {
  readonly configuration: SyncConfiguration;
  readonly database: ReplicationDatabase;
  readonly slot: string;
  readonly names: DatabaseNames;
  readonly publisher: Publisher;
  readonly heartbeat: Heartbeat;
  readonly events: StreamEvents;
}

export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #tables: TableWatch;
  #session: Session | undefined;

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    this.#tables = new TableWatch(options.configuration.objects);
  }

  /** The queues have accepted something, and the flush position has moved. */
  confirm(): void {
    this.#session?.report();
  }

  /** Streams until the signal, then publishes what was read and confirms it. Throws SyncError when a person is needed. */
  async run(stop: AbortSignal): Promise<void> {
    for (let attempt = 1; !stop.aborted; attempt++) {
      const session = new Session(this.#options, this.#tables);
      this.#session = session;
      try {
        await session.run(stop);
      } catch (error) {
        const failure = afterFailure(error);
        if (failure.next === 'stop') throw failure.error;
        if (session.streamed) attempt = 1;
        if (stop.aborted) break;
        this.#options.events.interrupted(failure.next, attempt, error);
        // A streamer that tries again is alive, however long the database is away: a new process would do no better.
        this.#options.heartbeat.beat();
        await waited(backoffMs(failure.next === 'wait for the slot' ? SLOT_TAKEN : RECONNECT, attempt), stop);
      }
    }
  }
}

/** One connection. */
class Session {
  readonly #options: ChangeStreamOptions;
  readonly #connection: ReplicationConnection<StreamMessage>;
  #position = new FlushPosition(0n);
  #reader: TransactionReader | undefined;
  #reportedAt = 0;
  #heard = 0;
  #heardAt = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #reporting: NodeJS.Timeout | undefined;
  #streamed = false;

  constructor(options: ChangeStreamOptions, tables: TableWatch) {
    const { configuration, database, slot, names } = options;
    this.#options = options;
    const mappings = configuration.objects;
    const { plugin } = configuration.settings;
    const decoder = newDecoder(plugin, mappings, (table) => {
      for (const change of tables.described(table)) options.events.tableChanged(change);
    });
    this.#connection = new ReplicationConnection(
      { database, slot, plugin, names, mappings },
      (bytes) => decoder.decode(bytes),
      {
        starting: (facts) => this.#starting(facts),
        started: () => this.#started(),
        message: (message) => this.#reader?.read(message),
        keepalive: (position) => this.#keepalive(position),
        asked: () => this.report(),
      },
    );
  }

  /** The stream had begun before it broke. */
  get streamed(): boolean {
    return this.#streamed;
  }

  async run(stop: AbortSignal): Promise<void> {
    const leave = () => void this.#leave();
    stop.addEventListener('abort', leave, { once: true });
    try {
      await this.#connection.run();
    } finally {
      clearInterval(this.#timer);
      clearTimeout(this.#reporting);
      stop.removeEventListener('abort', leave);
    }
  }

  /** Reports the flush position to the server. */
  report(reply = false): void {
    clearTimeout(this.#reporting);
    this.#reporting = undefined;
    this.#reportedAt = Date.now();
    if (this.#streamed) this.#connection.report(this.#position.safe, reply);
  }

  #facts: StreamFacts | undefined;

  #starting(facts: StreamFacts): void {
    this.#facts = facts;
    const { publisher, events, names } = this.#options;
    this.#position = new FlushPosition(facts.confirmed);
    publisher.startOver(this.#position);
    this.#reader = new TransactionReader(
      {
        changed: (change, transaction) => publisher.changed(change, transaction),
        committed: (end) => {
          if (publisher.committed(end)) this.#reportSoon();
        },
        unnamed: (object, transaction, by) => {
          events.unnamedRows(object, by);
          return publisher.truncated(object, transaction);
        },
      },
      new TransactionIds(facts.nextTransaction),
      names,
    );
  }

  #started(): void {
    this.#streamed = true;
    if (this.#facts !== undefined) this.#options.events.streaming(this.#facts.confirmed, this.#facts);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), STATUS_EVERY_MS);
  }

  /** Inside a transaction the position may lie behind changes that are still to come. */
  #keepalive(position: Lsn): void {
    if (this.#reader?.open === false && this.#position.reach(position)) this.#reportSoon();
  }

  #reportSoon(): void {
    const wait = this.#reportedAt + REPORT_EVERY_MS - Date.now();
    if (wait <= 0) this.report();
    else this.#reporting ??= setTimeout(() => this.report(), wait);
  }

  /** Asks for a sign of life, reports the last one to the health check, and gives up a connection that is dead. */
  #tick(): void {
    const now = Date.now();
    if (this.#connection.heard !== this.#heard) {
      this.#heard = this.#connection.heard;
      this.#heardAt = now;
    }
    if (isAlive({ heardAt: this.#heardAt, busy: this.#connection.busy }, now)) {
      this.#options.heartbeat.beat();
      this.report(true);
    } else {
      const message = `PostgreSQL has not been heard for ${SILENCE_MS / 1000} s.`;
      this.#connection.fail(new RetryableError('SILENT', message));
    }
  }

  async #leave(): Promise<void> {
    this.#connection.halt();
    await this.#options.publisher.drain(AbortSignal.timeout(DRAIN_MS));
    this.report();
    await this.#connection.close();
  }
}

function newDecoder(
  plugin: OutputPlugin,
  mappings: readonly ObjectMapping[],
  described: (table: TableDescription) => void,
): StreamDecoder {
  return plugin === 'wal2json' ? new Wal2jsonDecoder(mappings, described) : new PgoutputDecoder(mappings, described);
}
