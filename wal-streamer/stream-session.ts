/** One connection of the streamer: what is read is handed on, and what is handed on is written down, and then confirmed. */
import type { DatabaseNames } from '../core/contracts/database-names.ts';
import type { Lsn } from '../core/contracts/lsn.ts';
import { RetryableError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import type { ObjectMapping, OutputPlugin, SyncConfiguration } from '../core/mapping/configuration.ts';
import type { TakenStream } from '../postgres/ledger/stream.ts';
import type { ReplicationDatabase } from '../postgres/stream/replication-connection.ts';
import { ReplicationConnection } from '../postgres/stream/replication-connection.ts';
import type { StreamFacts } from '../postgres/stream/stream-facts.ts';
import { PgoutputDecoder } from './decoding/pgoutput.ts';
import type { StreamDecoder, StreamMessage, TableDescription } from './decoding/stream-message.ts';
import { TransactionReader } from './decoding/transaction.ts';
import { TransactionIds } from './decoding/transaction-id.ts';
import { Wal2jsonDecoder } from './decoding/wal2json.ts';
import { FlushPosition } from './flush-position.ts';
import type { Heartbeat } from './health.ts';
import { isAlive, SILENCE_MS } from './health.ts';
import type { Publisher } from './publisher.ts';
import { SlotKeeper } from './slot-keeper.ts';
import type { SurroundingsEvents, SurroundingsWatch } from './surroundings-watch.ts';
import type { TableChange, TableWatch } from './table-watch.ts';

/** The server cuts a silent client after wal_sender_timeout, 60 s by default. */
const STATUS_EVERY_MS = 2_000;
/** A position that moved with messages of ours is confirmed at most this often. */
const CONFIRM_EVERY_MS = 500;
/**
 * One that moved past traffic that is not ours is confirmed more seldom, for to write it down moves it again: when it is this far
 * ahead, or after this time.
 */
const PASSING_BYTES = 256n * 1024n;
const PASSING_EVERY_MS = 5_000;
/** How long the queues have to take what was read when the streamer is asked to stop. */
const DRAIN_MS = 4_000;

export interface StreamEvents extends SurroundingsEvents {
  /** `from`: what the slot has confirmed. `taken`: what may have been skipped before. */
  streaming(from: Lsn, facts: StreamFacts, taken: TakenStream): void;
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

/** What outlives a connection. */
export interface Lasting {
  readonly tables: TableWatch;
  readonly surroundings: SurroundingsWatch;
  /** The furthest position that the server ever sent. */
  furthest: Lsn;
}

/** One connection. */
export class StreamSession {
  readonly #options: ChangeStreamOptions;
  readonly #lasting: Lasting;
  readonly #decoder: StreamDecoder;
  readonly #connection: ReplicationConnection<StreamMessage>;
  #position = new FlushPosition(0n);
  #reader: TransactionReader | undefined;
  #keeper: SlotKeeper | undefined;
  /** How far the slot may be confirmed: it is written down. undefined: whether the slot is where we left it is not known yet. */
  #confirmed: Lsn | undefined;
  #confirmedAt = 0;
  #confirming: Promise<void> = Promise.resolve();
  #heard = 0;
  #heardAt = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #streamed = false;

  constructor(options: ChangeStreamOptions, lasting: Lasting) {
    const { configuration, database, slot, names } = options;
    this.#options = options;
    this.#lasting = lasting;
    const mappings = configuration.objects;
    const { plugin } = configuration.settings;
    const decoder = newDecoder(plugin, mappings, (table) => {
      for (const change of lasting.tables.described(table)) this.#tableChanged(change);
    });
    this.#decoder = decoder;
    this.#connection = new ReplicationConnection(
      { database, slot, plugin, names, mappings },
      (bytes) => decoder.decode(bytes),
      {
        starting: (facts) => this.#starting(facts),
        started: () => this.#started(),
        message: (message) => this.#reader?.read(message),
        keepalive: (position) => this.#keepalive(position),
        asked: () => this.#report(false),
      },
    );
  }

  /** The stream had begun before it broke. */
  get streamed(): boolean {
    return this.#streamed;
  }

  async run(stop: AbortSignal): Promise<void> {
    const leave = () => {
      this.#left = this.#leave();
    };
    stop.addEventListener('abort', leave, { once: true });
    try {
      this.#keeper = await SlotKeeper.open(this.#options);
      if (!stop.aborted) await this.#connection.run();
    } finally {
      clearInterval(this.#timer);
      clearTimeout(this.#soon);
      this.#lasting.surroundings.detach();
      stop.removeEventListener('abort', leave);
      await this.#left;
      await this.#keeper?.close();
    }
  }

  /** The flush position has moved with what the queues have accepted. */
  confirmSoon(): void {
    const inMs = this.#confirmedAt + CONFIRM_EVERY_MS - Date.now();
    this.#soon ??= setTimeout(() => void this.#confirm(), Math.max(0, inMs));
  }

  /** Writes the flush position down, and reports it to the server. One after the other. */
  #confirm(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#confirming = this.#confirming.then(() => this.#confirmNow());
    return this.#confirming;
  }

  async #confirmNow(): Promise<void> {
    if (this.#confirmed === undefined) return;
    try {
      this.#confirmed = (await this.#keeper?.write(this.#position.safe)) ?? this.#confirmed;
      failpoint('stream:position-written');
      this.#confirmedAt = Date.now();
      this.#connection.report(this.#confirmed, false);
      failpoint('stream:confirmed');
    } catch (error) {
      this.#connection.fail(error);
    }
  }

  /** Tells the server how far we are. */
  #report(reply: boolean): void {
    if (this.#confirmed !== undefined) this.#connection.report(this.#confirmed, reply);
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
          if (publisher.committed(end)) this.#passed();
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
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), STATUS_EVERY_MS);
    this.#taking = this.#take();
  }

  #taking: Promise<void> = Promise.resolve();

  /** Nothing is confirmed before it is known whether the slot is where the streamer left it. */
  async #take(): Promise<void> {
    const [keeper, facts] = [this.#keeper, this.#facts];
    if (keeper === undefined || facts === undefined) return;
    try {
      const taken = await keeper.take(facts, this.#lasting.furthest);
      failpoint('stream:taken');
      const { gap, confirmed } = taken;
      if (gap !== undefined) this.#lasting.furthest = 0n;
      this.#confirmed = confirmed;
      this.#decoder.name(await keeper.origins());
      this.#options.events.streaming(facts.confirmed, facts, taken);
      const fail = (error: unknown) => this.#connection.fail(error);
      this.#lasting.surroundings.attach(keeper, fail, ({ origins, tables }) => {
        this.#decoder.name(origins);
        for (const { object, portrait } of tables) this.#lasting.tables.known(object, portrait.table);
      });
    } catch (error) {
      this.#connection.fail(error);
    }
  }

  #tableChanged(change: TableChange): void {
    this.#options.events.tableChanged(change);
    if (change.leaves === undefined) return;
    const ordered = this.#keeper?.order([change.object], change.leaves);
    ordered?.catch((error: unknown) => this.#connection.fail(error));
  }

  /** Inside a transaction the position may lie behind changes that are still to come. */
  #keepalive(position: Lsn): void {
    if (position > this.#lasting.furthest) this.#lasting.furthest = position;
    if (this.#reader?.open === false && this.#position.reach(position)) this.#passed();
  }

  /** The flush position has moved past what is not ours. */
  #passed(): void {
    const confirmed = this.#confirmed ?? this.#position.safe;
    const isFar = this.#position.safe - confirmed >= PASSING_BYTES;
    if (isFar || Date.now() - this.#confirmedAt >= PASSING_EVERY_MS) this.confirmSoon();
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
      this.#report(true);
      if (this.#position.safe > (this.#confirmed ?? this.#position.safe)) this.#passed();
    } else {
      const message = `PostgreSQL has not been heard for ${SILENCE_MS / 1000} s.`;
      this.#connection.fail(new RetryableError('SILENT', message));
    }
  }

  /** Leaving has come to its end; at once where it was not asked to. */
  #left: Promise<void> = Promise.resolve();

  async #leave(): Promise<void> {
    this.#connection.halt();
    this.#lasting.surroundings.detach();
    await this.#options.publisher.drain(AbortSignal.timeout(DRAIN_MS));
    await this.#taking;
    await this.#confirm();
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
