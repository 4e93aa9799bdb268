/** Time as the interpreter sees it, so that a test can let an hour pass in no time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. Its timer dies with either. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The longest delay a Node timer takes; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopped = () => {
      clearTimeout(handle);
      reject(signal.reason);
    };
    const handle = setTimeout(() => {
      signal.removeEventListener('abort', stopped);
      resolve();
    }, ms);
    signal.addEventListener('abort', stopped, { once: true });
  });
}

/** Real time, with `now` taken from the host. */
export function realClock(now: () => number): Clock {
  return {
    now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      for (let left = ms; left > 0; left -= LONGEST_TIMER_MS) await timer(Math.min(left, LONGEST_TIMER_MS), signal);
    },
  };
}

/** Rejects with the signal's reason once it is aborted; never resolves. `release` takes the listener off again. */
function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; release(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const stopped = () => reject(signal.reason);
  if (signal.aborted) stopped();
  else signal.addEventListener('abort', stopped, { once: true });
  // The race against it sees the rejection; after the race it has no handler, and that is no fault.
  promise.catch(() => undefined);
  return { promise, release: () => signal.removeEventListener('abort', stopped) };
}

/** The answer of work that did not end within its time. */
export const TIMED_OUT = Symbol('timed out');

/**
 * Waits for `work`, at most `timeoutMs` (undefined: without end), and no longer than the signal lets it. Work that is
 * left behind goes on, as a Lambda function does whose caller has gone; its result is dropped.
 */
export async function within<T>(
  work: Promise<T>,
  timeoutMs: number | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<T | typeof TIMED_OUT> {
  const ended = new AbortController();
  const interrupted = whenAborted(signal);
  const waits: Promise<T | typeof TIMED_OUT>[] = [work, interrupted.promise];
  if (timeoutMs !== undefined) {
    const timeout = clock.sleep(timeoutMs, ended.signal).then((): typeof TIMED_OUT => TIMED_OUT);
    timeout.catch(() => undefined);
    waits.push(timeout);
  }
  work.catch(() => undefined);
  try {
    return await Promise.race(waits);
  } finally {
    ended.abort();
    interrupted.release();
  }
}
