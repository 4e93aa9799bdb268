/** SETTLE for the new rows of a batch. */
import { settleInsertion } from '../../core/agreement/insertion.ts';
import { afterAttempt } from '../../core/agreement/push-outcome.ts';
import type { InsertionLook, InsertionToRead, InsertOutcome } from '../../core/contracts/insertion-tasks.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import type { InsertionWrite } from '../../postgres/ledger/insertions.ts';
import { saveInsertions } from '../../postgres/ledger/insertions.ts';
import { sentDrifted } from '../mapping-in-force/fields.ts';
import { isBusy, type Tried, type TriedInVain } from '../push/pauses.ts';
import type { RunningStep } from '../step.ts';
import {
  type Adoption,
  clockSkewMs,
  type InsertionsDone,
  inParts,
  lockLooked,
  rowReject,
  toRead,
  writeAdoptions,
} from './new-rows.ts';

/** What the upserts were answered, and when the read-back was made. */
interface SettlingRound {
  readonly readAt: Instant;
  readonly now: Instant;
  readonly outcomes: ReadonlyMap<string, InsertOutcome>;
}

/** SETTLE, part by part. An insertion that is gone was adopted in between. */
export async function settleInsertions(
  context: RunningStep,
  batchId: string,
  readBacks: readonly InsertionLook[],
  { readAt, now, outcomes }: SettlingRound,
): Promise<
  Pick<InsertionsDone, 'adopted'> & {
    readonly readAgain: readonly InsertionToRead[];
    readonly tried: Tried;
  }
> {
  const { session, mapping } = context;
  const { parts, later, ...done } = await inParts(context, readBacks, now, async (part) => {
    const adoptions: Adoption[] = [];
    const again: InsertionToRead[] = [];
    const refused: Reject[] = [];
    const inVain: TriedInVain[] = [];
    const saved: InsertionWrite[] = [];
    for (const { look, found, named } of await lockLooked(context, part)) {
      const { insertionId, insertion } = found;
      if (insertion.push?.id !== batchId) continue;
      const answer = outcomes.get(insertion.rowKey);
      const withdrawn = answer !== undefined && sentDrifted(mapping, insertion.push.sent, answer);
      const settlement = settleInsertion(
        mapping,
        found,
        named,
        { outcome: withdrawn ? 'not applied' : (answer?.outcome ?? 'unknown'), id: answer?.id },
        { readAt, clockSkewMs: clockSkewMs(context), revision: look.revision },
      );
      if (settlement.outcome === 'again') again.push(toRead(found));
      if (settlement.outcome === 'adopted') adoptions.push({ found, merged: settlement });
      if (settlement.outcome !== 'closed') continue;
      const tried = afterAttempt(settlement.insertion, answer?.outcome ?? 'unknown', isBusy(answer), now);
      saved.push({ insertionId, insertion: tried });
      const { code = 'UNKNOWN', reason = 'Salesforce gave no reason.', field } = answer ?? {};
      const reject = rowReject(insertion.rowKey, code, reason, field);
      if (tried.retries > insertion.retries) inVain.push({ ...tried, reject });
      if (settlement.insertion.refused === undefined) continue;
      refused.push(reject);
    }
    await saveInsertions(session, saved);
    const result = await writeAdoptions(context, adoptions, now);
    return { ...result, rejects: [...result.rejects, ...refused], again, inVain, refused: refused.length };
  });
  const again = later.map(({ externalId, insertion, revision }) => ({ externalId, insertion, revision }));
  return {
    ...done,
    readAgain: [...parts.flatMap((part) => part.again), ...again],
    tried: {
      inVain: parts.flatMap((part) => part.inVain),
      answered: parts.some((part) => part.adopted + part.refused > 0),
    },
  };
}
