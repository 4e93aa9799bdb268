/** A comparison of the links of an object with its rows, and of its rows with the links: why it is due, and how that is said. */

import { z } from 'zod';

const count = z.int().min(0);

/** Why it was due, what was compared, and why edits do not come through at the moment (core/stream/table-faults.ts). */
export const comparisonReport = z.strictObject({
  reasons: z.array(z.string()),
  /** Links and rows. */
  looked: count,
  /** Links and new rows that are due now. */
  marked: count,
  faults: z.array(z.string()),
});
export type ComparisonReport = Readonly<z.output<typeof comparisonReport>>;

/** Type of the event that asks for it; its detail is `{object}`. */
export const COMPARISON_DUE = 'Comparison due';
/**
 * Type of the event that asks for a sweep of the window, with the same detail: the streamer was away for a while. A database that was
 * put back from a copy looks like that, too, and its sweep begins where the copy had come to.
 */
export const SWEEP_DUE = 'Sweep due';

const REASONS = {
  asked: 'an operator asked for it',
  'slot made anew': 'the replication slot was made anew: changes made while there was none did not come through it',
  'slot moved':
    'the replication slot is further than the streamer has confirmed: another reader moved it, or it was made anew by hand, and what was changed in between did not come through it',
  'server changed':
    'the replication slot is on another server than before (an upgrade, or a database that was restored there): its rows and its links may be older than what Salesforce has',
  'timeline changed':
    'the server was promoted or restored to a point in time: its rows and its links may be older than what Salesforce has',
  'database restored':
    'the database is older than it was: it was restored, and its rows and its links may be older than what Salesforce has',
  'table replaced':
    'its table was replaced, dropped, renamed or moved: what was written into the other one did not come through',
  'table rewritten':
    'its table was rewritten as a whole, as DDL does that converts values; no row of that comes through',
  'partitions changed': 'partitions of its table were attached, detached or rewritten; no row of that comes through',
  'publication changed':
    'the publication was changed: what was written while it left something out did not come through',
  'replica identity changed': 'the replica identity of its table was changed: keys of rows may not have come through',
  'column changed':
    'a mapped column has another type, number or expression; what that did to values does not come through',
  'enum renamed': 'values of an enum were renamed, which changes rows without a word',
  'origins changed':
    'numbers of replication origins passed to other feeds: their edits may have been taken for our own',
  'row filter changed': 'the row filter has changed: rows may have come into it, or left it',
  'mapped again': 'the configuration was without the object: what was edited in that time was not seen',
} as const;

/** Why something may have been skipped. */
export type ComparisonReason = keyof typeof REASONS;

/** In words; a reason that an older or newer release has written is its own. */
export function comparisonReason(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason as ComparisonReason] : reason;
}

/** Happens without any edit being lost, as a rule: reported only when something was found. */
const ORDINARY: readonly string[] = ['table rewritten'] satisfies readonly ComparisonReason[];

/** Whether the operator is notified of a comparison that has come to its end. */
export function isReported({
  reasons,
  marked,
}: {
  readonly reasons: readonly string[];
  readonly marked: number;
}): boolean {
  return marked > 0 || reasons.some((reason) => !ORDINARY.includes(reason));
}
