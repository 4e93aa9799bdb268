import type { Clock } from '../../packages/embedded-aws/step-functions/clock.ts';

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/**
 * A clock that jumps: when everybody sleeps (nothing is left to do in this turn of the event loop), it is the time at
 * which the first one wakes. Hours of waiting take no time, and a task that never ends meets its timeout.
 */
export class SkippingClock implements Clock {
  #now = Date.parse('2026-03-01T12:00:00Z');
  readonly #sleepers = new Set<Sleeper>();
  #jump: NodeJS.Immediate | undefined;

  now = (): number => this.#now;

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    const sleeper: Sleeper = { wakeAt: this.#now + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    signal.addEventListener(
      'abort',
      () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      },
      { once: true },
    );
    this.#jump ??= setImmediate(() => this.#skip());
    return promise;
  }

  #skip(): void {
    this.#jump = undefined;
    const first = [...this.#sleepers].sort((a, b) => a.wakeAt - b.wakeAt)[0];
    if (first === undefined) return;
    this.#now = Math.max(this.#now, first.wakeAt);
    this.#sleepers.delete(first);
    first.wake();
    if (this.#sleepers.size > 0) this.#jump = setImmediate(() => this.#skip());
  }
}
