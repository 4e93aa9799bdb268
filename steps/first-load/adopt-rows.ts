/** Rows that belong to a record by their key get its id, before the records are merged. */
import { matchingKey } from '../../core/agreement/first-load.ts';
import { isClaim } from '../../core/agreement/link.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import type { RejectedRecordError } from '../../core/errors.ts';
import { claimLinks, dropClaims, lockLinks } from '../../postgres/ledger/links.ts';
import { lockRows } from '../../postgres/tables/rows.ts';
import { type KeyPair, writeIds } from '../../postgres/tables/salesforce-ids.ts';
import { wakeChildren } from '../parents/wake-children.ts';
import { rejectOfRow } from '../refused-row.ts';
import { type RunningStep, runStep, type StepContext } from '../step.ts';
import { CLAIMED } from './claims.ts';

export interface Adopted {
  /** Rows that got an id. */
  readonly adopted: number;
  /** Rows that the database would not let have it, listed as rejects. */
  readonly refused: readonly Reject[];
}

/**
 * Writes the ids of records into the rows that have their key, in transactions of our own. A row or record that has
 * changed since they were compared is left out. From here on everything that arrives for the record finds the row.
 */
export async function adoptRows(context: StepContext, pairs: readonly KeyPair[]): Promise<Adopted> {
  const request = {
    reporter: undefined,
    fields: 'columns only',
    lease: false,
    source: context.execution,
    joins: false,
  } as const;
  return (await runStep(context, request, (step) => adoptFree(step, pairs))).done;
}

async function adoptFree(step: RunningStep, pairs: readonly KeyPair[]): Promise<Adopted> {
  const refusal = ({ salesforceId, rowKey }: KeyPair, error: RejectedRecordError): Reject => {
    return { ...rejectOfRow(step.mapping, salesforceId, error), rowKey };
  };
  const { parts, refused } = await step.inPartsOf(pairs, {
    idOf: ({ rowKey }) => rowKey,
    work: (part) => adoptPart(step, part),
    refuse: (pair, error) => step.reject('to-postgres', [refusal(pair, error)]),
  });
  return {
    adopted: parts.reduce((sum, count) => sum + count, 0),
    refused: refused.map(({ item, error }) => refusal(item, error)),
  };
}

async function adoptPart(step: RunningStep, pairs: readonly KeyPair[]): Promise<number> {
  const { session, configuration, mapping } = step;
  const ids = pairs.map(({ salesforceId }) => salesforceId);
  await claimLinks(session, mapping.object, ids, CLAIMED);
  const free = await stillFree(step, pairs);
  const adopted = await writeIds(session, mapping, free);
  const keys = free.map(({ rowKey }) => rowKey);
  await wakeChildren(session, configuration, mapping, keys);
  // The claims have held others off until here. Left standing for as long as the load takes, they would let a file of
  // a deleted record find a link where there is none yet.
  await dropClaims(session, mapping.object, ids);
  return adopted;
}

/** The pairs that are still without a link, and whose row still has the key and no id. Locks links, then rows. */
async function stillFree(
  { session, configuration, mapping }: StepContext,
  pairs: readonly KeyPair[],
): Promise<KeyPair[]> {
  const salesforceIds = pairs.map(({ salesforceId }) => salesforceId);
  const links = await lockLinks(session, mapping.object, { salesforceIds });
  const unlinked = pairs.filter(({ salesforceId }) => {
    const link = links.get(salesforceId)?.link;
    return link !== undefined && isClaim(link);
  });
  const keys = unlinked.map(({ rowKey }) => rowKey);
  const rows = new Map((await lockRows(session, configuration, mapping, { keys })).map((row) => [row.key, row]));
  return unlinked.filter(({ rowKey, key }) => {
    const row = rows.get(rowKey);
    if (row === undefined || row.salesforceId !== undefined || row.softDeleted) return false;
    return matchingKey(row.fields[mapping.matchBy?.field ?? '']) === key;
  });
}
