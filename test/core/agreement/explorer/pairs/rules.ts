/** The rules that an exploration drives: the functions of core/, and what the steps around them keep. */
import { choose } from '../../../../../core/agreement/collect.ts';
import { acceptReread, receive } from '../../../../../core/agreement/inbound.ts';
import { decide, settle } from '../../../../../core/agreement/outbound.ts';
import { outcomeOfPush, pushAgain } from '../../../../../core/agreement/push-outcome.ts';
import { findListed } from '../../../../../core/agreement/sweep.ts';
import { giveUp, passBy, setAside } from '../../../../../core/agreement/unmerged.ts';
import { afterWrite } from '../../../../../core/agreement/written.ts';

export interface Rules {
  readonly receive: typeof receive;
  readonly acceptReread: typeof acceptReread;
  readonly findListed: typeof findListed;
  readonly choose: typeof choose;
  readonly decide: typeof decide;
  readonly settle: typeof settle;
  readonly outcomeOfPush: typeof outcomeOfPush;
  readonly pushAgain: typeof pushAgain;
  readonly passBy: typeof passBy;
  readonly setAside: typeof setAside;
  readonly giveUp: typeof giveUp;
  readonly afterWrite: typeof afterWrite;
  /** An open push is collected only when nothing of it can land any more. */
  readonly fenced: boolean;
  /** Every step that writes checks that its execution still has the lease. */
  readonly leased: boolean;
  /** A push is settled only by the execution that has opened it. */
  readonly settlesOwn: boolean;
  /** A key is received only when the transaction that changed its row is visible. */
  readonly visible: boolean;
  /** RECEIVE writes down what is due before the message is deleted. */
  readonly received: boolean;
  /** Collect takes open pushes, and records to read again. */
  readonly collectsOpen: boolean;
  readonly collectsRereads: boolean;
  /** What a trigger of the application's makes of our write is due. */
  readonly triggersForwarded: boolean;
}

export const RULES: Rules = {
  receive,
  acceptReread,
  findListed,
  choose,
  decide,
  settle,
  outcomeOfPush,
  pushAgain,
  passBy,
  setAside,
  giveUp,
  afterWrite,
  fenced: true,
  leased: true,
  settlesOwn: true,
  visible: true,
  received: true,
  collectsOpen: true,
  collectsRereads: true,
  triggersForwarded: true,
};
