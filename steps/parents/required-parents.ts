/**
 * Lookups whose column allows no null. Such a child cannot wait with an empty column: a record whose parent has no row yet
 * is rejected, and its link remembers the parent; a parent whose children still point to it is not deleted. Both are taken
 * up again by themselves (join-waiting.ts) when the parent lands, or the last of these children goes.
 */
import type { Pair, RowVersion } from '../../core/agreement/link.ts';
import { waitFor } from '../../core/agreement/references.ts';
import { CHILDREN_EXIST } from '../../core/contracts/rejects.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import { mappingOf, type ObjectMapping, seenBy } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { columnsOfLookup, type Lookup, lookupsOf } from '../../core/mapping/lookups.ts';
import { changeLinks, claimLinks } from '../../postgres/ledger/links.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { blockingChildren, holdParents } from '../../postgres/tables/lookups.ts';
import { sharedColumns } from '../../postgres/tables/shared-columns.ts';
import { tableColumns } from '../../postgres/tables/table-columns.ts';
import type { StepContext } from '../step.ts';

/** The lookups of an object that Salesforce fills and whose column allows no null. */
export async function requiredLookups(session: Session, mapping: ObjectMapping): Promise<Lookup[]> {
  const lookups = lookupsOf(mapping).filter(({ direction }) => direction !== 'to-salesforce');
  if (lookups.length === 0) return [];
  const { notNull } = await tableColumns(session, mapping);
  return lookups.filter((lookup) => columnsOfLookup(lookup).some((column) => notNull.has(column)));
}

/** Lookups without whose parent a new row lacks a column that it shares with the parent's key, and that nothing else fills. */
async function neededLookups(session: Session, mapping: ObjectMapping, required: readonly Lookup[]): Promise<Lookup[]> {
  const shared = sharedColumns(mapping);
  if (shared.size === 0) return [];
  const { notNull, defaults } = await tableColumns(session, mapping);
  const given = new Set([
    ...mapping.onInsert.map(({ column }) => column),
    ...Object.keys(mapping.filter?.values ?? {}),
  ]);
  const isNeeded = (column: string) =>
    shared.has(column) && notNull.has(column) && !defaults.has(column) && !given.has(column);
  const isAlways = (lookup: Lookup) => required.some(({ field }) => field === lookup.field);
  return lookupsOf(mapping).filter(
    (lookup) => lookup.direction !== 'to-salesforce' && !isAlways(lookup) && lookup.shared?.some(isNeeded) === true,
  );
}

/** A record and its row, before and after a merge. */
export interface MergedRecord {
  readonly id: string;
  readonly pair: Pair;
  readonly row: RowVersion | undefined;
  readonly survivor: string | undefined;
}

/** Records that cannot be written now because of another record, with the reason. */
export type Blocked = ReadonlyMap<string, RejectedRecordError>;

/** Finds records whose required parent has no row, and remembers in their links which parent they wait for. */
export async function withoutParent(
  { session, configuration, mapping }: StepContext,
  records: readonly MergedRecord[],
): Promise<Blocked> {
  const blocked = new Map<string, RejectedRecordError>();
  const always = await requiredLookups(session, mapping);
  const needed = await neededLookups(session, mapping, always);
  const required = Map.groupBy([...always, ...needed], ({ field }) => field);
  for (const [field, lookups] of required) {
    const isNeeded = lookups.some((lookup) => needed.includes(lookup));
    const wanting = records.flatMap(({ id, pair, row }) => {
      const parent = row?.fields[field];
      if (isNeeded && pair.row !== undefined) return [];
      return typeof parent === 'string' && parent !== pair.row?.fields[field] ? [{ id, parent }] : [];
    });
    const parents = [...new Set(wanting.map(({ parent }) => parent))];
    const there = new Set<string>();
    for (const { references } of lookups) {
      const held = await holdParents(session, mappingOf(configuration, references), parents);
      for (const id of held.keys()) there.add(id);
    }
    const objects = lookups.map(({ references }) => references);
    const orphans = wanting.filter(({ id, parent }) => !there.has(parent) && !blocked.has(id));
    for (const { id } of orphans) blocked.set(id, parentMissing(field, objects));
    await waitForParents(session, mapping.object, field, orphans);
  }
  return blocked;
}

function parentMissing(field: string, parents: readonly string[]): RejectedRecordError {
  const other = parents.length === 1 ? '' : ', or to one of another object';
  return new RejectedRecordError(
    'PARENT_MISSING',
    `Its ${field} points to a record of ${parents.join(', ')} that has no row yet${other}, and the column allows no null. It is taken up again by itself when that record lands.`,
    field,
  );
}

async function waitForParents(
  session: Session,
  object: string,
  field: string,
  orphans: readonly { readonly id: string; readonly parent: string }[],
): Promise<void> {
  if (orphans.length === 0) return;
  const parentOf = new Map(orphans.map(({ id, parent }) => [id, parent]));
  const salesforceIds = [...parentOf.keys()];
  await claimLinks(session, object, salesforceIds);
  await changeLinks(session, object, { salesforceIds }, (link) => {
    const parent = parentOf.get(link.salesforceId);
    return parent === undefined ? undefined : waitFor(link, field, parent);
  });
}

/** Finds rows that are to be deleted and to which required lookups of children still point. */
export async function withChildren(
  { session, configuration, mapping }: StepContext,
  records: readonly MergedRecord[],
): Promise<Blocked> {
  const blocked = new Map<string, RejectedRecordError>();
  // A marked row keeps its key, and children of a merged record go to the survivor.
  if (mapping.deletedAtColumn !== undefined) return blocked;
  const doomed = records.filter(
    ({ pair, row, survivor }) => pair.row !== undefined && row === undefined && survivor === undefined,
  );
  if (doomed.length === 0) return blocked;
  for (const child of configuration.objects) {
    for (const lookup of await requiredLookups(session, child)) {
      if (lookup.references !== mapping.object) continue;
      const ids = doomed.map(({ id }) => id);
      const blocking = await blockingChildren(session, child, lookup, seenBy(mapping, lookup), ids);
      for (const id of blocking) blocked.set(id, childrenExist(child, lookup.field));
    }
  }
  return blocked;
}

function childrenExist(mapping: ObjectMapping, field: string): RejectedRecordError {
  return new RejectedRecordError(
    CHILDREN_EXIST,
    `It was deleted in Salesforce, and rows of ${spelledTable(mapping)} still point to it by ${field} of ${mapping.object}, whose column allows no null. It is taken up again by itself when they are gone.`,
  );
}
