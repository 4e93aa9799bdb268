/** One set of records, in which none occurs twice: locked and read, judged by the rules of core/agreement/inbound.ts, and written. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Received } from '../core/agreement/inbound.ts';
import { receiveAdopted } from '../core/agreement/insertion.ts';
import type { Pair } from '../core/agreement/link.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { lookupsOf } from '../core/mapping/lookups.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { claimLinks, dropLinks } from '../postgres/ledger/links.ts';
import { carriedIds } from '../postgres/tables/salesforce-ids.ts';
import { tableColumns } from '../postgres/tables/table-columns.ts';
import type { Adoptable } from './pairs/adoption.ts';
import { finishAdoptions, passOverDeleted } from './pairs/adoption.ts';
import { inColumnsOf } from './pairs/column-values.ts';
import type { NewPair, StoredPair } from './pairs/pairs.ts';
import { lockPairs, newPair } from './pairs/pairs.ts';
import { findRows, isUnpaired } from './pairs/unpaired.ts';
import { writeMerged } from './pairs/write-merged.ts';
import { withChildren, withoutParent } from './parents/required-parents.ts';
import { wakeChildren } from './parents/wake-children.ts';
import type { StepContext } from './step.ts';

export interface Item {
  readonly version: SalesforceVersion;
  readonly line: number | undefined;
  /** The link's revision when a fresh read began. */
  readonly revision: number | undefined;
}

/**
 * How records without a link get one. `at once`: written with its final values, which is refused when another execution
 * is making a link for one of the records. `claimed`: made first, so that the second execution waits for the first, and
 * then written like any other.
 */
export type NewLinks = 'at once' | 'claimed';

export interface ReadRecord {
  readonly item: Item;
  readonly pair: StoredPair | NewPair;
  /** The row that the record names by its external id, and that becomes its row. */
  readonly adopted: Adoptable | undefined;
}

export interface RefusedItem {
  readonly item: Item;
  readonly error: RejectedRecordError;
}

export interface ReadSet {
  readonly records: readonly ReadRecord[];
  /** Records that are not to be judged: which row is theirs cannot be known. */
  readonly refused: readonly RefusedItem[];
}

/**
 * Locks and reads what there is of the records. One that is deleted in Salesforce and was never linked is left out where a
 * row carries its id or is about to become its row: it says nothing about that row.
 */
export async function readSet(context: StepContext, items: readonly Item[], newLinks: NewLinks): Promise<ReadSet> {
  const { session, configuration, mapping } = context;
  const live = items.flatMap(({ version }) => (version.deleted ? [] : version.id));
  // A link that is written at once names its row, whose key must be known before the row is.
  const claimed = newLinks === 'claimed' || (await tableColumns(session, mapping)).keyDefault === undefined;
  if (claimed) await claimLinks(session, mapping.object, live);
  const ids = items.map(({ version }) => version.id);
  const pairs = new Map<string, StoredPair | NewPair>(await lockPairs(context, ids));
  for (const [id, pair] of await readDeleted(context, items, pairs, claimed)) pairs.set(id, pair);
  const unknown = live.filter((id) => !pairs.has(id));
  // A row may carry the id of a record that has no link yet: they are a pair.
  const byId = new Set(await carriedIds(session, mapping, unknown));
  const unpaired = items
    .map(({ version }) => version)
    .filter(({ id, deleted }) => !deleted && !byId.has(id) && isUnpaired(pairs.get(id)));
  const candidates = unpaired.map((version) => ({ version, pair: pairs.get(version.id) }));
  const { adoptable, matched, refused } = await findRows(context, candidates);
  const carried = [...byId, ...matched];
  if (carried.length > 0) {
    await claimLinks(session, mapping.object, carried);
    for (const [id, pair] of await lockPairs(context, carried)) pairs.set(id, pair);
    const parents = matched.flatMap((id) => pairs.get(id)?.link.rowKey ?? []);
    await wakeChildren(session, configuration, mapping, parents);
    // A child in this set was read before its parent had an id.
    const isOwnChild = matched.length > 0 && lookupsOf(mapping).some(({ references }) => references === mapping.object);
    if (isOwnChild) for (const [id, pair] of await lockPairs(context, ids)) pairs.set(id, pair);
  }
  for (const [id, { pair }] of adoptable) pairs.set(id, pair);
  for (const id of unknown) if (!pairs.has(id)) pairs.set(id, newPair(id));
  const found = items.flatMap((item): ReadRecord[] => {
    const pair = pairs.get(item.version.id);
    if (pair === undefined || refused.has(item.version.id)) return [];
    const adopting = adoptable.get(item.version.id);
    return [{ item, pair, adopted: adopting?.done === false ? adopting : undefined }];
  });
  const unmatched = items.flatMap((item) => {
    const error = refused.get(item.version.id);
    return error === undefined ? [] : { item, error };
  });
  const arriving = found.map((record) => ({ ...record, version: record.item.version }));
  const { items: records, refused: lossy } = await inColumnsOf(context, arriving);
  return {
    records: records.map(({ version, ...record }) =>
      version === record.item.version ? record : { ...record, item: { ...record.item, version } },
    ),
    refused: [...unmatched, ...lossy.map(({ item: { item }, error }) => ({ item, error }))],
  };
}

/**
 * Deleted records without a link. They get one without a row: a file that is late, and shows the record alive, would make
 * a row of it otherwise, and nothing would ever take that away.
 */
async function readDeleted(
  context: StepContext,
  items: readonly Item[],
  pairs: ReadonlyMap<string, unknown>,
  claimed: boolean,
): Promise<Map<string, StoredPair | NewPair>> {
  const { session, mapping } = context;
  const deleted = items.map(({ version }) => version).filter((each) => each.deleted && !pairs.has(each.id));
  if (deleted.length === 0) return new Map();
  const { naming, known } = await passOverDeleted(context, deleted);
  const rest = deleted.map(({ id }) => id).filter((id) => !known.has(id) && !naming.has(id));
  const carried = new Set(await carriedIds(session, mapping, rest));
  const strangers = rest.filter((id) => !carried.has(id));
  if (claimed) await claimLinks(session, mapping.object, strangers);
  const found = claimed ? await lockPairs(context, strangers) : new Map<string, StoredPair>();
  const made = strangers.map((id) => [id, found.get(id) ?? newPair(id)] as const);
  return new Map<string, StoredPair | NewPair>([...known, ...made]);
}

/** What is to become of a record by the rules; `again`: its link has changed since it was read from Salesforce. */
export type Rule = (mapping: ObjectMapping, pair: Pair, item: Item) => Received | { readonly outcome: 'again' };

export interface JudgedRecord extends ReadRecord {
  readonly result: ReturnType<Rule>;
}

/** Records judged in one turn of the event loop: a tenth or two of a millisecond, for which an answer of the server waits. */
const TURN_RECORDS = 10;

/** Judges the records, in turns, so that a set that is being written goes on beside it. */
export async function judgeSet(
  mapping: ObjectMapping,
  records: readonly ReadRecord[],
  rule: Rule,
): Promise<JudgedRecord[]> {
  const judged: JudgedRecord[] = [];
  for (const { item, pair, adopted } of records) {
    const result = rule(mapping, pair, item);
    const isFromFile = adopted !== undefined && item.revision === undefined && result.outcome !== 'again';
    judged.push({ item, pair, adopted, result: isFromFile ? receiveAdopted(result) : result });
    if (judged.length % TURN_RECORDS === 0) await nextTurn();
  }
  return judged;
}

export interface SetResult {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Records that were settled without a write to a row, those that say nothing about one among them. */
  readonly unchanged: number;
  readonly toRead: readonly { id: string; revision: number }[];
  /** Records that were not written, because of a parent or a child. */
  readonly refused: readonly RefusedItem[];
}

/** Writes what was judged. `set`: the records it was judged of, with those that were left out. */
export async function writeSet(
  context: StepContext,
  judged: readonly JudgedRecord[],
  set: readonly Item[],
): Promise<SetResult> {
  const { session } = context;
  const all = judged.flatMap(({ item, pair, adopted, result }) =>
    result.outcome === 'again'
      ? []
      : { id: item.version.id, survivor: item.version.mergedInto, item, pair, adopted, result, row: result.row },
  );
  const orphans = await withoutParent(context, all);
  const parents = await withChildren(context, all);
  const isBlocked = (id: string) => orphans.has(id) || parents.has(id);
  const received = all.filter(({ id }) => !isBlocked(id));
  const { changed, ...written } = await writeMerged(
    context,
    received.map(({ survivor, pair: before, result: { link, row, conflicts: found, outcome } }) => {
      return { before, link, row, survivor, conflicts: found, isMerged: outcome === 'merged' };
    }),
  );
  await finishAdoptions(
    context,
    received.flatMap(({ adopted, result: { link, row } }) =>
      adopted === undefined ? [] : { link, row, insertionId: adopted.insertionId },
    ),
  );
  await dropLinks(
    session,
    received.filter(isVoid).flatMap(({ pair }) => pair.linkId ?? []),
  );

  const refused = all.flatMap(({ id, item }): RefusedItem[] => {
    const error = orphans.get(id) ?? parents.get(id);
    return error === undefined ? [] : [{ item, error }];
  });
  const toRead = judged.flatMap(({ item, pair, result }) => {
    if (isBlocked(item.version.id)) return [];
    if (result.outcome === 'again') return { id: item.version.id, revision: pair.link.revision };
    return result.outcome === 'reread' ? { id: item.version.id, revision: result.link.revision } : [];
  });
  // A record may be written and have to be read again: each is looked at by itself.
  const others = new Set([...changed, ...orphans.keys(), ...parents.keys(), ...toRead.map(({ id }) => id)]);
  const unchanged = set.filter(({ version }) => !others.has(version.id)).length;
  return { ...written, unchanged, toRead, refused };
}

/** A claimed link that got neither a base nor a row. */
function isVoid({ result }: { result: Received }): boolean {
  return result.link.base === undefined && result.row === undefined && result.outcome !== 'reread';
}
