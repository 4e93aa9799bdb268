/**
 * A key of small numbers, as a text of one byte for each: text that is put together piece by piece takes more time to hash
 * and to collect than everything else in an exploration.
 */
import type { CanonicalValue } from '../../../../../core/mapping/canonical.ts';

/** More than any world needs. */
const BYTES = 2048;

export class Key {
  readonly #bytes = Buffer.alloc(BYTES);
  readonly #codes = new Map<CanonicalValue, number>();
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** 0 to 255. */
  number(value: number): void {
    this.#bytes[this.#length++] = value;
  }

  /** A set of edits: 24 bits. */
  set(bits: number): void {
    this.number(bits & 0xff);
    this.number((bits >> 8) & 0xff);
    this.number((bits >> 16) & 0xff);
  }

  /** At most eight. */
  bits(...flags: readonly boolean[]): void {
    let all = 0;
    for (const flag of flags) all = (all << 1) | Number(flag);
    this.number(all);
  }

  optional(flag: boolean | undefined): void {
    this.number(flag === undefined ? 2 : Number(flag));
  }

  /** undefined and null are alike. */
  text(value: CanonicalValue | undefined): void {
    this.code(value === undefined || value === null ? 0 : this.codeOf(value));
  }

  /** A number that stands for the value; 16 bits. */
  codeOf(value: CanonicalValue): number {
    const known = this.#codes.get(value);
    if (known !== undefined) return known;
    const code = this.#codes.size + 1;
    this.#codes.set(value, code);
    return code;
  }

  code(code: number): void {
    this.number(code & 0xff);
    this.number(code >> 8);
  }

  /** Parts of which the order does not matter. */
  unordered(count: number, write: (i: number) => void): void {
    const start = this.#length;
    if (count < 2) {
      if (count === 1) write(0);
      return;
    }
    if (count === 2) {
      write(0);
      const second = this.#length;
      write(1);
      this.#order(start, second);
      return;
    }
    const parts = Array.from({ length: count }, (_, i) => {
      this.#length = start;
      write(i);
      return this.#bytes.toString('latin1', start, this.#length);
    });
    this.#length = start;
    for (const part of parts.sort()) this.#length += this.#bytes.write(part, this.#length, 'latin1');
  }

  /** Puts the two parts that begin at these places, and end where the key ends, in order. */
  #order(first: number, second: number): void {
    const bytes = this.#bytes;
    const end = this.#length;
    if (bytes.compare(bytes, second, end, first, second) <= 0) return;
    const moved = Buffer.from(bytes.subarray(first, second));
    bytes.copyWithin(first, second, end);
    moved.copy(bytes, first + end - second);
  }

  toString(): string {
    return this.#bytes.toString('latin1', 0, this.#length);
  }
}
