/**
 * The heartbeat file: the container's health check takes its age for whether the streamer is alive. A stream that hears the
 * server touches it, and so does every attempt to connect again, of which one comes within 25 s (10 s for connecting, 15 s
 * of pause at the most). A process that hangs, or a stream that is dead and not given up, does not.
 */
import { writeFile } from 'node:fs/promises';

export interface Signs {
  /** When the server was last heard, milliseconds. */
  readonly heardAt: number;
  /** Messages wait to be handled, so the socket is not read: the server cannot be heard, and that is no fault. */
  readonly busy: boolean;
}

/** The server answers every status message that asks; one that does not for this long is gone. */
export const SILENCE_MS = 30_000;

/** Whether the stream is alive. */
export function isAlive({ heardAt, busy }: Signs, now: number): boolean {
  return busy || now - heardAt < SILENCE_MS;
}

export class Heartbeat {
  readonly #file: string | undefined;
  readonly #failed: (error: unknown) => void;

  /** undefined: there is no health check. `failed`: the file cannot be written. */
  constructor(file: string | undefined, failed: (error: unknown) => void) {
    this.#file = file;
    this.#failed = failed;
  }

  beat(): void {
    if (this.#file !== undefined) void writeFile(this.#file, `${new Date().toISOString()}\n`).catch(this.#failed);
  }
}
