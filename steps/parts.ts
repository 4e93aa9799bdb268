/**
 * Records in parts, each in a short transaction of its own: while one holds rows, an application that wants them waits. A part is
 * as large as goes through in a tenth of a second, and no statement of it waits longer than that for a lock. A part that meets
 * one is halved, in new transactions, until the records that another transaction holds stand alone: these are put off. Where
 * nothing goes through, the table is locked, and the rest is left.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RejectedRecordError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import { query, type Session } from '../postgres/session/connection.ts';
import type { OwnTransaction } from '../postgres/session/origin.ts';
import type { Refuse, SetWork } from '../postgres/session/savepoint.ts';
import { isLock, RowsLockedError } from '../postgres/session/server-errors.ts';
import { bisectRecords } from './pairs/collisions.ts';
import { PartSize } from './part-size.ts';

/**
 * Less than the time after which the server looks for a deadlock: of two that wait for each other it is this side which gives up, and
 * never the application that is ended.
 */
const SHORT_LOCK_TIMEOUT = `select set_config('lock_timeout',
  least(100, greatest(1, floor(extract(epoch from current_setting('deadlock_timeout')::interval) * 500)))::int::text, true)`;

/** First thing in a transaction that may hold rows of the application. */
export async function waitBriefly(session: Session): Promise<void> {
  await query(session, SHORT_LOCK_TIMEOUT);
}

const TRIES = 4;

/** Work whose records cannot be halved: tried again a few times where it meets a lock, with growing pauses. */
export async function retryingLocks<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isLock(error) || attempt === TRIES) throw error;
      await pause(50 * 2 ** attempt * (0.5 + Math.random()));
    }
  }
}

/** Records that stand alone in a row, each of which meets a lock, after which the table counts as locked. */
const LOCKED_IN_A_ROW = 3;
/** How long one call works. A Lambda has 300 s; what is left goes on in the next call. */
const CALL_MS = 60_000;

export interface PartWork<Item, Result> {
  /** How a record is told from others, and which records a refusal or a lock means. */
  readonly idOf: (item: Item) => string;
  /** In its transaction; called again with parts of the items. */
  readonly work: SetWork<Item, Result>;
  /** In the transaction of its part, after the others of it have gone through. */
  readonly refuse: Refuse<Item>;
  /** All records at once, however long they are held: those that exchange values have to meet. */
  readonly atOnce?: boolean;
  /** When a part is done, before it is committed. */
  readonly done?: (result: Result) => void;
}

export interface PartsDone<Item, Result> {
  readonly parts: readonly Result[];
  /** Refused by the database, and listed as their part says. */
  readonly refused: readonly { readonly item: Item; readonly error: RejectedRecordError }[];
  /** Another transaction holds their row, or what their row depends on. */
  readonly locked: readonly Item[];
  /** Not worked on: the table is locked, its columns have moved, or the time is over. In their order. */
  readonly left: readonly Item[];
  /** Why; undefined: nothing is left. */
  readonly because: 'locked' | 'moved' | 'time' | undefined;
}

interface Surroundings {
  readonly session: Session;
  /** Runs work in a transaction of ours, with all that the step wants of one. */
  readonly transaction: OwnTransaction;
  readonly isMoved: (error: unknown) => boolean;
  readonly now: () => number;
}

export async function workInParts<Item, Result>(
  { session, transaction, isMoved, now }: Surroundings,
  items: readonly Item[],
  { idOf, work, refuse, atOnce = false, done }: PartWork<Item, Result>,
): Promise<PartsDone<Item, Result>> {
  const parts: Result[] = [];
  const refused: { readonly item: Item; readonly error: RejectedRecordError }[] = [];
  const locked: Item[] = [];
  /** Those that met a lock since a part last went through. */
  let inARow: Item[] = [];
  const size = new PartSize();
  let committed = 0;
  const until = now() + CALL_MS;
  const stack = [items];
  const rest = () => [...inARow, ...stack.toReversed().flat()];
  for (;;) {
    const next = stack.pop();
    if (next === undefined) break;
    if (next.length === 0) continue;
    const part = atOnce ? next : next.slice(0, size.records);
    if (part.length < next.length) stack.push(next.slice(part.length));
    const held = new Stopwatch(now);
    try {
      const { found, without } = await transaction(async () => {
        const bad: (typeof refused)[number][] = [];
        const refuseOne: Refuse<Item> = async (item, error) => {
          await refuse(item, error);
          bad.push({ item, error });
        };
        const results = await bisectRecords(session, part, idOf, held.of(work), refuseOne);
        for (const result of results) done?.(result);
        return { found: results, without: bad };
      });
      failpoint('part:committed');
      parts.push(...found);
      refused.push(...without);
      committed += 1;
      locked.push(...inARow);
      inARow = [];
      size.took(part.length, held.ms);
    } catch (error) {
      if (isMoved(error) && committed > 0) {
        stack.push(part);
        return { parts, refused, locked, left: rest(), because: 'moved' };
      }
      if (!isLock(error)) throw error;
      const byOthers = error instanceof RowsLockedError ? part.filter((item) => error.ids.has(idOf(item))) : [];
      if (byOthers.length > 0) {
        const out = new Set(byOthers);
        locked.push(...byOthers);
        stack.push(part.filter((item) => !out.has(item)));
      } else if (part.length > 1) {
        stack.push(part.slice(part.length >> 1), part.slice(0, part.length >> 1));
      } else {
        inARow.push(...part);
        if (inARow.length >= LOCKED_IN_A_ROW) return { parts, refused, locked, left: rest(), because: 'locked' };
      }
    }
    if (now() > until && stack.length > 0) return { parts, refused, locked, left: rest(), because: 'time' };
  }
  return { parts, refused, locked: [...locked, ...inARow], left: [], because: undefined };
}

/** How long rows are held: by the work that stays until the commit, or by what was undone, which frees them at once. */
class Stopwatch {
  readonly #now: () => number;
  #kept = 0;
  #undone = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get ms(): number {
    return Math.max(this.#kept, this.#undone);
  }

  of<Item, Result>(work: SetWork<Item, Result>): SetWork<Item, Result> {
    return async (items, again) => {
      const startedAt = this.#now();
      try {
        const result = await work(items, again);
        this.#kept += this.#now() - startedAt;
        return result;
      } catch (error) {
        this.#undone = Math.max(this.#undone, this.#now() - startedAt);
        throw error;
      }
    };
  }
}
