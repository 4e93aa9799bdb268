/** The rules that are driven: the functions of core/, and what the steps around them keep. */
import { choose } from '../../../../../core/agreement/collect.ts';
import { acceptReread, receive } from '../../../../../core/agreement/inbound.ts';
import { decide, settle } from '../../../../../core/agreement/outbound.ts';
import {
  join,
  lookupsToWake,
  loseParent,
  loseParentToo,
  unlinkedParents,
} from '../../../../../core/agreement/references.ts';
import { rowChange, withParentKeys } from '../../../../../core/agreement/row-change.ts';

export interface Rules {
  readonly receive: typeof receive;
  readonly acceptReread: typeof acceptReread;
  readonly choose: typeof choose;
  readonly decide: typeof decide;
  readonly settle: typeof settle;
  readonly rowChange: typeof rowChange;
  readonly withParentKeys: typeof withParentKeys;
  readonly loseParent: typeof loseParent;
  readonly loseParentToo: typeof loseParentToo;
  readonly join: typeof join;
  readonly lookupsToWake: typeof lookupsToWake;
  readonly unlinkedParents: typeof unlinkedParents;
  /** The children of a merged parent are led to the survivor. */
  readonly leadsToSurvivor: boolean;
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
  choose,
  decide,
  settle,
  rowChange,
  withParentKeys,
  loseParent,
  loseParentToo,
  join,
  lookupsToWake,
  unlinkedParents,
  leadsToSurvivor: true,
  joins: true,
  joinsAfterSettling: true,
  readsMergedAgain: true,
};
