/**
 * Transaction ids in the stream have 32 bits and begin again after four billion transactions; messages carry the 64-bit
 * form (xid8), which is never used twice. PostgreSQL keeps ids that are in use within 2^31 of each other, so the right
 * one is the nearest to any id that is known in full.
 */
export class TransactionIds {
  #known: bigint;

  /** `next`: an id as xid8, close in time: `pg_snapshot_xmax(pg_current_snapshot())` before the stream starts. */
  constructor(next: bigint) {
    this.#known = next;
  }

  /** The xid8 of an id of the stream. */
  widen(xid: number): bigint {
    const difference = BigInt.asIntN(32, BigInt(xid) - this.#known);
    const wide = this.#known + difference;
    if (wide > this.#known) this.#known = wide;
    return wide;
  }
}
