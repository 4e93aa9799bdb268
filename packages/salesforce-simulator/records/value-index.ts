/** Finds ids by the value of one field. Text compares without case by default. Empty values are not kept. */
export class ValueIndex {
  readonly #ids = new Map<string, Set<string>>();
  readonly #caseSensitive: boolean;

  constructor(caseSensitive: boolean) {
    this.#caseSensitive = caseSensitive;
  }

  #key(value: unknown): string | undefined {
    if (value === null || value === undefined) return undefined;
    return this.#caseSensitive ? String(value) : String(value).toLowerCase();
  }

  add(value: unknown, id: string): void {
    const key = this.#key(value);
    if (key === undefined) return;
    const ids = this.#ids.get(key);
    if (ids === undefined) this.#ids.set(key, new Set([id]));
    else ids.add(id);
  }

  remove(value: unknown, id: string): void {
    const key = this.#key(value);
    const ids = key === undefined ? undefined : this.#ids.get(key);
    if (key === undefined || ids === undefined) return;
    ids.delete(id);
    if (ids.size === 0) this.#ids.delete(key);
  }

  find(value: unknown): readonly string[] {
    const key = this.#key(value);
    return key === undefined ? [] : [...(this.#ids.get(key) ?? [])];
  }
}
