import type { Clock } from '../../step-functions/clock.ts';

interface Sleeper {
  readonly wakeAt: number;
  wake(): void;
}

/** A clock that stands still until the test moves it on. It remembers every sleep it was asked for. */
export class ManualClock implements Clock {
  readonly sleeps: number[] = [];
  #now: number;
  #sleepers: Sleeper[] = [];
  #watchers: { readonly ms: number; found(): void }[] = [];

  constructor(now = Date.parse('2026-03-01T12:00:00Z')) {
    this.#now = now;
  }

  now = (): number => this.#now;

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    if (ms <= 0) {
      resolve();
      return promise;
    }
    const sleeper = { wakeAt: this.#now + ms, wake: resolve };
    this.sleeps.push(ms);
    this.#sleepers.push(sleeper);
    signal.addEventListener('abort', () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      reject(signal.reason);
    });
    for (const watcher of this.#watchers.filter((candidate) => candidate.ms === ms)) watcher.found();
    return promise;
  }

  /** Resolves once a sleep has exactly so long to go. */
  async asleepFor(ms: number): Promise<void> {
    if (this.#sleepers.some((sleeper) => sleeper.wakeAt - this.#now === ms)) return;
    await new Promise<void>((found) => {
      this.#watchers.push({ ms, found });
    });
  }

  get sleepers(): number {
    return this.#sleepers.length;
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.wakeAt <= this.#now);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.wakeAt > this.#now);
    for (const sleeper of due.sort((a, b) => a.wakeAt - b.wakeAt)) sleeper.wake();
  }
}
