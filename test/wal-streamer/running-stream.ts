/** A change stream in the process of the test, on the slot of a database of the sample, with queues that do what the test says. */
import type { ChangeSender, Refusal } from '../../aws/change-publisher.ts';
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import { DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import type { Lsn } from '../../core/contracts/lsn.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { TakenStream } from '../../postgres/ledger/stream.ts';
import { ChangeStream } from '../../wal-streamer/change-stream.ts';
import { Heartbeat } from '../../wal-streamer/health.ts';
import { Publisher } from '../../wal-streamer/publisher.ts';
import type { StreamEvents } from '../../wal-streamer/stream-session.ts';
import { TEST_PASSWORDS } from '../support/postgres/lender-tables.ts';
import { Signal } from '../support/system/signal.ts';

type Told<Name extends keyof StreamEvents> = Parameters<StreamEvents[Name]>;

/** What the stream has told, in order. */
interface Tellings {
  readonly streaming: { readonly from: Lsn; readonly taken: TakenStream }[];
  readonly interrupted: { readonly next: string; readonly attempt: number; readonly error: unknown }[];
  readonly unnamedRows: Told<'unnamedRows'>[];
  readonly unseen: Told<'unseen'>[];
  readonly changed: Told<'changed'>[];
  readonly comparisonsDue: Told<'comparisonsDue'>[];
  readonly tableChanged: Told<'tableChanged'>[0][];
}

/** The queues of all objects. */
class Queues implements ChangeSender {
  /** What was accepted, in order. */
  readonly messages: ChangeMessage[] = [];
  calls = 0;
  /** Calls wait for this before they are answered. */
  gate: Promise<void> = Promise.resolve();
  /** What becomes of the next calls; the others are accepted. */
  readonly next: ('refused' | 'failed')[] = [];
  readonly #signal: Signal;

  constructor(signal: Signal) {
    this.#signal = signal;
  }

  async send(bodies: readonly string[], aborted: AbortSignal): Promise<readonly Refusal[]> {
    this.calls++;
    this.#signal.given();
    await Promise.race([this.gate, new Promise((resolve) => aborted.addEventListener('abort', resolve))]);
    if (aborted.aborted) throw aborted.reason;
    const fate = this.next.shift();
    if (fate === 'failed') throw new Error('the queue is away');
    if (fate === 'refused') return bodies.map((_, index) => ({ index, code: 'InternalError' }) as Refusal);
    this.messages.push(...bodies.map((body) => JSON.parse(body) as ChangeMessage));
    return [];
  }

  /** Calls are not answered before the function that this answers was called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gate = promise;
    return resolve;
  }

  keysOf(object: string): string[] {
    return this.messages.filter((message) => message.object === object).flatMap(({ keys }) => keys.map(([key]) => key));
  }
}

export interface RunningStream extends AsyncDisposable {
  readonly queues: Queues;
  readonly told: Tellings;
  /** How often messages were accepted, and the stream was told of it. */
  readonly accepted: number;
  /** Reasons why a message was not accepted. */
  readonly failures: readonly unknown[];
  /** Beats of the heart. */
  readonly beats: number;
  readonly stopping: AbortSignal;
  /** Resolves when the condition holds; it is looked at whenever the stream or a queue has said something. */
  until(condition: () => boolean): Promise<void>;
  /** The stream runs, and knows where its slot is; so many times. */
  streaming(times?: number): Promise<void>;
  stop(): void;
  /** As the stream ends. */
  readonly ended: Promise<void>;
}

export interface StreamPlace {
  readonly port: number;
  readonly database: string;
  readonly configuration?: SyncConfiguration;
}

export function databaseOf({ port, database }: StreamPlace) {
  const { streamerRole: user } = DEFAULT_NAMES;
  return { host: '127.0.0.1', port, database, user, password: TEST_PASSWORDS.streamer, ssl: false };
}

export function startStream(place: StreamPlace): RunningStream {
  const signal = new Signal();
  const queues = new Queues(signal);
  const told: Tellings = {
    streaming: [],
    interrupted: [],
    unnamedRows: [],
    unseen: [],
    changed: [],
    comparisonsDue: [],
    tableChanged: [],
  };
  const [failures, stop] = [[] as unknown[], new AbortController()];
  let [accepted, beats] = [0, 0];
  const tell = <T>(list: T[], what: T) => {
    list.push(what);
    signal.given();
  };
  const mapping = place.configuration ?? configuration;
  const publisher = new Publisher(new Map(mapping.objects.map(({ object }) => [object, queues])), {
    accepted: (_publication, moved) => {
      if (moved) stream.confirm();
      accepted++;
      signal.given();
    },
    failed: (_object, _attempt, reason) => tell(failures, reason),
  });
  const heartbeat = new Heartbeat(undefined, () => undefined);
  heartbeat.beat = () => {
    beats++;
    signal.given();
  };
  const stream: ChangeStream = new ChangeStream({
    configuration: mapping,
    database: databaseOf(place),
    slot: place.database,
    names: DEFAULT_NAMES,
    publisher,
    heartbeat,
    events: {
      streaming: (from, _facts, taken) => tell(told.streaming, { from, taken }),
      interrupted: (next, attempt, error) => tell(told.interrupted, { next, attempt, error }),
      unnamedRows: (...what) => tell(told.unnamedRows, what),
      unseen: (...what) => tell(told.unseen, what),
      changed: (...what) => tell(told.changed, what),
      comparisonsDue: (...what) => tell(told.comparisonsDue, what),
      tableChanged: (what) => tell(told.tableChanged, what),
    },
  });
  let failure: { readonly error: unknown } | undefined;
  const ended = stream.run(stop.signal).catch((error: unknown) => {
    failure = { error };
    signal.given();
    throw error;
  });
  // The test looks at it when it comes to it.
  ended.catch(() => undefined);
  const until = async (condition: () => boolean) => {
    await signal.until(() => condition() || failure !== undefined);
    if (!condition()) throw failure?.error;
  };
  return {
    queues,
    told,
    failures,
    get accepted() {
      return accepted;
    },
    get beats() {
      return beats;
    },
    stopping: stop.signal,
    until,
    streaming: (times = 1) => until(() => told.streaming.length >= times),
    stop: () => stop.abort(),
    ended,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}
