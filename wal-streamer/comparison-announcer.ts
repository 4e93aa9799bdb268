/** Has due comparisons worked off: each is announced once, and again when for a while no execution has gone on with it. */
import type { Comparison } from '../postgres/ledger/comparison.ts';

/** An execution saves its place at least every few seconds; older transactions are waited for for minutes. */
const STALLED_MS = 360_000;
/** The records are compared by a full sweep, which shows no progress. */
const SWEEP_STALLED_MS = 7_200_000;

export interface ComparisonAnnouncerOptions {
  readonly put: (objects: readonly string[]) => Promise<void>;
  readonly failed: (objects: readonly string[], error: unknown) => void;
}

export class ComparisonAnnouncer {
  readonly #options: ComparisonAnnouncerOptions;
  readonly #announced = new Map<string, { readonly place: string; readonly at: number }>();

  constructor(options: ComparisonAnnouncerOptions) {
    this.#options = options;
  }

  async due(comparisons: readonly Comparison[], held: ReadonlySet<string>, now: number): Promise<void> {
    const due = comparisons.filter((comparison) => this.#isDue(comparison, held, now)).map(({ object }) => object);
    for (const { object, order, stage, after } of comparisons) {
      const place = JSON.stringify([order, stage, after]);
      const before = this.#announced.get(object);
      if (due.includes(object) || before?.place !== place) this.#announced.set(object, { place, at: now });
    }
    if (due.length === 0) return;
    try {
      await this.#options.put(due);
    } catch (error) {
      // At the next look they are due still.
      for (const object of due) this.#announced.delete(object);
      this.#options.failed(due, error);
    }
  }

  #isDue({ object, order, stage, after }: Comparison, held: ReadonlySet<string>, now: number): boolean {
    const before = this.#announced.get(object);
    if (before === undefined) return true;
    const [lastOrder] = JSON.parse(before.place) as [string];
    if (lastOrder !== order) return true;
    if (held.has(object)) return false;
    const isStalled = before.place === JSON.stringify([order, stage, after]);
    return isStalled && now - before.at >= (stage === 'records' ? SWEEP_STALLED_MS : STALLED_MS);
  }
}
