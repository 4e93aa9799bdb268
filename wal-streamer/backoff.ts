export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** The pause before attempt `attempt` (from 1): doubled each time, and half of it random so that many do not come at once. */
export function backoffMs({ firstMs, longestMs }: Backoff, attempt: number, random: number = Math.random()): number {
  const full = Math.min(longestMs, firstMs * 2 ** (attempt - 1));
  return full * (0.5 + random / 2);
}

/** Waits; answers false when the signal came first. */
export function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stopped = () => {
    clearTimeout(timer);
    resolve(false);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', stopped);
    resolve(true);
  }, ms);
  signal.addEventListener('abort', stopped, { once: true });
  return promise;
}
