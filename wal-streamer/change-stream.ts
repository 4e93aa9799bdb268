/**
 * Reads the slot for as long as it is asked to: connects, streams, and connects again. The decisions are elsewhere: what
 * may be confirmed (flush-position), whose change it is (transaction, echo), what to do after a failure (stream-failure).
 */

import { backoffMs, waited } from './backoff.ts';
import { afterFailure } from './stream-failure.ts';
import type { ChangeStreamOptions, Lasting } from './stream-session.ts';
import { StreamSession } from './stream-session.ts';
import { SurroundingsWatch } from './surroundings-watch.ts';
import { TableWatch } from './table-watch.ts';

const RECONNECT = { firstMs: 200, longestMs: 15_000 };
const SLOT_TAKEN = { firstMs: 200, longestMs: 2_000 };

export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #lasting: Lasting;
  #session: StreamSession | undefined;

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    const tables = new TableWatch(options.configuration.objects);
    this.#lasting = { tables, surroundings: new SurroundingsWatch(options.events), furthest: 0n };
  }

  /** The queues have accepted something, and the flush position has moved. */
  confirm(): void {
    this.#session?.confirmSoon();
  }

  /** Streams until the signal, then publishes what was read and confirms it. Throws SyncError when a person is needed. */
  async run(stop: AbortSignal): Promise<void> {
    for (let attempt = 1; !stop.aborted; attempt++) {
      const session = new StreamSession(this.#options, this.#lasting);
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
