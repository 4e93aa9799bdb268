/** How many records go into one transaction, by how long it is that the ones before held their rows. */

/** See docs/decisions/agreement/0023-short-transactions.md. */
const PART_MS = 100;
/** Where the round trips alone take longer: smaller parts would make it no better. */
const LEAST_MS = 50;
const FIRST_RECORDS = 500;
/** Its dozen statements cost a round trip each, and its parameters are some megabytes. */
const MOST_RECORDS = 4000;
/** What is taken for the cost of the round trips as long as all parts had the same size. */
const ROUND_TRIPS_MS = 20;
/** How much a part counts for when the next one is done. */
const REMEMBERED = 0.7;

/**
 * The time of a part is a line: round trips, and so much for each record. Both are estimated from the parts so far, the last ones most: an
 * estimate by the time of a record alone would make parts smaller and smaller on a slow network, and slower altogether.
 */
export class PartSize {
  #records = FIRST_RECORDS;
  #sums = { weight: 0, n: 0, ms: 0, nn: 0, nms: 0 };

  get records(): number {
    return this.#records;
  }

  /** A transaction with so many records held rows for so long. */
  took(n: number, ms: number): void {
    const { weight, n: sumN, ms: sumMs, nn, nms } = this.#sums;
    this.#sums = {
      weight: weight * REMEMBERED + 1,
      n: sumN * REMEMBERED + n,
      ms: sumMs * REMEMBERED + ms,
      nn: nn * REMEMBERED + n * n,
      nms: nms * REMEMBERED + n * ms,
    };
    // A small rest that was quick says nothing.
    if (n < this.#records && ms < PART_MS) return;
    const { fixed, each } = this.#line();
    const fitting = each <= 0 ? MOST_RECORDS : Math.max(LEAST_MS, PART_MS - fixed) / each;
    this.#records = Math.round(Math.min(MOST_RECORDS, Math.max(1, n / 4, Math.min(fitting, n * 2))));
  }

  #line(): { readonly fixed: number; readonly each: number } {
    const { weight, n, ms, nn, nms } = this.#sums;
    const spread = weight * nn - n * n;
    const slope = spread > 1e-6 * nn ? (weight * nms - n * ms) / spread : Number.NaN;
    const fixed = (ms - slope * n) / weight;
    if (slope >= 0 && fixed >= 0) return { fixed, each: slope };
    // All of one size, or no line: at least something is known of the mean.
    if (slope < 0) return { fixed: ms / weight, each: 0 };
    return { fixed: ROUND_TRIPS_MS, each: Math.max(0, ms / weight - ROUND_TRIPS_MS) / (n / weight) };
  }
}
