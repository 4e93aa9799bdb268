/** One line of an execution's history, as it is stored: ids count from 1 without gaps. */
export interface HistoryEvent {
  readonly id: number;
  readonly previousId: number;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly details: HistoryDetails | undefined;
}

export type HistoryDetails = Readonly<Record<string, unknown>>;

/** The execution fails with the event of this number (Step Functions service quotas). */
export const HISTORY_LIMIT = 25_000;

export const NOT_TRUNCATED = { truncated: false } as const;

/** Where a line of execution stands in the history: branches that run side by side have one each. */
export interface Cursor {
  last: number;
}

/**
 * Gives numbers to the events of one running execution and keeps those that are not yet stored. The last number is
 * kept for the event that ends the execution: when all others are used up, further ones are dropped and `onFull` is called.
 */
export class History {
  readonly #now: () => number;
  readonly #onFull: () => void;
  #lastId: number;
  #pending: HistoryEvent[] = [];

  constructor(lastId: number, now: () => number, onFull: () => void) {
    this.#lastId = lastId;
    this.#now = now;
    this.#onFull = onFull;
  }

  /** Adds an event after the cursor's last one, moves the cursor to it and answers its id. */
  record(cursor: Cursor, type: string, details?: HistoryDetails): number {
    if (this.#lastId >= HISTORY_LIMIT - 1) {
      this.#onFull();
      return cursor.last;
    }
    return this.#append(cursor, type, details);
  }

  /** Adds the event that ends the execution; there is always room for it. */
  recordEnd(type: string, details?: HistoryDetails): void {
    this.#append({ last: this.#lastId }, type, details);
  }

  /** The events since the last call. */
  takePending(): readonly HistoryEvent[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }

  #append(cursor: Cursor, type: string, details: HistoryDetails | undefined): number {
    this.#lastId += 1;
    this.#pending.push({ id: this.#lastId, previousId: cursor.last, type, at: this.#now(), details });
    cursor.last = this.#lastId;
    return this.#lastId;
  }
}

/** The member of a history event that holds its details, as the API names it. */
export function detailsMember(type: string): string {
  if (type.endsWith('StateEntered')) return 'stateEnteredEventDetails';
  if (type.endsWith('StateExited')) return 'stateExitedEventDetails';
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`;
}
