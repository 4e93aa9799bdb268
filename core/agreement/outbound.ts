/**
 * The way to Salesforce, record by record: what does a fresh look leave to send (DECIDE), and what does the read-back after the
 * push say (SETTLE). The steps around these functions only read, lock and write.
 */
import type { CanonicalValue, FieldValues } from '../mapping/canonical.ts';
import type { Delivery, ObjectMapping } from '../mapping/configuration.ts';
import { outgoingFields } from '../mapping/configuration.ts';
import type { Instant } from '../mapping/instant.ts';
import { otherOfLocation } from '../mapping/location-parts.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { becomesDue, NOT_PUT_OFF, putOff } from './due.ts';
import { inexactOf, isStored } from './equality.ts';
import { mergeFresh } from './inbound.ts';
import type { Link, OpenPush, Outgoing, Pair, Refused, SentField } from './link.ts';
import { mayGo, NOTHING_REFUSED, outgoing, waitsForKey } from './link.ts';
import type { Conflict, Merged } from './merge.ts';
import { agree } from './merge.ts';

/** What goes to Salesforce for one record. `fillers`: unchanged fields that go with it, as in a CSV of whole rows. */
export interface Push {
  readonly delivery: Delivery;
  readonly outgoing: Outgoing;
  readonly fillers: FieldValues;
}

export type Decision =
  /** The link has changed since it was collected: it stays due and is left to the next round. */
  | { readonly outcome: 'left' }
  | (Merged & { readonly outcome: 'done' })
  | (Merged & { readonly outcome: 'push'; readonly push: Push });

export interface Round {
  /** The link's revision when the look or the read-back began. */
  readonly revision: number;
  /** The moment before the look or the read-back. */
  readonly readAt: Instant;
}

export interface DecidingRound extends Round {
  readonly pushId: string;
  readonly now: Instant;
  /** How far the clocks may be apart by which the look's stamp and the sending of the open push were taken, in ms. */
  readonly clockSkew: number;
}

/**
 * DECIDE. The look is merged with the current row; what then still differs is sent. `pushId` and `now` name the push.
 * A push that was open is over by now (the caller has fenced it), but whether it landed may not be known.
 */
export function decide(
  mapping: ObjectMapping,
  pair: Pair,
  look: SalesforceVersion,
  { revision, readAt, pushId, now, clockSkew }: DecidingRound,
): Decision {
  if (pair.link.revision !== revision) return { outcome: 'left' };
  const { push: before } = pair.link;
  const unknown = mayHaveLanded(before, look, clockSkew);
  const known = before === undefined || unknown ? pair : { ...pair, link: unsent(pair.link, before) };
  const fresh = mergeFresh(mapping, known, look, { readAt, unknown });
  const merged = unknown ? restoreSeen(mapping, before, look, fresh) : fresh;
  // What became of it was not known, but here it is: deleted.
  const landed = before?.sentDeleted === true && purges(mapping, merged);
  const link: Link = { ...merged.link, purgeDue: merged.link.purgeDue || landed, push: undefined, dirty: false };
  const out = outgoing(mapping, link, merged.row);
  if (!mayGo(link, out)) return { ...merged, link, outcome: 'done' };
  const push = pushOf(mapping, link, out, look);
  const open: OpenPush = {
    id: pushId,
    sentAt: now,
    delivery: push.delivery,
    sent: sentOf(push),
    sentDeleted: out.kind === 'update' ? undefined : out.kind !== 'revive',
    seen: {},
  };
  return { ...merged, link: { ...link, push: open }, outcome: 'push', push };
}

/** A record that was last written before the push was sent shows that nothing of it landed. */
function mayHaveLanded(push: OpenPush | undefined, look: SalesforceVersion, clockSkew: number): boolean {
  return push !== undefined && look.stamp >= toSecond(push.sentAt - clockSkew);
}

/** A stamp is cut to the second. */
function toSecond(instant: Instant): Instant {
  return instant - (instant % 1000);
}

/**
 * AppFlow takes updates of existing records. Where an empty cell leaves its field alone, null goes by API; where it clears
 * it, the filler of a field that was null clears what is null, and is sent like any other value. What was tried in vain goes by
 * API, whose answer is the record's own.
 */
function pushOf(mapping: ObjectMapping, link: Link, out: Outgoing, look: SalesforceVersion): Push {
  const byApi = { delivery: 'api', outgoing: out, fillers: othersOfLocations(mapping, out, look) } as const;
  const byFlow =
    mapping.delivery === 'appflow' &&
    link.retries === 0 &&
    out.kind === 'update' &&
    !(mapping.externalIdField !== undefined && mapping.externalIdField in out.fields) &&
    (mapping.blankCells === 'clear' || Object.values(out.fields).every((value) => value !== null));
  if (!byFlow) return byApi;
  const unchanged = outgoingFields(mapping).filter(({ field }) => !(field in out.fields));
  const fillers = Object.fromEntries(unchanged.map(({ field }) => [field, look.fields[field] ?? null]));
  const cells = [...Object.values(out.fields), ...Object.values(fillers)];
  return cells.includes(CLEARING_CELL) ? byApi : { delivery: 'appflow', outgoing: out, fillers };
}

/** Of places of which one number is sent, the other as it is in Salesforce: one without the other is no place. */
function othersOfLocations(mapping: ObjectMapping, out: Outgoing, look: SalesforceVersion): FieldValues {
  if (out.kind !== 'update') return {};
  const outgoingNames = new Set(outgoingFields(mapping).map(({ field }) => field));
  const others = Object.keys(out.fields).flatMap((field) => {
    const other = otherOfLocation(field);
    if (other === undefined || other in out.fields || !outgoingNames.has(other)) return [];
    return [[other, look.fields[other] ?? null] as const];
  });
  return Object.fromEntries(others);
}

/**
 * A large run of AppFlow goes by the Bulk API (AppFlow User Guide, "Salesforce transfer preference"), to which this cell is null and no
 * text (Bulk API guide, "Valid CSV Record Rows"). In JSON it is a text like any other.
 */
const CLEARING_CELL = '#N/A';

function sentOf({ outgoing: out, fillers }: Push): Record<string, SentField> {
  const fields = 'fields' in out ? out.fields : {};
  const entries = (values: FieldValues, filler: boolean) =>
    Object.entries(values).map(([field, value]) => [field, { value, filler }] as const);
  return Object.fromEntries([...entries(fillers, true), ...entries(fields, false)]);
}

/**
 * How a push ended for one record. `not applied`: nothing was written, for the record is in the
 * recycle bin or Salesforce was too busy; what still differs stays due. `unknown`
 * may only be settled when the push is fenced: nothing of it can land any more.
 */
export type Outcome = 'accepted' | 'refused' | 'not applied' | 'unknown';

/** SETTLE: `again` when the link has changed since the read-back began. */
export type Settlement = { readonly outcome: 'again' } | (Merged & { readonly outcome: 'settled' });

/** SETTLE. The read-back goes through the same merge as any version, so the base is what Salesforce really holds. */
export function settle(
  mapping: ObjectMapping,
  pair: Pair,
  readBack: SalesforceVersion,
  outcome: Outcome,
  round: Round,
): Settlement {
  const { link, row } = pair;
  const { push } = link;
  if (push === undefined || link.revision !== round.revision) return { outcome: 'again' };
  const mayBeOurs = outcome === 'accepted' || outcome === 'unknown';
  const answered = outcome === 'accepted' ? acknowledge(link, push, readBack) : mayBeOurs ? link : unsent(link, push);
  const known = outcome === 'accepted' ? withoutRefusedKey(mapping, answered, push) : answered;
  const fresh = mergeFresh(mapping, { link: known, row }, readBack, {
    readAt: round.readAt,
    unknown: outcome === 'unknown',
  });
  const merged = mayBeOurs ? restoreSeen(mapping, push, readBack, fresh) : fresh;
  const refused = outcome === 'refused' ? refusedAfter(merged.link.refused, push) : merged.link.refused;
  // An accepted delete is verified now; an accepted purge is done.
  const purgeDue = outcome === 'accepted' && push.sentDeleted === true ? !link.purgeDue : link.purgeDue;
  const due = { push: undefined, refused, purgeDue: purgeDue && purges(mapping, merged) };
  const settled = agree(mapping, { ...merged.link, ...due }, merged.row);
  const isLater = outcome === 'refused' && waitsForKey(mapping, settled);
  return { ...merged, link: isLater ? putOff(settled, round.readAt) : settled, outcome: 'settled' };
}

/** The external id was emptied, or has its key: what was refused of it before may be taken now. */
function withoutRefusedKey({ externalIdField }: ObjectMapping, link: Link, { sent }: OpenPush): Link {
  if (externalIdField === undefined || sent[externalIdField] === undefined) return link;
  const { [externalIdField]: _, ...fields } = link.refused.fields;
  return { ...link, refused: { ...link.refused, fields } };
}

/** Whether a delete of ours that has come to this end goes on out of the recycle bin. */
function purges({ deleteRecord }: ObjectMapping, { link, row }: Merged): boolean {
  return deleteRecord === 'hard' && row === undefined && link.base?.deleted === true;
}

/**
 * The base takes what was accepted before the read-back is merged. Otherwise a person's later edit of the same field
 * would look like a conflict, and a trigger that normalises our value would be fought for ever.
 */
export function acknowledge(link: Link, push: OpenPush, readBack: Pick<SalesforceVersion, 'deleted'>): Link {
  if (link.base === undefined) return link;
  const sent = Object.entries(push.sent).map(([field, { value }]) => [field, value] as const);
  const { sentDeleted } = push;
  // A delete is believed only where the record lives again: then a person undeleted it. See `Merge.#deleted`.
  const deleted = sentDeleted === false ? false : sentDeleted === true && !readBack.deleted ? true : link.base.deleted;
  const base = { deleted, fields: { ...link.base.fields, ...Object.fromEntries(sent) } };
  const inexact = inexactOf(link, base);
  return { ...link, base, inexact, wasInside: link.wasInside && sentDeleted !== true };
}

/** Nothing of a push that was not taken is in the record: the same value there is an edit of a person. */
function unsent(link: Link, push: OpenPush): Link {
  return { ...link, push: { ...push, sent: {} } };
}

/** What was refused of an open push joins what was refused before: fields that it has gone without. */
export function refusedAfter({ fields }: Refused, push: OpenPush): Refused {
  const edits = Object.entries(push.sent).filter(([, { filler }]) => !filler);
  if (push.sentDeleted !== undefined) return { ...NOTHING_REFUSED, deleted: push.sentDeleted };
  const sent = Object.fromEntries(edits.map(([field, { value }]) => [field, value]));
  return { fields: { ...fields, ...sent }, deleted: undefined };
}

/**
 * RESTORE. A file showed a value of a pushed field while the push was under way (logged then), and Salesforce now holds
 * ours: the push has overwritten it, unless nothing of it has landed. A filler gives way to it; a real edit gives way unless
 * the policy prefers Postgres.
 */
function restoreSeen(
  mapping: ObjectMapping,
  push: OpenPush | undefined,
  version: SalesforceVersion,
  merged: Merged,
): Merged {
  if (push === undefined || version.deleted || merged.row === undefined) return merged;
  const conflicts: Conflict[] = [];
  const restored: Record<string, CanonicalValue> = {};
  for (const [field, seen] of Object.entries(push.seen)) {
    const sent = push.sent[field];
    const mine = merged.row.fields[field];
    if (sent === undefined || mine === undefined || !seen.sure) continue;
    const each = mapping.fields.find((candidate) => candidate.field === field);
    const theirs = version.fields[field];
    if (each === undefined || theirs === undefined || !isStored(each, sent.value, theirs)) continue;
    if (mine !== sent.value || seen.value === sent.value) continue;
    if (!sent.filler && each.policy === 'postgres') continue;
    restored[field] = seen.value;
    const base = merged.link.base?.fields[field];
    conflicts.push({
      field,
      reason: 'edited during our push',
      base,
      salesforce: seen.value,
      postgres: mine,
      winner: 'salesforce',
    });
  }
  if (conflicts.length === 0) return merged;
  const row = { ...merged.row, fields: { ...merged.row.fields, ...restored } };
  return { link: agree(mapping, merged.link, row), row, conflicts: [...merged.conflicts, ...conflicts] };
}

/** The record's reject is redriven: what was refused is forgotten, and both sides are looked at afresh. */
export function takenUp(link: Link): Link {
  return { ...becomesDue(link, 'read again'), ...NOT_PUT_OFF, dirty: true, refused: NOTHING_REFUSED };
}
