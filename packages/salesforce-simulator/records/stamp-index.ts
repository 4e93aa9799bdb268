interface Entry {
  readonly stamp: string;
  readonly id: string;
}

/**
 * Ids in the order of their SystemModstamp. Stamps nearly always rise, so a new one is appended; the entry of an older
 * stamp stays behind and is skipped (`isCurrent` decides), until half of the list is stale and it is swept.
 */
export class StampIndex {
  #entries: Entry[] = [];
  #live = 0;

  add(stamp: string, id: string): void {
    const at = this.#lowerBound(stamp, true);
    if (at === this.#entries.length) this.#entries.push({ stamp, id });
    else this.#entries.splice(at, 0, { stamp, id });
    this.#live++;
  }

  /** Notes that one entry went stale. */
  remove(isCurrent: (id: string, stamp: string) => boolean): void {
    this.#live--;
    if (this.#entries.length < 1000 || this.#live * 2 > this.#entries.length) return;
    const seen = new Set<string>();
    this.#entries = this.#entries.filter(({ id, stamp }) => {
      if (seen.has(id) || !isCurrent(id, stamp)) return false;
      seen.add(id);
      return true;
    });
    this.#live = this.#entries.length;
  }

  /** Ids with `from <= stamp <= to`, each once; some may have another stamp by now: the caller looks again. */
  range(from: string | undefined, to: string | undefined): string[] {
    const start = from === undefined ? 0 : this.#lowerBound(from, false);
    const end = to === undefined ? this.#entries.length : this.#lowerBound(to, true);
    const ids = new Set<string>();
    for (let i = start; i < end; i++) ids.add(this.#entries[i]!.id);
    return [...ids];
  }

  /** First position whose stamp is >= (or, with `after`, >) the given one. */
  #lowerBound(stamp: string, after: boolean): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#entries[middle]!.stamp;
      if (found < stamp || (after && found === stamp)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
