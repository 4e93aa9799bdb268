/**
 * The sweep: what polling by `SystemModstamp` cannot see. A transaction in Salesforce may commit after a poll has passed
 * its stamp, and a record that is purged from the recycle bin between two polls is in no answer any more. The sweep
 * compares a listing of records with the links. Here is decided which of them have to be read; the read then goes
 * through the same rules as any other (inbound.ts), so the sweep itself changes nothing.
 */
import type { FieldValues } from '../mapping/canonical.ts';
import type { ObjectMapping, Settings } from '../mapping/configuration.ts';
import type { Instant } from '../mapping/instant.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';

/** A record as the listing shows it. */
export interface ListedRecord {
  readonly id: string;
  readonly stamp: Instant;
  readonly deleted: boolean;
  /** Mapped fields that our user may see; undefined: one of them holds a value that does not fit. */
  readonly fields: FieldValues | undefined;
}

/** An entry of Salesforce's delete log: the record was deleted then, and may be purged since. */
export interface LoggedDelete {
  readonly id: string;
  readonly deletedAt: Instant;
}

/** What is known of a record here. */
export interface SweptLink {
  readonly revision: number;
  /** Newest stamp merged; undefined: none. */
  readonly highWater: Instant | undefined;
  /** Whether Salesforce last held it deleted; undefined: no version was ever merged. */
  readonly deleted: boolean | undefined;
  /** The mapped fields as Salesforce last held them; undefined: no version was ever merged. */
  readonly base: FieldValues | undefined;
  /** A push is open or a re-read is due: the record is read afresh anyway. */
  readonly busy: boolean;
}

/** What is known of a listed record: its link, and whether it is listed as rejected on its way to Postgres. */
export interface Known {
  readonly link: SweptLink | undefined;
  readonly rejected: boolean;
}

/**
 * Why a record has to be read. missing: it has no link. different: Salesforce does not hold what the link knows.
 * deleted: Salesforce no longer has it, or has logged its deletion. rejected before: it is reported already; it is
 * tried again.
 */
export type Finding = 'missing' | 'different' | 'deleted' | 'rejected before';

/**
 * A listed record, live or in the recycle bin. undefined: it need not be read. Values are compared and not stamps: of two
 * transactions that stamp a record within one second the second may commit long after the first was read, and a stamp that
 * is known already does not show that.
 */
export function findListed(
  mapping: ObjectMapping,
  listed: ListedRecord,
  known: Known,
  missedBefore: Instant,
): Finding | undefined {
  const { link } = known;
  if (listed.stamp >= missedBefore || link?.busy === true) return undefined;
  const linked = link?.deleted !== undefined;
  if (!linked && listed.deleted) return undefined;
  if (known.rejected) return 'rejected before';
  if (!linked) return 'missing';
  if (hasMoved(link, missedBefore)) return undefined;
  return isAsKnown(mapping, listed, link) ? undefined : 'different';
}

/** What a deleted record holds says nothing: it cannot be edited. */
function isAsKnown({ fields: mapped }: ObjectMapping, { deleted, fields }: ListedRecord, link: SweptLink): boolean {
  const { base } = link;
  if (deleted || link.deleted === true) return deleted === link.deleted;
  if (fields === undefined || base === undefined) return false;
  return mapped.every(({ field }) => fields[field] === undefined || fields[field] === base[field]);
}

/** An entry of the delete log. A link whose high-water mark is newer shows that the record lived on. */
export function findDeleted({ deletedAt }: LoggedDelete, known: Known, missedBefore: Instant): Finding | undefined {
  const { link } = known;
  if (deletedAt >= missedBefore || link?.deleted !== false || link.busy) return undefined;
  if (link.highWater !== undefined && link.highWater > deletedAt) return undefined;
  return known.rejected ? 'rejected before' : 'deleted';
}

/** A link whose record no listing of all records has shown: purged long ago, or hidden from our user. */
export function findUnlisted(known: Known, missedBefore: Instant): Finding | undefined {
  const { link } = known;
  if (link?.deleted !== false || link.busy || hasMoved(link, missedBefore)) return undefined;
  return known.rejected ? 'rejected before' : 'deleted';
}

/** Something newer than what a sweep looks at was merged, perhaps after the listing was made. */
function hasMoved({ highWater }: SweptLink, missedBefore: Instant): boolean {
  return highWater !== undefined && highWater >= missedBefore;
}

/**
 * The stamp below which a record should be here. `polledUntil`: up to where the inbound flow had certainly looked, and
 * its files had time to be applied; without a run of the flow that has ended well, records of a certain age are taken for missed.
 */
export function missedBefore(startedAt: Instant, polledUntil: Instant | undefined, settings: Settings): Instant {
  const aged = startedAt - settings.sweepGraceMinutes * 60_000;
  // Stamps are by Salesforce's clock, the flow's times by that of AWS.
  const polled = (polledUntil ?? 0) - settings.clockSkewSeconds * 1000;
  return Math.min(startedAt, Math.max(aged, polled));
}

/**
 * Where a sweep of a window begins: it overlaps the one before, and makes up for those that did not come to an end. What was
 * stamped a moment before the last one was not looked at by it, or may have been committed since.
 */
export function windowStart(startedAt: Instant, sweptUntil: Instant | undefined, settings: Settings): Instant {
  const start = startedAt - settings.sweepWindowMinutes * 60_000;
  const notFinal = Math.max(settings.lateCommitMinutes, settings.sweepGraceMinutes) * 60_000;
  return Math.floor(Math.min(start, (sweptUntil ?? startedAt) - notFinal) / 1000) * 1000;
}

/**
 * The version of a record that is neither live nor in the recycle bin, while the delete log has it: a deleted record of
 * which nothing else is known. Without the log such a record might be hidden from our user, which is no reason to delete.
 */
export function purgedVersion({ id, deletedAt }: LoggedDelete): SalesforceVersion {
  return { id, deleted: true, mergedInto: undefined, stamp: deletedAt, fields: {} };
}

/** How many records a sweep found that mattered. A conflict may leave its row as it is. */
export function foundRecords(counts: {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly rejected: number;
  readonly conflicts: number;
}): number {
  const { inserted, updated, deleted, rejected, conflicts } = counts;
  return Math.max(inserted + updated + deleted + rejected, conflicts);
}
