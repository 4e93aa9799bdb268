/**
 * The moment when a new row and its record become a pair: the link is made, the row gets the Salesforce id, and what was
 * kept of the insertion goes, all in one transaction. The first step that knows the record does it, be it with the answer of the
 * upsert or with a file that was faster; the lock of the row makes the second one see that it is done.
 */

import { adopt, passOver } from '../../core/agreement/insertion.ts';
import type { Link, RowVersion } from '../../core/agreement/link.ts';
import { UNREADABLE } from '../../core/mapping/canonical.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { keyParts } from '../../core/mapping/row-key.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { changeInsertions, dropInsertions, lockInsertions } from '../../postgres/ledger/insertions.ts';
import { claimLinks } from '../../postgres/ledger/links.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import { resolveRejects } from '../../postgres/ledger/rejects.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { lockRows } from '../../postgres/tables/rows.ts';
import { writeSalesforceIds } from '../../postgres/tables/salesforce-ids.ts';
import { tableColumns } from '../../postgres/tables/table-columns.ts';
import { writtenByTriggers } from '../../postgres/tables/triggers.ts';
import { wakeChildren } from '../parents/wake-children.ts';
import type { StepContext } from '../step.ts';
import type { NewPair, StoredPair } from './pairs.ts';
import { lockPairs } from './pairs.ts';

/** A row that becomes the row of a record. */
export interface Adopted {
  readonly link: Link;
  readonly row: RowVersion | undefined;
  readonly insertionId: string | undefined;
}

/** What adopting takes besides writing the pairs; in their transaction, which holds the locks of what is adopted. */
export async function finishAdoptions(
  { session, configuration, mapping }: StepContext,
  adopted: readonly Adopted[],
): Promise<void> {
  if (adopted.length === 0) return;
  const live = adopted.filter(({ row }) => row !== undefined);
  const keys = live.flatMap(({ link }) => link.rowKey ?? []);
  await writeSalesforceIds(
    session,
    mapping,
    live.map(({ link: { rowKey = '', salesforceId } }) => ({ rowKey, salesforceId })),
  );
  const written = live.map(({ link, row }) => ({ kind: 'update', link, after: row }));
  const touched = await writtenByTriggers(session, configuration, mapping, written);
  // A value that Salesforce cannot store was left out: the next round lists it with the record's id.
  const unreadable = live.filter(({ row }) => isUnreadable(row)).map(({ link }) => link.salesforceId);
  await markLinksDue(session, mapping.object, { salesforceIds: [...touched, ...unreadable] }, 'written by us');
  await dropInsertions(
    session,
    adopted.flatMap(({ insertionId }) => insertionId ?? []),
  );
  const rowKeys = adopted.flatMap(({ link }) => link.rowKey ?? []);
  await resolveRejects(session, { object: mapping.object, rowKeys });
  await wakeChildren(session, configuration, mapping, keys);
}

/** Gives rows back the id of their record, which the application has removed: while the record lives the two are a pair. */
export async function returnIds(
  { session, configuration, mapping }: StepContext,
  merged: readonly { readonly pair: StoredPair; readonly link: Link; readonly row: RowVersion | undefined }[],
): Promise<void> {
  const lacking = merged.filter(({ pair, link, row }) => {
    return pair.lacksId && row !== undefined && link.base?.deleted === false;
  });
  const ids = lacking.map(({ link: { rowKey = '', salesforceId } }) => ({ rowKey, salesforceId }));
  await writeSalesforceIds(session, mapping, ids);
  const keys = ids.map(({ rowKey }) => rowKey);
  await wakeChildren(session, configuration, mapping, keys);
}

function isUnreadable(row: RowVersion | undefined): boolean {
  return Object.values(row?.fields ?? {}).some((value) => value === UNREADABLE);
}

/** A live record of a file or a fresh read that has no row; `pair`: its link, of which nothing but the id is known. */
export interface Candidate {
  readonly version: SalesforceVersion;
  readonly pair: StoredPair | NewPair | undefined;
}

export interface Adoptable {
  readonly pair: StoredPair | NewPair;
  /** undefined: the row was never seen as new. */
  readonly insertionId: string | undefined;
  /** The row has become this record's by now, and its pair is an ordinary one. */
  readonly done: boolean;
}

/**
 * Of these records, those that name one by their external id: a row without a Salesforce id, or one that is
 * gone while its upsert was on its way. Locks insertions and rows. Answers pairs as they begin, by Salesforce id.
 */
export async function findAdoptable(
  context: StepContext,
  candidates: readonly Candidate[],
): Promise<Map<string, Adoptable>> {
  const { session, configuration, mapping } = context;
  const named = new Map(
    candidates.flatMap((each) => (each.version.externalId ? [[each.version.externalId, each]] : [])),
  );
  if (mapping.externalIdField === undefined || named.size === 0) return new Map();
  const insertions = await lockInsertions(session, configuration, mapping, [...named.keys()]);
  const keys = await fittingKeys(session, mapping, [...named.keys()]);
  const rows = new Map((await lockRows(session, configuration, mapping, { keys })).map((row) => [row.key, row]));
  const found = new Map<string, Adoptable>();
  const adoptedSince: string[] = [];
  for (const [key, { version, pair }] of named) {
    const stored = insertions.get(key);
    const row = rows.get(key);
    if (row?.salesforceId === version.id) adoptedSince.push(version.id);
    const isFree = row !== undefined && row.salesforceId === undefined && !row.softDeleted && !row.isOthers;
    if (!isFree && !(row === undefined && stored?.insertion.push !== undefined)) continue;
    const begun = adopt(mapping, stored?.insertion.push, key, row, version);
    const link = { ...begun.link, revision: pair?.link.revision ?? begun.link.revision };
    const place = pair?.linkId === undefined ? {} : { linkId: pair.linkId, stored: pair.stored, lacksId: true };
    found.set(version.id, { pair: { ...place, link, row }, insertionId: stored?.insertionId, done: false });
  }
  if (adoptedSince.length > 0) {
    await claimLinks(session, mapping.object, adoptedSince);
    for (const [id, pair] of await lockPairs(context, adoptedSince)) {
      found.set(id, { pair, insertionId: undefined, done: true });
    }
  }
  return found;
}

const WHOLE = /^(0|-?[1-9]\d{0,18})$/;
const LARGEST: Readonly<Record<string, bigint>> = { smallint: 2n ** 15n, integer: 2n ** 31n, bigint: 2n ** 63n };
const TEXTS = new Set(['text', 'character varying']);

/** A user may write anything into an external id: only what the key's type would write itself can be a key. */
async function fittingKeys(session: Session, mapping: ObjectMapping, texts: readonly string[]): Promise<string[]> {
  const { types } = await tableColumns(session, mapping);
  const { keyColumns } = mapping;
  return texts.filter((text) => {
    const parts = keyParts(text, keyColumns.length);
    return parts?.every((part, i) => isOfType(types.get(keyColumns[i] ?? '') ?? 'text', part)) === true;
  });
}

function isOfType(type: string, text: string): boolean {
  const largest = LARGEST[type];
  if (largest !== undefined) return WHOLE.test(text) && BigInt(text) < largest && BigInt(text) >= -largest;
  if (type === 'uuid') return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
  // How any other type spells its values is not known.
  return TEXTS.has(type);
}

/**
 * Deleted records without a link that name a new row: what was read of them before no longer counts. Answers
 * the ids of those that do, and the pairs of those that have become known while we waited for the lock.
 */
export async function passOverDeleted(
  context: StepContext,
  versions: readonly SalesforceVersion[],
): Promise<{ readonly naming: ReadonlySet<string>; readonly known: ReadonlyMap<string, StoredPair> }> {
  const { session, mapping } = context;
  const keys = versions.flatMap(({ externalId }) => externalId ?? []);
  if (mapping.externalIdField === undefined || keys.length === 0) return { naming: new Set(), known: new Map() };
  const named = new Set(await changeInsertions(session, mapping.object, keys, passOver));
  const naming = versions.filter(({ externalId }) => externalId !== undefined && named.has(externalId));
  const ids = versions.map(({ id }) => id);
  return { naming: new Set(naming.map(({ id }) => id)), known: await lockPairs(context, ids) };
}
