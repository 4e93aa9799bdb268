/**
 * Puts `Changes available` for an object: at once after quiet, then at most one in the given time; the last change is
 * always followed by an announcement. One that fails is tried again, and the slow schedule finds what is left.
 */
import { failpoint } from '../core/failpoint.ts';
import { backoffMs, waited } from './backoff.ts';

const RETRY = { firstMs: 200, longestMs: 15_000 };

export interface AnnouncerOptions {
  /** Puts one event for each of the objects. */
  readonly put: (objects: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly everyMs: number;
  /** An announcement failed and is tried again. */
  readonly failed: (object: string, attempt: number, error: unknown) => void;
}

interface Announcement {
  /** Something changed since the last announcement was put together. */
  due: boolean;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #stop = new AbortController();
  /** Objects that are being announced, or were a short time ago. */
  readonly #recent = new Map<string, Announcement>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** The queue of the object has accepted a message. */
  changed(object: string): void {
    const recent = this.#recent.get(object);
    if (recent !== undefined) {
      recent.due = true;
      return;
    }
    const announcement = { due: true };
    this.#recent.set(object, announcement);
    const running = this.#announce(object, announcement).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Announces at once what is still due. Ends when that is done, or at the signal. */
  async finish(signal: AbortSignal): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    // Whatever is not due has gone with its announcement.
    const due = [...this.#recent.keys()];
    for (let attempt = 1; due.length > 0 && !signal.aborted; attempt++) {
      if (await this.#put(due, attempt, signal)) return;
      await waited(backoffMs(RETRY, attempt), signal);
    }
  }

  async #announce(object: string, announcement: Announcement): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (announcement.due && !signal.aborted) {
      announcement.due = false;
      if (await this.#put([object], failures + 1, signal)) failures = 0;
      else {
        announcement.due = true;
        failures++;
      }
      await waited(failures > 0 ? backoffMs(RETRY, failures) : this.#options.everyMs, signal);
    }
    if (!announcement.due) this.#recent.delete(object);
  }

  async #put(objects: readonly string[], attempt: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.put(objects, signal);
      failpoint('stream:announced');
      return true;
    } catch (error) {
      if (!signal.aborted) this.#options.failed(objects.join(', '), attempt, error);
      return false;
    }
  }
}
