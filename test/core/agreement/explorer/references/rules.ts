/** The rules that are driven: the functions of core/, and what the steps around them keep. */
import { acceptReread, receive } from '../../../../../core/agreement/inbound.ts';
import type { Link } from '../../../../../core/agreement/link.ts';
import { collect, decide, settle } from '../../../../../core/agreement/outbound.ts';
import { join, lookupsToWake, release, unlinkedParents } from '../../../../../core/agreement/references.ts';
import { rowChange, withParentKeys } from '../../../../../core/agreement/row-change.ts';

export interface Rules {
  readonly receive: typeof receive;
  readonly acceptReread: typeof acceptReread;
  readonly collect: typeof collect;
  readonly decide: typeof decide;
  readonly settle: typeof settle;
  readonly rowChange: typeof rowChange;
  readonly withParentKeys: typeof withParentKeys;
  readonly release: typeof release;
  readonly join: typeof join;
  readonly lookupsToWake: typeof lookupsToWake;
  readonly unlinkedParents: typeof unlinkedParents;
  /** The transaction after the one that wrote looks for children whose parents have landed. */
  readonly joins: boolean;
  /** So it does after settling. */
  readonly joinsAfterSettling: boolean;
  /** It orders a child to be read again that waits for a parent which was merged into another. */
  readonly readsMergedAgain: boolean;
}

export const RULES: Rules = {
  receive,
  acceptReread,
  collect,
  decide,
  settle,
  rowChange,
  withParentKeys,
  release,
  join,
  lookupsToWake,
  unlinkedParents,
  joins: true,
  joinsAfterSettling: true,
  readsMergedAgain: true,
};

/** Whether Collect takes a link that no execution has in hand. */
export function takes(link: Link): boolean {
  return link.dirty || link.rereadDue || link.push !== undefined;
}
