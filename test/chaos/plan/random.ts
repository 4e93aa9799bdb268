/** Chance that is the same each time: a seed and a name make a sequence of their own, so one part of a plan does not move another. */
import { createHash } from 'node:crypto';

export class Random {
  readonly #name: string;
  #state: number;

  constructor(seed: number | string) {
    this.#name = String(seed);
    this.#state = createHash('sha256').update(this.#name).digest().readUInt32LE();
  }

  /** A sequence of its own, by its name alone: what was drawn from this one so far does not matter. */
  of(name: string | number): Random {
    return new Random(`${this.#name}/${name}`);
  }

  /** From 0 up to, but not, 1. */
  next(): number {
    // mulberry32: one word of state is enough for some thousand draws.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Throws an Error for an empty list. */
  pick<T>(list: readonly T[]): T {
    const found = list[this.integer(0, list.length - 1)];
    if (list.length === 0) throw new Error('There is nothing to pick from');
    return found as T;
  }

  weighted<T>(list: readonly (readonly [T, number])[]): T {
    let left = this.next() * list.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [each, weight] of list) {
      left -= weight;
      if (left < 0) return each;
    }
    return this.pick(list)[0];
  }

  /** Some of them, each once, in any order. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = [...list];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) taken.push(...left.splice(this.integer(0, left.length - 1), 1));
    return taken;
  }
}
