/**
 * A new row on its way to becoming a record, by upsert on an external id that holds the row key. Until the record is known
 * to exist there is no link; this is what is kept instead. From the moment the record is known, by whatever way (the
 * answer, a look, a read-back, a file), the two are an ordinary pair: `adopt` says with which base they begin.
 */
import type { FieldValues } from '../mapping/canonical.ts';
import { isUnlinked, isUnsendable } from '../mapping/canonical.ts';
import type { ObjectMapping } from '../mapping/configuration.ts';
import { outgoingFields } from '../mapping/configuration.ts';
import { alikeKey, externalIdFault } from '../mapping/external-id.ts';
import type { Instant } from '../mapping/instant.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { type Deferrable, NOT_PUT_OFF, putOff } from './due.ts';
import type { Received } from './inbound.ts';
import { mergeFresh } from './inbound.ts';
import type { Link, Pair, RowVersion } from './link.ts';
import { newLink } from './link.ts';
import type { Merged } from './merge.ts';
import { agree } from './merge.ts';
import type { Outcome } from './outbound.ts';

/** An upsert whose outcome is not settled yet. */
export interface InsertionPush {
  readonly id: string;
  readonly sentAt: Instant;
  /** Fields that were null are not in it: a new record takes what Salesforce gives it there. */
  readonly sent: FieldValues;
}

export interface Insertion extends Deferrable {
  /** The value of the external id. */
  readonly rowKey: string;
  /** Goes up with every record that names the row and is passed over: what was read before may be older than it. */
  readonly revision: number;
  /** The row has to be looked at. An insertion that is neither dirty nor open waits: for its parent, or for an edit. */
  readonly dirty: boolean;
  readonly push: InsertionPush | undefined;
  /** What Salesforce refused; not sent again until the row changes or the reject is redriven. */
  readonly refused: FieldValues | undefined;
}

/** A live row that has no link. */
export interface UnlinkedRow extends RowVersion {
  readonly salesforceId: string | undefined;
}

/** An insertion and its row, as one locked read found them; the row is undefined when it is gone. */
export interface NewRow {
  readonly insertion: Insertion;
  readonly row: UnlinkedRow | undefined;
}

/** What an upsert of the row sends: all that Salesforce can store. */
export function newRecord(mapping: ObjectMapping, row: RowVersion): FieldValues {
  const sendable = outgoingFields(mapping).flatMap(({ field }) => {
    const value = row.fields[field];
    return value === undefined || value === null || isUnsendable(value) ? [] : [[field, value] as const];
  });
  return Object.fromEntries(sendable);
}

/** Lookups whose parent row has no Salesforce id yet. Without them the record would have no parent, so it waits. */
export function missingParents(mapping: ObjectMapping, row: RowVersion): string[] {
  return outgoingFields(mapping).flatMap(({ field }) => (isUnlinked(row.fields[field]) ? [field] : []));
}

/**
 * COLLECT. look: Salesforce is to be asked for the record. drop: the row is gone, has a Salesforce id by now, or is outside
 * the row filter (it comes again when it is changed). rest: it
 * waits for a parent, the filter fails for it, its key cannot be an external id, or it was refused and has not changed. An open push is looked at whatever became of the row.
 */
export function nextStep(mapping: ObjectMapping, { insertion, row }: NewRow): 'look' | 'drop' | 'rest' {
  if (insertion.push !== undefined) return 'look';
  if (row === undefined || row.outside === true || row.salesforceId !== undefined) return 'drop';
  if (missingParents(mapping, row).length > 0) return 'rest';
  if (row.outside === 'unknown' || externalIdFault(insertion.rowKey) !== undefined) return 'rest';
  return insertion.refused !== undefined && isSame(insertion.refused, newRecord(mapping, row)) ? 'rest' : 'look';
}

function isSame(one: FieldValues, other: FieldValues): boolean {
  const fields = Object.keys(one);
  return fields.length === Object.keys(other).length && fields.every((field) => one[field] === other[field]);
}

/**
 * The pair as it begins, to be merged with the version by the ordinary rules. After a push the base is what that sent: an
 * edit of the row made since is then an edit, and whatever else Salesforce holds is an edit there. Without a
 * push the record came from elsewhere and names our row: a first merge.
 */
export function adopt(
  mapping: ObjectMapping,
  push: InsertionPush | undefined,
  rowKey: string,
  row: RowVersion | undefined,
  version: SalesforceVersion,
): Pair {
  const link = { ...newLink(version.id, rowKey), base: push && baseOf(mapping, push, version.fields) };
  // Only a row that is inside is sent: one that has left the filter since is to take its record along.
  return { link: { ...link, wasInside: push !== undefined && mapping.filter !== undefined }, row };
}

/**
 * A pair that begins with a record of a file. Files come late and in any order, and one that showed the record's delete was
 * passed over while the record had no link: so it is read afresh.
 */
export function receiveAdopted(received: Received): Received {
  return { ...received, outcome: 'reread', link: { ...received.link, rereadDue: true } };
}

/**
 * A file shows a deleted record that names the row and has no link. Nothing is done about it, but what was read
 * before, and may show it live, no longer counts.
 */
export function passOver(insertion: Insertion): Insertion {
  return { ...insertion, revision: insertion.revision + 1 };
}

/** The row is due no longer: it waits for its parent, or for an edit. */
export function atRest(insertion: Insertion): Insertion {
  return { ...insertion, ...NOT_PUT_OFF, dirty: false };
}

/**
 * PostgreSQL does not take the row as the record that was found has it. While an upsert is open, its record may be ours: what
 * was sent is its base, and nothing else remembers that. So it is looked at again, after a pause.
 */
export function unwrittenInsertion(mapping: ObjectMapping, newRow: NewRow, now: Instant): Insertion {
  const { insertion } = newRow;
  return insertion.push === undefined ? refusedInsertion(mapping, newRow) : putOff({ ...insertion, dirty: false }, now);
}

/** The row as it is now is not sent, before it changes or its reject is redriven. */
export function refusedInsertion(mapping: ObjectMapping, { insertion, row }: NewRow): Insertion {
  const refused = row === undefined ? {} : newRecord(mapping, row);
  return { ...insertion, ...NOT_PUT_OFF, push: undefined, dirty: false, refused };
}

/** The reject of the row is redriven: it is sent again as it is now. */
export function takenUpInsertion(insertion: Insertion): Insertion {
  return { ...insertion, ...NOT_PUT_OFF, refused: undefined, dirty: true };
}

/** Null counts as sent where it was left out: else the value that Salesforce fills in would look like an old one. */
function baseOf(mapping: ObjectMapping, { sent }: InsertionPush, held: FieldValues): Link['base'] {
  const ours = outgoingFields(mapping).map(({ field }) => [field, sent[field] ?? null] as const);
  return { deleted: false, fields: { ...held, ...Object.fromEntries(ours) } };
}

/** A record that names the row, as a look found it. */
export interface NamedRecord {
  readonly version: SalesforceVersion;
  /** It has a link: it is, or was, the record of some row. */
  readonly isLinked: boolean;
}

/** Whether the record becomes the row's. A deleted one does only where the push has made it and it has no link. */
export function isOurs(
  push: InsertionPush | undefined,
  { version, isLinked }: NamedRecord,
  clockSkewMs: number,
): boolean {
  if (!version.deleted) return true;
  // One that was deleted before we sent anything belonged to an earlier row with this key, or to none.
  // Its stamp is a whole second.
  return push !== undefined && !isLinked && version.stamp > push.sentAt - clockSkewMs - 1000;
}

/**
 * Of the keys, those that another one before them may be taken for by Salesforce. Only the first is sent: once its record exists, a
 * look at the next one shows whether Salesforce distinguishes the two.
 */
export function afterOneAlike(keys: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const later = keys.filter((key) => {
    const alike = alikeKey(key);
    if (seen.has(alike)) return true;
    seen.add(alike);
    return false;
  });
  return new Set(later);
}

export type InsertionDecision =
  /** Something has been seen since the look began: the row stays due and is left to the next round. */
  | { readonly outcome: 'left' }
  | { readonly outcome: 'dropped' }
  /** Nothing may be sent now. */
  | { readonly outcome: 'rest'; readonly insertion: Insertion }
  | { readonly outcome: 'push'; readonly insertion: Insertion; readonly fields: FieldValues }
  | (Merged & { readonly outcome: 'adopted' });

export interface InsertionRound {
  /** The insertion's revision when the look or the read-back began. */
  readonly revision: number;
  /** The moment before the look or the read-back. */
  readonly readAt: Instant;
  readonly clockSkewMs: number;
}

/**
 * DECIDE. `look`: the record that names the row, as it is now; undefined: there is none. A push that was open is over by
 * now (the caller has fenced it): where no record is found, it has made none.
 */
export function decideInsertion(
  mapping: ObjectMapping,
  { insertion, row }: NewRow,
  look: NamedRecord | undefined,
  { revision, readAt, clockSkewMs, pushId, now }: InsertionRound & { readonly pushId: string; readonly now: Instant },
): InsertionDecision {
  if (insertion.revision !== revision) return { outcome: 'left' };
  if (look !== undefined && isOurs(insertion.push, look, clockSkewMs)) {
    return { outcome: 'adopted', ...adoptFresh(mapping, { insertion, row }, look.version, readAt) };
  }
  const closed: Insertion = { ...insertion, push: undefined, dirty: false };
  const step = nextStep(mapping, { insertion: closed, row });
  if (step === 'drop' || row === undefined) return { outcome: 'dropped' };
  if (step === 'rest') return { outcome: 'rest', insertion: closed };
  const fields = newRecord(mapping, row);
  const push = { id: pushId, sentAt: now, sent: fields };
  return { outcome: 'push', insertion: { ...closed, push, refused: undefined }, fields };
}

function adoptFresh(mapping: ObjectMapping, { insertion, row }: NewRow, version: SalesforceVersion, readAt: Instant) {
  const pair = adopt(mapping, insertion.push, insertion.rowKey, row, version);
  return mergeFresh(mapping, pair, version, { readAt, unknown: false });
}

export type InsertionSettlement =
  /** What became of the upsert is not known: it stays open until it is fenced. */
  | { readonly outcome: 'open' }
  /** Something has been seen since the read-back began. */
  | { readonly outcome: 'again' }
  /** Nothing was made: the row is due again, or refused. */
  | { readonly outcome: 'closed'; readonly insertion: Insertion }
  | (Merged & { readonly outcome: 'adopted' });

/** How the upsert ended; with the record's id where Salesforce gave one. */
export interface InsertionAnswer {
  readonly outcome: Outcome;
  readonly id: string | undefined;
}

/** SETTLE. `readBack`: the record that names the row, as it is now. */
export function settleInsertion(
  mapping: ObjectMapping,
  { insertion, row }: NewRow,
  readBack: NamedRecord | undefined,
  answer: InsertionAnswer,
  { revision, readAt, clockSkewMs }: InsertionRound,
): InsertionSettlement {
  const { push, rowKey } = insertion;
  if (push === undefined) return { outcome: 'open' };
  if (insertion.revision !== revision) return { outcome: 'again' };
  const isApplied = answer.outcome === 'accepted' || answer.outcome === 'unknown';
  if (readBack !== undefined && isOurs(isApplied ? push : undefined, readBack, clockSkewMs)) {
    // Refused, and there all the same: another program has made the record, and nothing of ours is in it.
    const pushed = { ...insertion, push: isApplied ? push : undefined };
    return { outcome: 'adopted', ...adoptFresh(mapping, { insertion: pushed, row }, readBack.version, readAt) };
  }
  if (answer.outcome === 'accepted' && answer.id !== undefined) {
    const link: Link = { ...newLink(answer.id, rowKey), base: baseOf(mapping, push, {}), rereadDue: true };
    return { outcome: 'adopted', link: agree(mapping, link, row), row, conflicts: [] };
  }
  if (isApplied) return { outcome: 'open' };
  const refused = answer.outcome === 'refused' ? push.sent : undefined;
  // Also after a refusal: the row may have changed since it was sent.
  return { outcome: 'closed', insertion: { ...insertion, push: undefined, refused, dirty: true } };
}
