/** When a container counts as unhealthy, as ECS has it (API reference, HealthCheck). */
export interface HealthCheckSettings {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** That many failures in a row make it unhealthy. */
  readonly retries: number;
  /** Failures do not count for so long after the start. */
  readonly startPeriodMs: number;
}

/** Looks at a container at regular intervals between `begin` and `end`; reports once that it has become unhealthy. */
export class HealthCheck {
  readonly #settings: HealthCheckSettings;
  readonly #isWell: () => Promise<boolean>;
  readonly #unhealthy: () => void;
  #round: AbortController | undefined;

  constructor(settings: HealthCheckSettings, isWell: () => Promise<boolean>, unhealthy: () => void) {
    this.#settings = settings;
    this.#isWell = isWell;
    this.#unhealthy = unhealthy;
  }

  /** The container has started. */
  begin(): void {
    this.end();
    const round = new AbortController();
    this.#round = round;
    this.#next(round.signal, Date.now(), 0);
  }

  /** The container has ended. */
  end(): void {
    this.#round?.abort();
  }

  #next(signal: AbortSignal, startedAt: number, failures: number): void {
    const { intervalMs, retries, startPeriodMs } = this.#settings;
    const timer = setTimeout(async () => {
      const well = await this.#isWell();
      if (signal.aborted) return;
      const counts = Date.now() - startedAt >= startPeriodMs;
      const now = well || !counts ? 0 : failures + 1;
      if (now >= retries) this.#unhealthy();
      else this.#next(signal, startedAt, now);
    }, intervalMs);
    timer.unref();
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }
}
