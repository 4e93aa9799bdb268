/** The guard against delete storms in the steps: judging a batch's deletes, reporting what is held, and its release. */
import {
  held,
  heldReported,
  isGuarded,
  isStorm,
  passed,
  sendHeld,
  takeBackHeld,
} from '../core/agreement/delete-guard.ts';
import type { Decision } from '../core/agreement/outbound.ts';
import {
  anyHeld,
  countChosenDeletes,
  forgetChosenDeletes,
  liveRecords,
  readHeld,
} from '../postgres/ledger/held-deletes.ts';
import { claimHeldReport, lockHeldReport, saveHeldReport } from '../postgres/ledger/lease.ts';
import { changeAllLinks, type LinkRule } from '../postgres/ledger/links.ts';
import { markLinksDue } from '../postgres/ledger/mark-due.ts';
import { HELD, NEWEST_LIVE } from '../postgres/ledger/selections.ts';
import { inTransaction, type Session } from '../postgres/session/connection.ts';
import type { StepContext } from './step.ts';

/**
 * Judges the deletes among the decisions, all of them alike, and answers the decisions as they are carried out. Runs in the
 * transaction that writes them down.
 */
export async function guardDeletes<T extends { readonly decision: Decision }>(
  { session, mapping }: StepContext,
  decided: readonly T[],
): Promise<T[]> {
  const { deleteGuard: guard, object } = mapping;
  const deletes = decided.filter(({ decision }) => isGuarded(mapping, decision)).length;
  if (guard === undefined || deletes === 0) return [...decided];
  const chosen = await countChosenDeletes(session, object, deletes, guard.windowMinutes);
  const storm = await isStorm(guard, chosen, (most) => liveRecords(session, object, most));
  return decided.map((each) => {
    const { decision } = each;
    if (!isGuarded(mapping, decision)) return each;
    return { ...each, decision: storm ? held(decision) : passed(decision) };
  });
}

/**
 * Answers how many deletes are held, when it is this batch that reports them: the first that holds some, also when it is
 * decided once more, for its answer may have been lost. Later ones are counted by `sfsync check`. `before`: some were held
 * when the batch began. In its transaction, under the lease.
 */
export async function heldToReport(
  session: Session,
  object: string,
  batchId: string,
  { before, held: heldNow }: { readonly before: boolean; readonly held: number },
): Promise<number> {
  if (!before && heldNow === 0) return 0;
  return (await claimHeldReport(session, object, batchId, before)) ? (await readHeld(session, object)).count : 0;
}

/**
 * An execution that goes on after a batch has sent the notice of deletes which that batch held. One that ended in between may
 * not have: then the next batch reports them, and a record is marked due so that there is one. Answers whether that is so.
 */
export function confirmHeldReport(session: Session, object: string, execution: string): Promise<boolean> {
  return inTransaction(session, async () => {
    const report = await lockHeldReport(session, object);
    const known = heldReported(report, execution);
    if (known === 'confirmed' && report !== undefined) {
      await saveHeldReport(session, object, { ...report, confirmed: true });
    }
    if (known !== 'lost') return false;
    await saveHeldReport(session, object, undefined);
    if (!(await anyHeld(session, object))) return false;
    await markLinksDue(session, object, NEWEST_LIVE, 'read again');
    return true;
  });
}

/** The held deletes are meant: they are due again and pass, and counting begins anew. Answers how many there are. */
export function releaseHeld(session: Session, object: string): Promise<number> {
  return changeHeld(session, object, sendHeld);
}

/** The held deletes were a mistake: their rows are made from the records again. Answers how many there are. */
export function restoreHeld(session: Session, object: string): Promise<number> {
  return changeHeld(session, object, takeBackHeld);
}

function changeHeld(session: Session, object: string, rule: LinkRule): Promise<number> {
  return inTransaction(session, async () => {
    await forgetChosenDeletes(session, object);
    return changeAllLinks(session, object, HELD, rule);
  });
}
