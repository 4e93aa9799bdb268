import type { Journal, JournalEntry } from './service.ts';

/**
 * The journal of a running host: entries reach the listeners at once, in the order they were recorded, and are not kept.
 * A listener that throws does not disturb the service that recorded: its error surfaces as an uncaught one.
 */
export function createJournal(now: () => number = Date.now): Journal {
  const listeners = new Set<(entry: JournalEntry) => void>();
  return {
    record(entry) {
      const stamped: JournalEntry = { at: now(), ...entry };
      for (const listener of [...listeners]) {
        try {
          listener(stamped);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
    subscribe(listener) {
      // A wrapper of its own, so that the same function may listen twice and stop once.
      const own = (entry: JournalEntry) => listener(entry);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
  };
}
