import type { Retrier } from '../definition/definition.ts';

/**
 * Whether a rule's ErrorEquals covers an error. `States.TaskFailed` covers all but time-outs (Developer Guide, error
 * handling); a missed heartbeat is a time-out as well. `States.Runtime` is final: nothing but its own name covers it.
 */
export function coversError(errorEquals: readonly string[], error: string | undefined): boolean {
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (error === 'States.Runtime') return false;
    if (name === 'States.ALL') return true;
    if (name === 'States.Timeout') return error === 'States.HeartbeatTimeout';
    return name === 'States.TaskFailed' && error !== 'States.Timeout';
  });
}

/** The wait before one retry, in milliseconds; `attempt` counts from 0. `random` gives numbers in [0, 1). */
export function retryDelayMs(retrier: Retrier, attempt: number, random: () => number): number {
  const backedOff = retrier.intervalSeconds * retrier.backoffRate ** attempt;
  const seconds = Math.min(backedOff, retrier.maxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return (retrier.jitter === 'FULL' ? random() * seconds : seconds) * 1_000;
}

/** Counts for one visit of a state how often each of its retriers was used. */
export class RetryBudget {
  readonly #retriers: readonly Retrier[];
  readonly #used = new Map<Retrier, number>();

  constructor(retriers: readonly Retrier[]) {
    this.#retriers = retriers;
  }

  /** Takes one attempt from the first retrier that covers the error; undefined when that one has none left. */
  take(error: string | undefined, random: () => number): { readonly delayMs: number } | undefined {
    const retrier = this.#retriers.find((candidate) => coversError(candidate.errorEquals, error));
    if (retrier === undefined) return undefined;
    const used = this.#used.get(retrier) ?? 0;
    if (used >= retrier.maxAttempts) return undefined;
    this.#used.set(retrier, used + 1);
    return { delayMs: retryDelayMs(retrier, used, random) };
  }
}
