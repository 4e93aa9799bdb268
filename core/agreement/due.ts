/** Why a link becomes due, and what that makes of it; and how what cannot be worked on now is put off. */
import type { Instant } from '../mapping/instant.ts';
import type { Link } from './link.ts';

/** Work that is due, but not before a moment. What is due for nothing is not put off either. */
export interface Deferrable {
  /** undefined: it may be worked on at once. */
  readonly dueAfter: Instant | undefined;
  /** How often in a row it was put off. */
  readonly retries: number;
}

export const NOT_PUT_OFF: Deferrable = { dueAfter: undefined, retries: 0 };

/** The first pause; each further one is twice as long as the one before. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
/** An execution waits for what is put off no longer than this. The schedule takes up the rest. */
export const WAITED_FOR_MS = 30_000;

function pauseMs(retries: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retries);
}

/**
 * Puts off what cannot be worked on now: Salesforce, or a lock in Postgres, does not let it. It stays due and keeps its
 * place; what was tried in vain often is tried seldom.
 */
export function putOff<Due extends Deferrable>(due: Due, now: Instant): Due {
  return { ...due, dueAfter: now + pauseMs(due.retries), retries: due.retries + 1 };
}

/**
 * `row changed`: the application has written the row, or removed it. `read again`: the record has to be read from Salesforce
 * before anything is decided about it. `written by us`: a step that is still writing the link has found that the row is not
 * what it made of it; the revision stays, for it is the one that the step hands on.
 */
export type DueReason = 'row changed' | 'read again' | 'written by us';

export function becomesDue(link: Link, reason: DueReason): Link {
  switch (reason) {
    case 'row changed':
      return { ...link, dirty: true, revision: link.revision + 1 };
    case 'read again':
      return { ...link, rereadDue: true, revision: link.revision + 1 };
    case 'written by us':
      return { ...link, dirty: true };
    default:
      return reason satisfies never;
  }
}
