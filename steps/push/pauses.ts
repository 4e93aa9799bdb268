/** What Salesforce could not take now: it is put off record by record, and as a whole where the object's batch got nothing through. */
import type { Deferrable } from '../../core/agreement/due.ts';
import { NOT_PUT_OFF, putOff } from '../../core/agreement/due.ts';
import type { AnyOutcome } from '../../core/contracts/insertion-tasks.ts';
import { type Reject, reasonCounts } from '../../core/contracts/rejects.ts';
import { classifySalesforce } from '../../core/error-classification.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { changePause } from '../../postgres/ledger/lease.ts';
import { reportNewRejects } from '../../postgres/ledger/rejects.ts';
import type { StepContext } from '../step.ts';

/** Attempts in vain, over a minute, after which a record is listed and the operator notified. */
export const LISTED_AFTER = 6;
/** Records that one batch tries in vain: from then on it is not their own fault, even if each was tried before. */
const MANY_RECORDS = 10;

/** Salesforce was too busy for the record, or another transaction had locked it: it goes away by waiting. */
export function isBusy(answer: Pick<AnyOutcome, 'outcome' | 'code'> | undefined): boolean {
  return answer?.outcome === 'not applied' && classifySalesforce(answer.code ?? '') === 'retry';
}

/** A record of a batch that was tried in vain, as it is after that. */
export interface TriedInVain extends Deferrable {
  readonly reject: Reject;
}

export interface Tried {
  readonly inVain: readonly TriedInVain[];
  /** Salesforce has taken a record, or has said what is wrong with it. */
  readonly answered: boolean;
}

export interface WaitingRecords {
  readonly records: number;
  readonly answers: ReturnType<typeof reasonCounts>;
}

/**
 * Puts the object off where nothing of a batch got through, unless that is a matter of a few records that were tried in vain
 * before. Lists what waits for long. Answers what is to be notified now; undefined: nothing new.
 */
export async function settlePauses(
  { session, mapping, execution }: StepContext,
  batchId: string,
  { inVain, answered }: Tried,
  now: Instant,
): Promise<WaitingRecords | undefined> {
  const { object } = mapping;
  const isOfObject = inVain.length >= MANY_RECORDS || inVain.some(({ retries }) => retries === 1);
  if (answered) await changePause(session, object, () => NOT_PUT_OFF);
  else if (isOfObject) await changePause(session, object, (pause) => putOff(pause, now));
  const waiting = inVain.filter(({ retries }) => retries >= LISTED_AFTER).map(({ reject }) => reject);
  const context = { object, direction: 'to-salesforce', source: batchId, execution } as const;
  const listed = await reportNewRejects(session, context, waiting);
  if (listed.length === 0) return undefined;
  return { records: listed.length, answers: reasonCounts(listed) };
}
