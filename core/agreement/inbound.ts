/**
 * What happens to a version that arrives from Salesforce: INBOUND for a record of a file, REREAD for a fresh read.
 * Polling cannot be trusted about order or time: files come late, twice and out of order, and a stamp has one second.
 */
import type { ObjectMapping } from '../mapping/configuration.ts';
import type { Instant } from '../mapping/instant.ts';
import { isLookup } from '../mapping/lookups.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { isStored } from './equality.ts';
import type { Link, OpenPush, Pair, RowVersion, SeenField } from './link.ts';
import { isUnknown, withWaiting } from './link.ts';
import type { Conflict, Merged } from './merge.ts';
import { merge } from './merge.ts';

export interface Received extends Merged {
  /**
   * merged: the row and the base are up to date with the version. unchanged: it holds nothing new. deferred: a push is
   * open, which will read afresh when it settles. reread: which of two versions is newer cannot be known from the
   * file: the record has to be read again.
   */
  readonly outcome: 'merged' | 'unchanged' | 'deferred' | 'reread';
}

/**
 * INBOUND. `readAfter`: the earliest moment at which the file's data may have been read, minus the clock skew.
 */
export function receive(
  mapping: ObjectMapping,
  { link: before, row: stored }: Pair,
  version: SalesforceVersion,
  readAfter: Instant,
): Received {
  const link = raised(before);
  // As the merge sees it, also where nothing is merged: a null in its place would be an edit, and end the waiting.
  const row = withWaiting(before, stored);
  const complete = mapping.fields.every(({ field }) => version.fields[field] !== undefined);
  const newer = link.highWater === undefined || version.stamp > link.highWater;
  const freshlyRead = link.appliedAt === undefined || readAfter > link.appliedAt;
  if (link.push === undefined && complete && newer && freshlyRead) {
    const merged = merge(mapping, { link, row }, version, false);
    return { ...merged, outcome: 'merged', link: { ...merged.link, highWater: version.stamp } };
  }
  const unchanged = complete && equalsBase(mapping, link, version);
  if (link.push !== undefined) {
    return {
      outcome: 'deferred',
      row,
      ...(unchanged ? { link, conflicts: [] } : noted(mapping, link, link.push, row, version)),
    };
  }
  // A newer one shows that the record can be used again: what was held back goes when it is merged.
  if (unchanged && !newer) return { outcome: 'unchanged', link, row, conflicts: [] };
  return { outcome: 'reread', link: { ...link, rereadDue: true }, row, conflicts: [] };
}

/** REREAD's answer: `again` when the link has changed since the read began, so that the read may be older than the link. */
export type Reread = Received | { readonly outcome: 'again' };

/** REREAD. `revision`: the link's when the read began; `readAt`: the moment before it. */
export function acceptReread(
  mapping: ObjectMapping,
  pair: Pair,
  version: SalesforceVersion,
  { revision, readAt }: { readonly revision: number; readonly readAt: Instant },
): Reread {
  if (pair.link.push !== undefined) return receive(mapping, pair, version, readAt);
  if (pair.link.revision !== revision) return { outcome: 'again' };
  return { outcome: 'merged', ...mergeFresh(mapping, pair, version, { readAt, unknown: false }) };
}

/** Merges a fresh read: the link then knows when it was read, and a file from before is only a hint. */
export function mergeFresh(
  mapping: ObjectMapping,
  pair: Pair,
  version: SalesforceVersion,
  { readAt, unknown }: { readonly readAt: Instant; readonly unknown: boolean },
): Merged {
  const merged = merge(mapping, { link: raised(pair.link), row: pair.row }, version, unknown);
  const highWater = Math.max(pair.link.highWater ?? 0, version.stamp);
  const appliedAt = Math.max(pair.link.appliedAt ?? 0, readAt);
  return { ...merged, link: { ...merged.link, highWater, appliedAt, rereadDue: false } };
}

/** A push of the record is open: nothing is merged, and its row plays no part. */
export function isUnderWay({ push }: Link): boolean {
  return push !== undefined;
}

function raised(link: Link): Link {
  return { ...link, revision: link.revision + 1 };
}

function equalsBase(mapping: ObjectMapping, link: Link, version: SalesforceVersion): boolean {
  const { base } = link;
  if (base === undefined || base.deleted !== version.deleted) return false;
  return mapping.fields.every(({ field, direction }) => {
    // Salesforce says nothing of what it may not edit, as long as the row does not either.
    const isMute = direction === 'to-salesforce' && isUnknown(base, field);
    return isMute || base.fields[field] === version.fields[field];
  });
}

/**
 * Keeps what a file shows of pushed fields while the push is open: the push may be overwriting it right now. Logged at
 * once, for the value may never be seen again; RESTORE (outbound.ts) brings it back where that is safe.
 */
function noted(
  mapping: ObjectMapping,
  link: Link,
  push: OpenPush,
  row: RowVersion | undefined,
  version: SalesforceVersion,
) {
  if (version.stamp < (link.highWater ?? 0)) return { link, conflicts: [] };
  const sure = version.stamp > (link.highWater ?? 0);
  const seen: Record<string, SeenField> = { ...push.seen };
  const conflicts: Conflict[] = [];
  for (const each of mapping.fields) {
    const { field, direction } = each;
    const sent = push.sent[field]?.value;
    // What only Postgres may edit is ours, whatever is written over it in Salesforce: neither a conflict nor to be restored.
    if (sent === undefined || direction !== 'both') continue;
    const value = version.fields[field];
    const base = link.base?.fields[field];
    if (value === undefined || value === base || isStored(each, sent, value)) continue;
    // Out of the recycle bin comes a record without the parents that are gone by now, before our update gives it those of the row.
    if (push.sentDeleted === false && isLookup(each) && value === null) continue;
    const before = seen[field];
    if (before?.value === value && (before.sure || !sure)) {
      if (version.stamp > (before.stamp ?? 0)) seen[field] = { ...before, stamp: version.stamp };
      continue;
    }
    // A file that comes late shows what users have replaced since: that is not what comes back.
    if ((before?.stamp ?? 0) <= version.stamp) seen[field] = { value, sure, stamp: version.stamp };
    const postgres = row?.fields[field] ?? null;
    conflicts.push({ field, reason: 'edited during our push', base, salesforce: value, postgres, winner: 'postgres' });
  }
  const isNoted = Object.entries(seen).some(([field, one]) => one !== push.seen[field]);
  return { link: isNoted ? { ...link, push: { ...push, seen } } : link, conflicts };
}
