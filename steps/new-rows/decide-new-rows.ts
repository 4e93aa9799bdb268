/** DECIDE for the new rows of a batch. */
import { afterOneAlike, decideInsertion } from '../../core/agreement/insertion.ts';
import type { InsertionLook, InsertionToRead, InsertLine } from '../../core/contracts/insertion-tasks.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import type { InsertionWrite, StoredInsertion } from '../../postgres/ledger/insertions.ts';
import { dropInsertions, saveInsertions } from '../../postgres/ledger/insertions.ts';
import { putOffInsertions } from '../../postgres/ledger/put-off.ts';
import { resolveRejects } from '../../postgres/ledger/rejects.ts';
import type { RunningStep } from '../step.ts';
import {
  type Adoption,
  clockSkewMs,
  inParts,
  lockLooked,
  type Refusal,
  refuse,
  toRead,
  writeAdoptions,
} from './new-rows.ts';

/** A new row to push, and which insertion it is. */
export interface DecidedInsertion extends InsertionToRead {
  readonly line: InsertLine;
}

/** DECIDE, part by part. */
export async function decideInsertions(
  context: RunningStep,
  batchId: string,
  looks: readonly InsertionLook[],
  { readAt, now }: { readonly readAt: Instant; readonly now: Instant },
): Promise<{ readonly pushes: readonly DecidedInsertion[] }> {
  const { session, mapping } = context;
  const round = { readAt, clockSkewMs: clockSkewMs(context), pushId: batchId, now };
  const alike = afterOneAlike(looks.map(({ externalId }) => externalId));
  const { parts, later } = await inParts(context, looks, now, async (part) => {
    const stored = await lockLooked(context, part);
    const adoptions: Adoption[] = [];
    const decided: DecidedInsertion[] = [];
    const unusable: Refusal[] = [];
    const dropped: StoredInsertion[] = [];
    const saved: InsertionWrite[] = [];
    for (const { look, found, named } of stored) {
      const { insertionId, insertion } = found;
      if (look.rejected !== undefined) {
        unusable.push({ found, code: look.rejected.code, reason: look.rejected.reason, field: look.rejected.field });
        continue;
      }
      const decision = decideInsertion(mapping, found, named, { ...round, revision: look.revision });
      if (decision.outcome === 'left' || (decision.outcome === 'push' && alike.has(insertion.rowKey))) continue;
      if (decision.outcome === 'adopted') adoptions.push({ found, merged: decision });
      else if (decision.outcome === 'dropped') dropped.push(found);
      else saved.push({ insertionId, insertion: decision.insertion });
      if (decision.outcome === 'push') {
        const line: InsertLine = { kind: 'insert', externalId: insertion.rowKey, fields: sendable(decision.fields) };
        decided.push({ ...toRead(found), line });
      }
    }
    await dropInsertions(
      session,
      dropped.map(({ insertionId }) => insertionId),
    );
    const rowKeys = dropped.map(({ insertion }) => insertion.rowKey);
    await resolveRejects(session, { object: mapping.object, rowKeys });
    await saveInsertions(session, saved);
    const result = await writeAdoptions(context, adoptions, now);
    return { ...result, rejects: [...result.rejects, ...(await refuse(context, unusable))], decided };
  });
  const rowKeys = later.map(({ externalId }) => externalId);
  if (rowKeys.length > 0) await context.inTransaction(() => putOffInsertions(session, mapping.object, rowKeys, now));
  return { pushes: parts.flatMap(({ decided }) => decided) };
}

function sendable(fields: Readonly<Record<string, string | boolean | null>>): InsertLine['fields'] {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) => (value === null ? [] : [[field, value]])),
  );
}
