/** Pairs of link and row: locked and read together, and written back together as a merge left them. */

import { becomesDue } from '../../core/agreement/due.ts';
import type { Link, Pair, RowVersion } from '../../core/agreement/link.ts';
import { newLink } from '../../core/agreement/link.ts';
import { isPutToRest, loseParentToo } from '../../core/agreement/references.ts';
import type { RowChange } from '../../core/agreement/row-change.ts';
import { rowChange, withParentKeys } from '../../core/agreement/row-change.ts';
import { underKey, withoutRow } from '../../core/agreement/row-identity.ts';
import { afterWrite, editedBefore, NOTHING_WRITTEN } from '../../core/agreement/written.ts';
import { type FieldMapping, type ObjectMapping, parentOf } from '../../core/mapping/configuration.ts';
import { isLookup, type Lookup, lookupsIn, lookupsOf, pointerText } from '../../core/mapping/lookups.ts';
import { noteInside } from '../../postgres/ledger/inside-filter.ts';
import { insertLinks, lockLinks, noteSurvivors, type StoredLink, saveLinks } from '../../postgres/ledger/links.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import { keysOfOthers, makeRoom } from '../../postgres/ledger/row-keys.ts';
import { asRefusal, RowsLockedError, type Trial } from '../../postgres/session/server-errors.ts';
import { holdParents } from '../../postgres/tables/lookups.ts';
import type { RowAccess, RowSelection, StoredRow } from '../../postgres/tables/rows.ts';
import { lockRows, newKeys } from '../../postgres/tables/rows.ts';
import { changesKey } from '../../postgres/tables/shared-columns.ts';
import { type TriedWrite, tryRows } from '../../postgres/tables/trial.ts';
import { writtenByTriggers } from '../../postgres/tables/triggers.ts';
import type { OwnOrphan } from '../parents/lost-parents.ts';
import { parentsOf } from '../parents/wake-children.ts';
import type { StepContext } from '../step.ts';
import { withInexact } from './column-values.ts';
import { writeRows } from './write-rows.ts';

export interface StoredPair extends Pair {
  readonly linkId: string;
  /** The link as it stands in the table: a relinked row has another key. */
  readonly stored: Link;
  /** The object takes inserts, and the row does not carry the id of its record: the application has removed it. */
  readonly lacksId: boolean;
}

/** A record that has neither a link nor a row. */
export interface NewPair extends Pair {
  readonly linkId?: never;
  readonly stored?: never;
}

export function newPair(salesforceId: string): NewPair {
  return { link: newLink(salesforceId, undefined), row: undefined };
}

/**
 * Locks the links of the records, then their rows (see `lockRows`). A row that carries the record's id under another key than the link
 * knows is the same row, relinked; only when there is none is the row gone. See also row-identity.ts.
 */
export async function lockPairs(
  { session, configuration, mapping }: StepContext,
  salesforceIds: readonly string[],
  rows: RowAccess = 'lock',
): Promise<Map<string, StoredPair>> {
  const links = await lockLinks(session, mapping.object, { salesforceIds });
  const keys = [...links.values()].flatMap(({ link }) => link.rowKey ?? []);
  const find = (selection: RowSelection) => lockRows(session, configuration, mapping, selection, rows);
  const byKey = byRowKey(await byRecord(links, () => find({ keys })));
  const others = await keysOfOthers(
    session,
    mapping,
    [...links.values()].map(({ link }) => link),
    byKey,
  );
  // A key may be the empty text: no row has no key.
  const isOthers = ({ rowKey }: Link) => rowKey !== undefined && others.has(rowKey);
  const found = (link: Link) => (link.rowKey === undefined || isOthers(link) ? undefined : byKey.get(link.rowKey));
  // One that another object has by now is its row only as long as no row of this object carries its id.
  const rowUnderKey = (link: Link) => (found(link)?.isOthers === true ? undefined : found(link));
  const lost = [...links.values()].filter(({ link }) => rowUnderKey(link) === undefined);
  const elsewhere = await find({ salesforceIds: lost.map(({ link }) => link.salesforceId) });
  const byId = new Map(elsewhere.flatMap((row) => (row.isOthers ? [] : [[row.salesforceId, row]])));
  const changes = await makeRoom(
    session,
    mapping,
    lost.flatMap(({ link: { salesforceId: id } }) => {
      const row = byId.get(id);
      return row === undefined ? [] : { key: row.key, id };
    }),
  );
  const asStored = new Map(changes.map(({ after }) => [after.salesforceId, after]));
  const pairs = [...links].map(([id, { linkId, link }]): StoredPair => {
    const row = rowUnderKey(link) ?? byId.get(id) ?? found(link);
    const rowless = isOthers(link) ? withoutRow(link) : link;
    const relinked = row === undefined ? rowless : link.rowKey === row.key ? link : ofRow(mapping, link, row.key);
    // What marks a row of another object says nothing about this one's record.
    const live = row === undefined || (row.softDeleted && !row.isOthers) ? undefined : asEdited(link, row);
    const isWithout = live !== undefined && live.salesforceId === undefined && !live.isOthers;
    const lacksId = mapping.externalIdField !== undefined && isWithout;
    return { linkId, stored: asStored.get(id) ?? link, link: relinked, row: live, lacksId };
  });
  const read = await withInexact({ session, mapping }, pairs);
  return new Map(read.map((pair) => [pair.link.salesforceId, pair]));
}

/** What a link knows of another row than before. */
function ofRow(mapping: ObjectMapping, link: Link, rowKey: string): Link {
  return { ...underKey(mapping, link, rowKey), written: NOTHING_WRITTEN };
}

/** The row with the time when the application has edited it: what sfsync has set the column to is none. */
function asEdited(link: Link, row: StoredRow): StoredRow {
  const editedAt = editedBefore(link, row.changedAt);
  if (editedAt === undefined) return row;
  const { key, salesforceId, changedAt, lockVersion, softDeleted, outside, isOthers } = row;
  const marks = { key, salesforceId, changedAt, lockVersion, softDeleted, outside, isOthers };
  return {
    ...marks,
    editedAt: editedAt ?? undefined,
    // Converted when they are looked at.
    get fields() {
      return row.fields;
    },
  };
}

/** Rows that are locked are named by the records that their keys belong to, too. */
async function byRecord<T>(links: ReadonlyMap<string, StoredLink>, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RowsLockedError)) throw error;
    const { ids: keys } = error;
    const ids = [...links].flatMap(([id, { link }]) => (link.rowKey !== undefined && keys.has(link.rowKey) ? id : []));
    throw error.alsoKnownAs(ids);
  }
}

function byRowKey(rows: readonly StoredRow[]): Map<string, StoredRow> {
  return new Map(rows.map((row) => [row.key, row]));
}

/** A pair before and after a merge. */
export interface PairChange {
  readonly before: StoredPair | NewPair;
  readonly link: Link;
  readonly row: RowVersion | undefined;
  /** The record that this one was merged into, in Salesforce: its children are there now. */
  readonly survivor?: string | undefined;
}

/** What was written, for counting. */
export interface WrittenRows {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Salesforce ids of the records whose rows these are. */
  readonly changed: ReadonlySet<string>;
}

/**
 * Writes new links, then rows, then what changed in links. Must run in a transaction of our own (see origin.ts) that
 * holds the locks of `lockPairs`. A new link comes before its row, for a link is what two executions meet at first.
 */
export async function writePairs(context: StepContext, changes: readonly PairChange[]): Promise<WrittenRows> {
  const { session, configuration, mapping } = context;
  const planned = changes.map((change) => plan(mapping, change));
  const writes = await resolveLookups(context, planned);
  const of = (kind: RowPlan['kind']) => writes.filter((write) => write.kind === kind);
  const inserts = of('insert');
  const made = inserts.length === 0 ? [] : await newKeys(session, mapping, inserts.length);
  const keys = new Map(made?.map((key, i) => [inserts[i]?.salesforceId, key]));
  const keyed = (write: RowPlan): RowPlan => {
    const { link, salesforceId, waiting } = write;
    const rowKey = link.rowKey ?? keys.get(salesforceId);
    return rowKey === link.rowKey && waiting === link.waiting
      ? write
      : { ...write, link: { ...link, rowKey, waiting } };
  };
  let linked: readonly RowPlan[] = writes.map(keyed);

  const unlinked = linked.filter(({ before }) => before.linkId === undefined);
  await insertLinks(
    session,
    mapping.object,
    unlinked.map(({ link }) => link),
  );
  await noteSurvivors(session, mapping.object, linked);
  const withKeys = inserts.map((write) => ({ ...write, key: keys.get(write.salesforceId) }));
  const wanted = { updates: of('update'), deletes: of('delete'), restores: of('restore'), inserts: withKeys };
  const { orphans, left, madeByTable } = await orTrial(
    () => writeRows(context, wanted),
    () => tryRows(session, mapping, [...of('update').map(asUpdate), ...withKeys.map(asInsert)]),
  );
  for (const [id, key] of madeByTable) keys.set(id, key);
  if (madeByTable.size > 0) linked = writes.map(keyed);
  linked = withLostParents(mapping, linked, orphans).map((write) => {
    if (write.kind === 'insert' || write.kind === 'restore') {
      return { ...write, link: { ...write.link, written: NOTHING_WRITTEN } };
    }
    const found = write.kind === 'update' ? left.get(write.key) : undefined;
    if (found === undefined) return write;
    const written = { before: write.before.row, after: write.after, fields: Object.keys(write.fields) };
    return { ...write, link: afterWrite(write.link, written, found) };
  });
  const rowWrites = linked.filter(({ kind }) => kind === 'insert' || kind === 'restore' || kind === 'update');
  const touched = new Set(await writtenByTriggers(session, configuration, mapping, rowWrites));
  // Its row has another key now, and is found by the id that it carries.
  for (const { kind, fields, salesforceId } of rowWrites) {
    if (kind !== 'insert' && changesKey(mapping, fields)) touched.add(salesforceId);
  }
  const resting = linked.filter(({ before: { stored }, link }) => isPutToRest(stored, link));
  const rows = resting.map(({ after }) => after);
  const parents = await parentsOf(session, configuration, mapping, rows);
  for (const [i, { salesforceId }] of resting.entries()) if (parents[i] !== 'as read') touched.add(salesforceId);
  await saveLinks(
    session,
    linked.flatMap(({ before: { linkId }, stored, link, salesforceId }) =>
      linkId === undefined
        ? []
        : { linkId, stored, link: touched.has(salesforceId) ? becomesDue(link, 'written by us') : link },
    ),
  );
  const due = unlinked.map(({ salesforceId }) => salesforceId).filter((id) => touched.has(id));
  await markLinksDue(session, mapping.object, { salesforceIds: due }, 'written by us');
  const added = [...inserts, ...of('restore')].map(({ salesforceId }) => salesforceId);
  await noteInside(session, mapping, added);
  return {
    inserted: inserts.length + of('restore').length,
    updated: of('update').length,
    deleted: of('delete').length,
    changed: new Set(writes.flatMap(({ kind, salesforceId }) => (kind === 'none' ? [] : salesforceId))),
  };
}

/** Does work with rows of which the database may refuse some. Then the error can say which, by a trial. */
async function orTrial<T>(work: () => Promise<T>, trial: () => Promise<Trial | undefined>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) throw error;
    refusal.trial = trial;
    throw refusal;
  }
}

function asUpdate({ salesforceId, key, fields }: RowPlan): TriedWrite {
  return { kind: 'update', salesforceId, key, fields };
}

function asInsert({
  salesforceId,
  key,
  fields,
}: Omit<RowPlan, 'key'> & { readonly key: string | undefined }): TriedWrite {
  return { kind: 'insert', salesforceId, key, fields };
}

interface RowPlan extends RowChange {
  readonly before: StoredPair | NewPair;
  /** As the link stands in the table, where that is known. */
  readonly stored: Link | undefined;
  readonly link: Link;
  readonly salesforceId: string;
  readonly key: string;
  readonly survivor: string | undefined;
  /** The row as the merge left it. */
  readonly after: RowVersion | undefined;
}

function plan(mapping: ObjectMapping, { before, link, row: after, survivor }: PairChange): RowPlan {
  const { kind, fields, waiting } = rowChange(mapping, before, after, link.rowKey);
  const { salesforceId, rowKey: key = '' } = link;
  return { kind, before, stored: before.stored, link, salesforceId, key, fields, waiting, survivor, after };
}

/**
 * Of a set whose rows point to each other: children whose parent's row goes in it. What has been done to their links is done
 * to those in memory, which are about to be written.
 */
function withLostParents(
  mapping: ObjectMapping,
  plans: readonly RowPlan[],
  orphans: readonly OwnOrphan[],
): readonly RowPlan[] {
  if (orphans.length === 0) return plans;
  const byKey = Map.groupBy(orphans, ({ rowKey }) => rowKey);
  return plans.map((write) => {
    const lost = write.kind === 'delete' ? undefined : byKey.get(write.link.rowKey ?? '');
    if (lost === undefined) return write;
    // A lookup that the merge has decided itself does not wait.
    const kept = lost.filter(({ field }) => !(field in write.fields));
    const link = kept.reduce((before, row) => loseParentToo(before, mapping, row.field, row), write.link);
    return { ...write, stored: undefined, link, waiting: link.waiting };
  });
}

/**
 * Turns parent ids into parent keys; a parent without a row leaves the column null and the field waiting. One whose row goes
 * in this set has none any more.
 */
async function resolveLookups(
  { session, configuration, mapping }: StepContext,
  plans: readonly RowPlan[],
): Promise<readonly RowPlan[]> {
  const fields = mapping.fields.filter(isLookup);
  if (fields.length === 0) return plans;
  const keysOf = new Map<string, Map<string, string>>();
  const seen = ({ references: parent, namedBy }: Lookup) => JSON.stringify([parent, namedBy?.column]);
  for (const [parent, lookups] of Map.groupBy(lookupsOf(mapping), seen)) {
    const [lookup] = lookups;
    if (lookup === undefined) continue;
    const ids = plans.flatMap((write) => lookups.flatMap(({ field }) => write.fields[field] ?? []));
    const wanted = [...new Set(ids.filter((id) => typeof id === 'string'))];
    const held = await holdParents(session, parentOf(configuration, lookup), wanted);
    if (lookup.references === mapping.object) for (const id of goingRows(mapping, plans)) held.delete(id);
    keysOf.set(parent, held);
  }
  const keyOf = (field: FieldMapping, id: string) => {
    for (const lookup of lookupsIn(field)) {
      const key = keysOf.get(seen(lookup))?.get(id);
      if (key !== undefined)
        return lookup.isOneOfSeveral === true ? pointerText({ object: lookup.references, key }) : key;
    }
    return undefined;
  };
  return plans.map((write) => withParentKeys(fields, write, keyOf));
}

/** Ids of records whose rows go with these plans: a marked row stays, and children keep its key. */
function goingRows({ deletedAtColumn }: ObjectMapping, plans: readonly RowPlan[]): string[] {
  if (deletedAtColumn !== undefined) return [];
  return plans.flatMap(({ kind, salesforceId }) => (kind === 'delete' ? salesforceId : []));
}
