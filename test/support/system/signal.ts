/** Lets a test wait for what is to come: conditions are looked at whenever something has happened. */
export class Signal {
  readonly #waiting = new Set<{ readonly condition: () => boolean; readonly resolve: () => void }>();

  /** Resolves when the condition holds. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ condition, resolve }));
  }

  /** Something has happened. */
  given(): void {
    for (const entry of this.#waiting) {
      if (!entry.condition()) continue;
      this.#waiting.delete(entry);
      entry.resolve();
    }
  }
}
