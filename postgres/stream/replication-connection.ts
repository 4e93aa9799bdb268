/**
 * One replication connection, used once. Three habits of pg-logical-replication are kept out here, each of which loses
 * changes: its `acknowledge` confirms one byte too many, and with it a commit that follows immediately; its timer confirms
 * what was only received; and a service that subscribes twice skips what was not handled. So the status messages are
 * written here, with the exact position, and every connection has a service of its own. Messages are handled where the
 * plugin would parse them, without the library's queue: its promises for each row take more time than all else together.
 */
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';
import { type DatabaseNames, STREAMER_APPLICATION } from '../../core/contracts/database-names.ts';
import type { Lsn } from '../../core/contracts/lsn.ts';
import { parseLsn } from '../../core/contracts/lsn.ts';
import type { ObjectMapping, OutputPlugin } from '../../core/mapping/configuration.ts';
import { settleSettings, startupOptions } from '../session-settings.ts';
import { startCommand } from './start-command.ts';
import { statusMessage } from './status-message.ts';
import type { StreamFacts } from './stream-facts.ts';
import { readStreamFacts } from './stream-facts.ts';

export interface StreamSource {
  readonly database: ReplicationDatabase;
  readonly slot: string;
  readonly plugin: OutputPlugin;
  /** The publication is for pgoutput; wal2json goes by the mapped tables. */
  readonly names: DatabaseNames;
  readonly mappings: readonly ObjectMapping[];
}

export interface ReplicationDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ssl: boolean | { readonly rejectUnauthorized: boolean };
}

export interface StreamListener<Message> {
  /** Slot and publication are there; the stream is asked for next. */
  starting(facts: StreamFacts): void;
  started(): void;
  /** A message, in the order of the stream. A promise holds the stream up. */
  message(message: Message): undefined | Promise<void>;
  /** The server has sent everything up to the position, and every message before was handled. */
  keepalive(position: Lsn): void;
  /** The server wants to know at once how far we are. */
  asked(): void;
}

interface Keepalive {
  readonly position: Lsn;
  /** Messages that came before it. */
  readonly after: number;
}

const CONNECTING = { connectionTimeoutMillis: 10_000, keepAlive: true, options: startupOptions('stream') } as const;

/** How long the server may take to end the connection before it is cut. */
const CLOSING_MS = 1_000;

/** The message by which a client ends a session. */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

export class ReplicationConnection<Message> {
  readonly #source: StreamSource;
  readonly #service: LogicalReplicationService;
  readonly #listener: StreamListener<Message>;
  readonly #decode: (bytes: Buffer) => Message;
  #client: pg.Client | undefined;
  #received = 0;
  #keepalives = 0;
  #handled = 0;
  /** A message is being handled that takes time: the socket is not read, and what had arrived already waits. */
  #held = false;
  #waiting: (Message | DecodingFailure)[] = [];
  #keepalive: Keepalive | undefined;
  #failure: unknown;
  #closing = false;

  /** `decode` gets one message of the output plugin. */
  constructor(source: StreamSource, decode: (bytes: Buffer) => Message, listener: StreamListener<Message>) {
    this.#source = source;
    this.#decode = decode;
    this.#listener = listener;
    this.#service = new LogicalReplicationService(
      { ...source.database, application_name: STREAMER_APPLICATION, ...CONNECTING },
      { acknowledge: { auto: false, timeoutSeconds: 0 } },
    );
    // The promise of `subscribe` reports the same error.
    this.#service.on('error', () => undefined);
    this.#service.on('start', () => listener.started());
    this.#service.on('heartbeat', (lsn, _time, shouldRespond) => this.#heartbeat(lsn, shouldRespond));
  }

  /** Messages have come that are not handled yet: the stream may be held up. */
  get busy(): boolean {
    return this.#received > this.#handled;
  }

  /** Grows with everything that the server sends. */
  get heard(): number {
    return this.#received + this.#keepalives;
  }

  /** Streams until `close`, then resolves. Rejects with the server's error, or with what `decode` or the listener threw. */
  async run(): Promise<void> {
    const { slot } = this.#source;
    const plugin = {
      name: this.#source.plugin,
      options: {},
      parse: (bytes: Buffer) => this.#receive(bytes),
      start: async (client: pg.Client) => {
        this.#client = client;
        await settleSettings(client, 'stream');
        const facts = await readStreamFacts(client, this.#source);
        this.#listener.starting(facts);
        return client.query(startCommand(this.#source));
      },
    };
    try {
      await this.#service.subscribe(plugin, slot);
    } catch (error) {
      if (this.#failure === undefined && !this.#closing) throw error;
    } finally {
      await this.#end();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Confirms to the server everything before `position`. `reply`: and asks for a sign of life. */
  report(position: Lsn, reply: boolean): void {
    const stream = this.#stream();
    if (stream?.writable === true) stream.write(statusMessage(position, reply));
  }

  /** No message is handled any more; the connection stays, for reports. */
  halt(): void {
    this.#closing = true;
  }

  /** What was reported before still reaches the server. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#end();
  }

  /** Ends the stream with an error: `run` rejects with it. */
  fail(error: unknown): void {
    this.#failure ??= error;
    // The library goes on with the next message after an error, which would confirm what was not handled.
    this.#stream()?.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#received++;
    if (this.#closing || this.#failure !== undefined) return;
    const message = this.#decoded(bytes);
    if (this.#held) this.#waiting.push(message);
    else this.#handOver(message);
  }

  #handOver(message: Message | DecodingFailure): void {
    const handling = this.#handle(message);
    if (handling === undefined) return;
    this.#held = true;
    this.#stream()?.pause();
    void handling.then(() => this.#goOn());
  }

  #goOn(): void {
    this.#held = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [i, message] of waiting.entries()) {
      this.#handOver(message);
      if (!this.#held) continue;
      // Nothing has arrived since: this was one turn of the event loop.
      this.#waiting = waiting.slice(i + 1);
      return;
    }
    this.#stream()?.resume();
  }

  #decoded(bytes: Buffer): Message | DecodingFailure {
    // An exception in here would go through the socket's event, where no handler catches it.
    try {
      return this.#decode(bytes);
    } catch (error) {
      return new DecodingFailure(error);
    }
  }

  #handle(message: Message | DecodingFailure): undefined | Promise<void> {
    if (this.#closing || this.#failure !== undefined) return undefined;
    if (message instanceof DecodingFailure) {
      this.fail(message.cause);
      return undefined;
    }
    try {
      const handling = this.#listener.message(message);
      if (handling === undefined) {
        this.#done();
        return undefined;
      }
      return handling.then(
        () => this.#done(),
        (error: unknown) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  #done(): void {
    this.#handled++;
    if (this.#keepalive !== undefined && this.#keepalive.after <= this.#handled) {
      const { position } = this.#keepalive;
      this.#keepalive = undefined;
      this.#listener.keepalive(position);
    }
  }

  /** A keepalive overtakes the messages that came before it and wait to be handled: here it takes its place again. */
  #heartbeat(lsn: string, shouldRespond: boolean): void {
    this.#keepalives++;
    if (this.#closing || this.#failure !== undefined) return;
    const position = parseLsn(lsn);
    if (this.busy) this.#keepalive = { position, after: this.#received };
    else this.#listener.keepalive(position);
    if (shouldRespond) this.#listener.asked();
  }

  /**
   * Ends the connection; a stream that is held up would never read that the server has closed it, so it is let run, and cut if need
   * be. A stream is a query without end to the library, which would cut the connection, and with it a report that is on its way.
   */
  async #end(): Promise<void> {
    const stream = this.#stream();
    const cut = new AbortController();
    const late = pause(CLOSING_MS, undefined, { signal: cut.signal }).catch(() => undefined);
    if (stream?.writable === true) {
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.end(TERMINATE);
      stream.resume();
      await Promise.race([closed, late]);
    }
    // A connection that broke has an error of its own, which `run` reports.
    const ended = this.#service.stop().catch(() => undefined);
    await Promise.race([ended, late.then(() => stream?.destroy())]);
    cut.abort();
  }

  #stream(): Duplex | undefined {
    return this.#client?.connection.stream;
  }
}

class DecodingFailure {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}
