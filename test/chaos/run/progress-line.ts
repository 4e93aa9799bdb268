/** A line that says how far it is: rewritten in a terminal, elsewhere printed now and then. */
import type { WriteStream } from 'node:tty';

const REWRITE_EVERY_MS = 200;
/** Where nothing can be rewritten, a line that stays. */
const PRINT_EVERY_MS = 30_000;

export class ProgressLine {
  readonly #out: NodeJS.WriteStream | WriteStream;
  #shownAt = Date.now();

  constructor(out: NodeJS.WriteStream | WriteStream) {
    this.#out = out;
  }

  show(text: string): void {
    const since = Date.now() - this.#shownAt;
    if (since < (this.#out.isTTY === true ? REWRITE_EVERY_MS : PRINT_EVERY_MS)) return;
    this.#shownAt = Date.now();
    if (this.#out.isTTY !== true) this.#out.write(`${text}\n`);
    else this.#out.write(`\r\u001b[2K${text.slice(0, this.#out.columns - 1)}`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.clear();
    if (text !== '') this.#out.write(`${text}\n`);
  }

  clear(): void {
    if (this.#out.isTTY === true) this.#out.write('\r\u001b[2K');
    // What follows is shown at once in a terminal, and after a while elsewhere.
    this.#shownAt = this.#out.isTTY === true ? 0 : Date.now();
  }
}
