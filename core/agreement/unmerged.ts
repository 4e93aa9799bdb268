/** What becomes of a record whose version cannot be merged: no read finds or understands it, or PostgreSQL does not take the row. */

import type { ObjectMapping } from '../mapping/configuration.ts';
import type { Instant } from '../mapping/instant.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { isDue } from './collect.ts';
import { putOff } from './due.ts';
import { inexactOf } from './equality.ts';
import type { Link, OpenPush, Pair } from './link.ts';
import { isGone } from './link.ts';
import type { Outcome } from './outbound.ts';
import { acknowledge, refusedAfter } from './outbound.ts';

/**
 * Whether it is no fault that a fresh read did not find the record: it is deleted on both sides, or Salesforce has just
 * accepted our delete. `accepted`: of the open push.
 */
export function mayBeMissing({ link, row }: Pair, accepted: boolean): boolean {
  return row === undefined && (link.base?.deleted === true || (accepted && link.push?.sentDeleted === true));
}

/** Why a fresh read shows nothing of a record, and what is known of the push that was open. */
export interface Unread {
  /** The read did not find it; else it could not use what it found. */
  readonly isMissing: boolean;
  readonly outcome: Outcome | undefined;
  /** The moment before the read. */
  readonly readAt: Instant;
  readonly now: Instant;
}

/**
 * The link of a record that a fresh read did not find, or could not use. What is due of the row goes when a version is merged
 * again, or the row changes: only what Salesforce has refused counts as refused. A row that is gone has got what it wanted when
 * its record is. While it is not known whether a push landed, it goes on being looked at, for the merge has to know of the push.
 */
export function giveUp(mapping: ObjectMapping, { link, row }: Pair, { isMissing, outcome, ...round }: Unread): Link {
  const { push } = link;
  // A file that may have been read before is only a hint.
  const appliedAt = Math.max(link.appliedAt ?? 0, round.readAt);
  const unread = { ...link, appliedAt, dirty: false, rereadDue: false, revision: link.revision + 1 };
  if (push !== undefined && outcome === 'unknown' && !isMissing) return putOff(unread, round.now);
  const isAccepted = push !== undefined && outcome === 'accepted';
  const known = isAccepted ? acknowledge(unread, push, { deleted: true }) : unread;
  const refused = push !== undefined && outcome === 'refused' ? refusedAfter(link.refused, push) : link.refused;
  const closed = { ...known, push: undefined, refused };
  if (!isMissing && !(isAccepted && push.sentDeleted === true)) return closed;
  const isOver = isGone(mapping, closed, row);
  const base = isOver && closed.base !== undefined ? { ...closed.base, deleted: true } : closed.base;
  return { ...closed, base, guard: undefined, purgeDue: false };
}

/** Whether something was to be sent. The look that was ordered for the sake of Salesforce's side alone sends nothing. */
export function anythingToSend(mapping: ObjectMapping, { link, row }: Pair): boolean {
  return link.base !== undefined && isDue(mapping, { link: { ...link, rereadDue: false }, row });
}

/**
 * PostgreSQL does not take what the version of a file makes of the row: the record is listed. An older version may still come,
 * and must not be taken for the newest one.
 */
export function passBy(link: Link, stamp: Instant): Link {
  return { ...link, highWater: Math.max(link.highWater ?? 0, stamp), revision: link.revision + 1 };
}

/**
 * The same of a look or a read-back. What is due of the row goes when a version is merged again, or the row changes. What is
 * known of the push stays known: its values are Salesforce's, or else a person's next edit would look like one that had
 * not seen them. Only a delete of ours that has buried an edit goes on being looked at, for nothing else tells of that edit.
 * `outcome`: of the open push, if there is one.
 */
export function setAside(
  { link }: Pair,
  version: SalesforceVersion,
  outcome: Outcome | undefined,
  { readAt, now }: { readonly readAt: Instant; readonly now: Instant },
): Link {
  const { push } = link;
  const appliedAt = Math.max(link.appliedAt ?? 0, readAt);
  const done = { ...passBy(link, version.stamp), appliedAt, dirty: false, rereadDue: false };
  if (push === undefined) return done;
  const mayBeOurs = outcome === 'accepted' || outcome === 'unknown';
  if (mayBeOurs && push.sentDeleted === true && version.deleted) return putOff(done, now);
  const known = outcome === 'accepted' ? acknowledge(link, push, version).base : link.base;
  const base = outcome === 'unknown' ? shown(link, push, version) : known;
  const inexact = inexactOf(link, base);
  return {
    ...done,
    push: undefined,
    base,
    inexact,
    refused: outcome === 'refused' ? refusedAfter(link.refused, push) : link.refused,
  };
}

/**
 * The same where another row has a value that may be there once only: that one may give it up. The record stays listed, and is read
 * again, later each time. `unmerged`: the link as it is set aside.
 */
export function tryLater({ retries }: Link, unmerged: Link, now: Instant): Link {
  return putOff({ ...unmerged, rereadDue: true, retries }, now);
}

/** The base with those values of the push that the version shows. */
function shown({ base }: Link, push: OpenPush, version: SalesforceVersion): Link['base'] {
  if (base === undefined) return undefined;
  const landed = Object.entries(push.sent).filter(([field, { value }]) => version.fields[field] === value);
  return {
    ...base,
    fields: { ...base.fields, ...Object.fromEntries(landed.map(([field, { value }]) => [field, value])) },
  };
}
