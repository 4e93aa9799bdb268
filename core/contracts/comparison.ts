/** A comparison of the links of an object with its rows, and of its rows with the links: why it is due, and how that is said. */

/** Type of the event that asks for it; its detail is `{object}`. */
export const COMPARISON_DUE = 'Comparison due';

const REASONS = {
  asked: 'an operator asked for it',
  'slot made anew': 'the replication slot was made anew: changes made while there was none did not come through it',
} as const;

/** Why something may have been skipped. */
export type ComparisonReason = keyof typeof REASONS;

/** In words; a reason that an older or newer release has written is its own. */
export function comparisonReason(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason as ComparisonReason] : reason;
}
