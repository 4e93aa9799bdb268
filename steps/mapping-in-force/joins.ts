/**
 * How a field joins the mapping. Of one that is new, or means something else than before, the base of no record is known, and
 * of one that is back both sides may have been edited: all records are read, and merged as any other. The ledger remembers
 * what the configuration was, so that the first step that runs with another one finds out, whichever it is; `Collect changes` goes on
 * where nothing else is due, so that edits do not wait for it.
 *
 * While a deployment goes on, functions with the former configuration run beside those with the new one. A record that one of them
 * makes lacks the new fields, which is what "unknown" means; a field that only one of them has is found back at each change.
 *
 * A field with another API name than before (`formerly`) takes over what both sides agreed on (renamed-fields.ts).
 */
import type { ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { FIELD_JOINED } from '../../core/mapping/drift.ts';
import { orderComparison } from '../../postgres/ledger/comparison.ts';
import { beginJoin, type JoinPart, joinPart, takeJoined } from '../../postgres/ledger/joining-fields.ts';
import {
  changeMeaning,
  type LookedColumn,
  registerColumns,
  widenMeaning,
} from '../../postgres/ledger/mapped-columns.ts';
import { noteMapped } from '../../postgres/ledger/mapped-objects.ts';
import { markInsertionsDue } from '../../postgres/ledger/mark-due.ts';
import { beginRename, renamedFields } from '../../postgres/ledger/renamed-fields.ts';
import { inTransaction } from '../../postgres/session/connection.ts';
import { type StepContext, underLease } from '../step.ts';
import { readRejectedAgain } from './drift.ts';

/** Whether what both sides agreed on of the field is to be taken out of the links first. Records are matched by a needed one. */
export function isForgotten({ changed, needed }: LookedColumn): boolean {
  return changed && !needed;
}

/** Another one, where other rows are inside. */
function filterText({ filter }: ObjectMapping): string | undefined {
  if (filter?.values === undefined) return filter?.where;
  return `${filter.where}\n${JSON.stringify(filter.values)}`;
}

/**
 * Remembers how the object is mapped, and begins what follows from a change. Not within a transaction. Answers the columns of fields
 * that take the place of others: they are left out from now on.
 */
export async function noteMapping(
  context: StepContext,
  own: readonly LookedColumn[],
): Promise<ReadonlySet<LookedColumn>> {
  const { session, configuration, mapping } = context;
  // A mapping in force is without fields that it does not lack.
  if ('columnNumbers' in mapping) return new Set();
  const { object } = mapping;
  const former = await noteMapped(session, {
    object,
    fields: mapping.fields.map(({ field }) => field),
    filter: filterText(mapping),
    objects: configuration.objects.map((each) => each.object),
  });
  if (former === 'back') await orderComparison(session, object, 'mapped again', { records: true });
  if (former === 'refiltered') await orderComparison(session, object, 'row filter changed');
  const renamed = await takePlaces(
    context,
    own.filter((column) => isRenamable(column)),
  );
  const added = own.filter((column) => column.state === 'new' && !renamed.has(column));
  const isStale = (column: LookedColumn) => column.state === 'in force' && column.stale && !isForgotten(column);
  const stale = own.filter((column) => isStale(column) && !renamed.has(column));
  await registerColumns(session, [...added, ...stale]);
  await rejectedAgain(context, own.filter(isForgotten));
  await changeMeaning(session, own.filter(isForgotten));
  // Records and rows that wait for an entry are read again, with the base that they have.
  const isBack = (column: LookedColumn) => {
    const { state, back, widened, changed } = column;
    return (back || widened) && !changed && (state === 'in force' || state === 'new') && !renamed.has(column);
  };
  const back = own.filter(isBack).map(({ field }) => field);
  if (back.length > 0) await beginJoin(session, object, back, 'all');
  const widened = own.filter((column) => column.widened && isBack(column));
  await rejectedAgain(context, widened);
  await widenMeaning(session, widened);
  const begun = [...added.filter(({ known }) => !known).map(({ field }) => field), ...back];
  // The first records at once, so that an execution begins.
  if (begun.length > 0) await inTransaction(session, () => joinPart(session, object, begun));
  return renamed;
}

/** A field that may have been another one by name until now. */
function isRenamable({ state, known, back, changed, needed }: LookedColumn): boolean {
  return !needed && !changed && ((state === 'new' && !known) || (state === 'in force' && back));
}

/** Answers the columns of fields that take the place of others from now on. */
async function takePlaces({ session, mapping: { object } }: StepContext, columns: readonly LookedColumn[]) {
  const renamed = await renamedFields(session, columns);
  if (renamed.length > 0) await inTransaction(session, () => beginRename(session, object, renamed, columns));
  return new Set(columns.filter(({ field }) => renamed.some((each) => each.field === field)));
}

/** What was rejected for the sake of these fields may go through now: records are read, and new rows are sent. */
async function rejectedAgain({ session, mapping: { object } }: StepContext, columns: readonly LookedColumn[]) {
  if (columns.length === 0) return;
  const fields = columns.map(({ field }) => field);
  await inTransaction(session, () => readRejectedAgain(session, object, fields));
  await markInsertionsDue(session, object, 'refused');
}

/** Makes the next records due that a joining field needs. Under the lease, for `Collect changes`. */
export function joinNext(context: StepContext): Promise<JoinPart> {
  const { session, mapping } = context;
  const fields = mapping.fields.map(({ field }) => field);
  return underLease(context, { lease: true }, () => joinPart(session, mapping.object, fields));
}

/** Fields that have joined, to be reported once. */
export async function joinedFields(context: StepContext): Promise<ReasonCount[]> {
  const { session, mapping } = context;
  const joined = await underLease(context, { lease: true }, () => takeJoined(session, mapping.object));
  return joined.map(({ field, records: count }) => ({ code: FIELD_JOINED, field, count }));
}
