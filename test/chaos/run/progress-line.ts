/** A line that says how far it is: rewritten in a terminal; elsewhere only what it says for good is printed. */
import type { WriteStream } from 'node:tty';

const REWRITE_EVERY_MS = 200;

export class ProgressLine {
  readonly #out: NodeJS.WriteStream | WriteStream;
  #shownAt = 0;

  constructor(out: NodeJS.WriteStream | WriteStream) {
    this.#out = out;
  }

  show(text: string): void {
    if (this.#out.isTTY !== true || Date.now() - this.#shownAt < REWRITE_EVERY_MS) return;
    this.#shownAt = Date.now();
    this.#out.write(`\r\u001b[2K${text.slice(0, this.#out.columns - 1)}`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.clear();
    if (text !== '') this.#out.write(`${text}\n`);
  }

  clear(): void {
    if (this.#out.isTTY === true) this.#out.write('\r\u001b[2K');
    this.#shownAt = 0;
  }
}
