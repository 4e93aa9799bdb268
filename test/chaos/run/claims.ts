/** Who may be at work at once: those that exclude each other wait for their turn, in the order in which they came. */
export class Claims {
  readonly #held = new Map<string, Promise<void>>();

  /** Answers what gives them back, as soon as all of them are free. */
  async take(names: readonly string[]): Promise<() => void> {
    const before = names.map((name) => this.#held.get(name));
    const mine = Promise.withResolvers<void>();
    for (const name of names) this.#held.set(name, mine.promise);
    await Promise.all(before);
    return mine.resolve;
  }
}
