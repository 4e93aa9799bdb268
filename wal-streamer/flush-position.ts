/**
 * The flush position: how far the slot may be confirmed. Nothing else decides that.
 *
 * A list in the order of the stream holds two kinds of entries: *holds*, one for each batch of changes that the queue has
 * not accepted yet, placed where the batch began; and *positions*, ends of commits that were read. Everything in front of
 * the first hold is safe. A batch that takes changes of several transactions began before the first of their commits, so
 * one hold covers them all.
 *
 * One object serves one connection: the next one starts where the server says, and gets its transactions again.
 */
import type { Lsn } from '../core/contracts/lsn.ts';

/** A batch that is not accepted yet. */
export interface Hold {
  accepted: boolean;
  /** The newest commit end that was read while this was the newest hold. */
  reached: Lsn;
}

export class FlushPosition {
  #safe: Lsn;
  #holds: Hold[] = [];

  /** `confirmed`: what the slot has confirmed already. */
  constructor(confirmed: Lsn) {
    this.#safe = confirmed;
  }

  /** Everything up to here is handed on for good, or was not ours to hand on. */
  get safe(): Lsn {
    return this.#safe;
  }

  /** The changes read from now on are held back, until `accept`. */
  hold(): Hold {
    const hold: Hold = { accepted: false, reached: 0n };
    this.#holds.push(hold);
    return hold;
  }

  /** The queue has accepted the batch. Answers whether the safe position moved. */
  accept(hold: Hold): boolean {
    hold.accepted = true;
    const before = this.#safe;
    let done = 0;
    for (const { accepted, reached } of this.#holds) {
      if (!accepted) break;
      this.#advance(reached);
      done++;
    }
    this.#holds.splice(0, done);
    return this.#safe > before;
  }

  /**
   * The stream has passed the end of a commit, or, between transactions, sent a position. Answers whether the safe
   * position moved.
   */
  reach(position: Lsn): boolean {
    const newest = this.#holds.at(-1);
    if (newest !== undefined) {
      if (position > newest.reached) newest.reached = position;
      return false;
    }
    const before = this.#safe;
    this.#advance(position);
    return this.#safe > before;
  }

  #advance(position: Lsn): void {
    if (position > this.#safe) this.#safe = position;
  }
}
