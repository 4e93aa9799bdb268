/** Writes pairs as merges left them, with what a merge says of its record. */
import { nothingRefused } from '../../core/agreement/link.ts';
import type { Conflict } from '../../core/agreement/merge.ts';
import { reportConflicts } from '../../postgres/ledger/conflicts.ts';
import { closeMerged } from '../../postgres/ledger/rejects.ts';
import type { StepContext } from '../step.ts';
import { returnIds } from './adoption.ts';
import { type PairChange, type StoredPair, type WrittenRows, writePairs } from './pairs.ts';
import { whyUnsendable } from './unsendable.ts';

export interface MergedPair extends PairChange {
  readonly conflicts: readonly Conflict[];
  /** A version from Salesforce was merged: what was rejected of the record towards PostgreSQL has gone through. */
  readonly isMerged: boolean;
}

const NOTHING: WrittenRows = { inserted: 0, updated: 0, deleted: 0, changed: new Set() };

/** Writes the pairs, lists their conflicts, and closes their rejects. In a transaction of our own that holds their locks. */
export async function writeMerged(context: StepContext, merged: readonly MergedPair[]): Promise<WrittenRows> {
  if (merged.length === 0) return NOTHING;
  const { session, mapping, execution } = context;
  const written = await writePairs(context, merged);
  const conflicts = merged.flatMap(({ link: { salesforceId, rowKey }, conflicts: found }) =>
    found.map((conflict) => ({ salesforceId, rowKey, conflict })),
  );
  await reportConflicts(session, mapping.object, execution, conflicts);
  const through = merged.filter(({ isMerged }) => isMerged);
  const idsOf = (pairs: readonly MergedPair[]) => pairs.map(({ link }) => link.salesforceId);
  await closeMerged(session, mapping.object, {
    merged: idsOf(through),
    agreed: idsOf(through.filter((pair) => isAgreed(context, pair))),
  });
  return written;
}

/** Salesforce has, or does not have to have, all that the row holds by now: what was rejected of it is listed no more. */
function isAgreed(context: StepContext, { link, row }: MergedPair): boolean {
  if (link.base === undefined || link.dirty || link.push !== undefined) return false;
  return nothingRefused(context.mapping, { link, row }) && whyUnsendable(context, row) === undefined;
}

/** As `writeMerged`, for records of a batch: rows whose id the application has removed get it back. */
export async function writeMergedBatch(
  context: StepContext,
  merged: readonly (MergedPair & { readonly before: StoredPair })[],
): Promise<WrittenRows> {
  const written = await writeMerged(context, merged);
  await returnIds(
    context,
    merged.map(({ before, link, row }) => ({ pair: before, link, row })),
  );
  return written;
}
