/** Wakes the receives that wait for a queue. Nothing is polled: what makes a message visible calls this. */
export class Arrivals {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Something of this queue may have become visible, or the queue is gone. */
  announce(queue: string): void {
    for (const wake of [...(this.#waiting.get(queue) ?? [])]) wake();
  }

  announceAll(): void {
    for (const queue of [...this.#waiting.keys()]) this.announce(queue);
  }

  /** Resolves at the next announcement for the queue, after `timeoutMs`, or when `gone` fires: whichever is first. */
  wait(queue: string, timeoutMs: number, gone?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const set = this.#waiting.get(queue) ?? new Set();
      this.#waiting.set(queue, set);
      const wake = () => {
        clearTimeout(timer);
        gone?.removeEventListener('abort', wake);
        set.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      set.add(wake);
      gone?.addEventListener('abort', wake, { once: true });
    });
  }
}
