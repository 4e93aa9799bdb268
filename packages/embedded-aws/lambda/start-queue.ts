/**
 * Sandboxes that are being started at one time, of all functions together. To load a bundle takes a processor; more starts than there are
 * processors make each of them slower, and what is invoked meanwhile finds no sandbox idle and starts one more.
 */
export class StartQueue {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #starting = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when it is this one's turn; the answer ends the turn, and is called once. */
  async turn(): Promise<() => void> {
    if (this.#starting >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#starting += 1;
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#starting -= 1;
      else next();
    };
  }
}
