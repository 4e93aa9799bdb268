/** Requests that an org may get in 24 hours by default. */
const DAILY_REQUESTS = 100_000;
const HOUR_MS = 3_600_000;
const HOURS = 24;

/**
 * The rolling count of requests that `Sforce-Limit-Info` and `/limits` show, by whole hours. Refusing is a fault to be
 * switched on.
 */
export class ApiUsage {
  readonly #now: () => number;
  #byHour = new Map<number, number>();
  #allowed = DAILY_REQUESTS;

  constructor(now: () => number) {
    this.#now = now;
  }

  count(): void {
    const hour = Math.floor(this.#now() / HOUR_MS);
    this.#byHour.set(hour, (this.#byHour.get(hour) ?? 0) + 1);
    for (const old of this.#byHour.keys()) if (old <= hour - HOURS) this.#byHour.delete(old);
  }

  /** As if other clients had used up so many just now. */
  set(used: number, allowed = this.#allowed): void {
    this.#byHour = new Map([[Math.floor(this.#now() / HOUR_MS), used]]);
    this.#allowed = allowed;
  }

  get allowed(): number {
    return this.#allowed;
  }

  get used(): number {
    const oldest = Math.floor(this.#now() / HOUR_MS) - HOURS;
    return [...this.#byHour].reduce((sum, [hour, count]) => (hour > oldest ? sum + count : sum), 0);
  }
}
