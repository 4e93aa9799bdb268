import { formatDuration } from './line.ts';

/** What progress is shown on. */
export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

const REDRAW_MS = 100;

/**
 * Shows what is being started and for how long: on a terminal one line that is drawn over, elsewhere one line for each
 * step that is done.
 */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #running = new Map<string, number>();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(output: ProgressOutput) {
    this.#output = output;
    if (output.isTTY === true) {
      this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
      this.#timer.unref();
    }
  }

  /** Runs one step, shown by its name while it lasts. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    this.#running.set(name, startedAt);
    try {
      const result = await work();
      this.#clear();
      this.#output.write(`  ${name.padEnd(34)} ${formatDuration(performance.now() - startedAt)}\n`);
      return result;
    } finally {
      this.#running.delete(name);
    }
  }

  /** Ends the drawing; the line is cleared. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    const names = [...this.#running.keys()].join(', ');
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
    this.#clear();
    this.#output.write(`  ${seconds} s  starting ${names} ...`);
  }

  #clear(): void {
    // To the start of the line, and everything after it away.
    if (this.#output.isTTY === true) this.#output.write('\r\u001b[K');
  }
}
