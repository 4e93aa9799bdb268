/** Compares what Salesforce lists with the links. Reads without locks: what follows checks revisions. */

import {
  type Finding,
  findDeleted,
  findListed,
  findUnlisted,
  type Known,
  type ListedRecord,
  type LoggedDelete,
} from '../../core/agreement/sweep.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { knownRecords, unlistedRecords } from '../../postgres/ledger/sweep.ts';
import type { Session } from '../../postgres/session/connection.ts';

/** A record that has to be read, and the revision that its link had when this was found. */
export interface Found {
  readonly id: string;
  /** 0: it has no link. */
  readonly revision: number;
  readonly finding: Finding;
  readonly deletedAt: Instant | undefined;
}

const UNKNOWN: Known = { link: undefined, rejected: false };

/** Compares listed records with their links. */
export async function compareListed(
  session: Session,
  mapping: ObjectMapping,
  listed: readonly ListedRecord[],
  missedBefore: Instant,
): Promise<Found[]> {
  return compare(session, mapping.object, listed, (record, known) => findListed(mapping, record, known, missedBefore));
}

/** Compares entries of the delete log with their links. */
export async function compareDeleted(
  session: Session,
  object: string,
  entries: readonly LoggedDelete[],
  missedBefore: Instant,
): Promise<Found[]> {
  return compare(session, object, entries, (entry, known) => findDeleted(entry, known, missedBefore));
}

async function compare<Item extends { readonly id: string; readonly deletedAt?: Instant }>(
  session: Session,
  object: string,
  items: readonly Item[],
  find: (item: Item, known: Known) => Finding | undefined,
): Promise<Found[]> {
  const ids = items.map(({ id }) => id);
  const known = await knownRecords(session, object, ids);
  return items.flatMap((item) => {
    const each = known.get(item.id) ?? UNKNOWN;
    return found(item, each, find(item, each));
  });
}

function found(
  { id, deletedAt }: { readonly id: string; readonly deletedAt?: Instant },
  { link }: Known,
  finding: Finding | undefined,
): Found[] {
  return finding === undefined ? [] : [{ id, revision: link?.revision ?? 0, finding, deletedAt }];
}

export interface UnlistedPart {
  readonly compared: number;
  readonly found: readonly Found[];
  /** The last id that was looked at; undefined: that was all. */
  readonly after: string | undefined;
}

/** Links of live records that were not listed, among the next `limit` links after the id `after`. */
export async function compareUnlisted(
  session: Session,
  object: string,
  execution: string,
  place: { readonly after: string | undefined; readonly limit: number; readonly missedBefore: Instant },
): Promise<UnlistedPart> {
  const { looked, unlisted, last } = await unlistedRecords(session, object, execution, place);
  return {
    compared: looked,
    found: [...unlisted].flatMap(([id, known]) => found({ id }, known, findUnlisted(known, place.missedBefore))),
    after: last,
  };
}
