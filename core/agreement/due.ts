/** Why a link becomes due, and what that makes of it. */
import type { Link } from './link.ts';

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
