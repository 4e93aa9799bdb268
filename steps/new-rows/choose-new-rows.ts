/** COLLECT of new rows: they are chosen after the records of a batch. */
import { chooseInsertion, type InsertionStep } from '../../core/agreement/collect.ts';
import { atRest } from '../../core/agreement/insertion.ts';
import type { InsertionToRead } from '../../core/contracts/insertion-tasks.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import { externalIdFault } from '../../core/mapping/external-id.ts';
import { dueInsertions } from '../../postgres/ledger/due.ts';
import type { StoredInsertion } from '../../postgres/ledger/insertions.ts';
import { dropInsertions, lockInsertions, saveInsertions } from '../../postgres/ledger/insertions.ts';
import { reportNewRejects, resolveRejects } from '../../postgres/ledger/rejects.ts';
import { type Chosen, type ChosenRound, chooseInRounds } from '../choose.ts';
import { whyUnsendable } from '../pairs/unsendable.ts';
import { parentsOf } from '../parents/wake-children.ts';
import type { StepContext } from '../step.ts';
import { rowReject, toRead } from './new-rows.ts';

/** Due new rows, oldest first. Those that have nothing to do are dropped or put to rest. */
export async function chooseNewRows(context: StepContext, limit: number): Promise<Chosen<InsertionToRead>> {
  if (context.mapping.externalIdField === undefined) return { due: [], newRejects: [] };
  return chooseInRounds(context, (inForce) => chooseRound(inForce, limit));
}

async function chooseRound(context: StepContext, limit: number): Promise<ChosenRound<InsertionToRead>> {
  const { session, configuration, mapping, execution } = context;
  const { object } = mapping;
  const keys = await dueInsertions(session, object, { limit, settings: configuration.settings });
  const found = [...(await lockInsertions(session, configuration, mapping, keys, 'read')).values()];
  const rows = found.map(({ row }) => row);
  const parents = await parentsOf(session, configuration, mapping, rows);
  const steps = found.map((stored, i) => ({
    ...stored,
    step: chooseInsertion(mapping, stored, parents[i] ?? 'as read'),
  }));
  const of = (wanted: InsertionStep) => steps.filter(({ step }) => step === wanted);

  const dropped = of('drop');
  await dropInsertions(
    session,
    dropped.map(({ insertionId }) => insertionId),
  );
  const rowKeys = dropped.map(({ insertion }) => insertion.rowKey);
  await resolveRejects(session, { object, rowKeys });
  await saveInsertions(
    session,
    of('rest').map(({ insertionId, insertion }) => ({ insertionId, insertion: atRest(insertion) })),
  );
  const rejects = steps.flatMap((each) => rejectsOf(context, each));
  const source = { object, direction: 'to-salesforce', source: 'row', execution } as const;
  const newRejects = await reportNewRejects(session, source, rejects);
  return { found: keys.length - of('left').length, due: of('look').map(toRead), newRejects };
}

const EXTERNAL_ID_UNUSABLE = 'EXTERNAL_ID_UNUSABLE';

/** What is listed of rows that do not go, or not whole. */
function rejectsOf(
  context: StepContext,
  { insertion, row, step }: StoredInsertion & { readonly step: InsertionStep },
): Reject[] {
  if (step === 'drop' || step === 'again' || step === 'left') return [];
  const fault = externalIdFault(insertion.rowKey);
  if (fault !== undefined && insertion.push === undefined) {
    const reason = `The key of this row ${fault}, so Salesforce cannot have it as ${context.mapping.externalIdField}. Give the row another key.`;
    return [rowReject(insertion.rowKey, EXTERNAL_ID_UNUSABLE, reason, undefined)];
  }
  const unsendable = whyUnsendable(context, row);
  if (unsendable === undefined) return [];
  return [rowReject(insertion.rowKey, unsendable.code, unsendable.reason, unsendable.field)];
}
