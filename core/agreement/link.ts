/**
 * The link: what sfsync knows of one pair of a Salesforce record and a row. Everything here is a plain value; the
 * database holds one row per link in `sfsync.link`.
 */
import type { CanonicalValue, FieldValues, RowValues } from '../mapping/canonical.ts';
import { isUnsendable } from '../mapping/canonical.ts';
import type { Delivery, FieldMapping, ObjectMapping } from '../mapping/configuration.ts';
import { outgoingFields } from '../mapping/configuration.ts';
import type { Instant } from '../mapping/instant.ts';
import { type Deferrable, NOT_PUT_OFF } from './due.ts';
import { isAtBase, NOTHING_INEXACT } from './equality.ts';
import { NOTHING_WRITTEN, type Written } from './written.ts';

/** The mapped fields of a live row; `undefined` in place of it means that the row is gone. */
export interface RowVersion {
  readonly fields: RowValues;
  /** When the row was last edited, by the column that the configuration names; undefined: it names none. */
  readonly editedAt?: Instant | undefined;
  /** undefined: the configuration names no column for it. */
  readonly lockVersion?: number | undefined;
  /** The row filter does not let it out. unknown: the filter fails for this row; absent: the object has no filter. */
  readonly outside?: boolean | 'unknown' | undefined;
  /** It is outside because it is a row of another object by now: it has no fields for this one, and is not written. */
  readonly isOthers?: boolean | undefined;
}

/** What Salesforce last held, as far as we know. */
export interface Base {
  readonly deleted: boolean;
  /** A field that is missing here is unknown: it is new in the mapping, and no version of it was ever merged. */
  readonly fields: FieldValues;
}

export function isUnknown({ fields }: Base, field: string): boolean {
  return fields[field] === undefined;
}

/**
 * A field that is unknown after a merge, too. What only PostgreSQL may edit is not taken from Salesforce, and a column that nothing
 * has been written to yet says nothing: it would empty the field in all records.
 */
export function staysUnknown(
  { field, type, direction }: FieldMapping,
  base: Base,
  row: RowVersion | undefined,
): boolean {
  if (direction !== 'to-salesforce' || !isUnknown(base, field)) return false;
  return row === undefined || row.isOthers === true || row.fields[field] === type.blank;
}

/** One field of an open push. A filler is an unchanged field that a CSV of whole rows had to carry. */
export interface SentField {
  readonly value: CanonicalValue;
  readonly filler: boolean;
}

/** What a file showed for a pushed field while the push was open; sure when its stamp was newer than all we had merged. */
export interface SeenField {
  readonly value: CanonicalValue;
  readonly sure: boolean;
  /** Of the newest file that showed it; absent in what was noted before stamps were. */
  readonly stamp?: Instant;
}

/** A push whose outcome is not settled yet. */
export interface OpenPush {
  readonly id: string;
  readonly sentAt: Instant;
  readonly delivery: Delivery;
  readonly sent: Readonly<Record<string, SentField>>;
  /** true: the push deletes the record; false: it revives it; undefined: it leaves that alone. */
  readonly sentDeleted: boolean | undefined;
  readonly seen: Readonly<Record<string, SeenField>>;
}

/** What Salesforce refused, and so is not pushed again until the row changes or the reject is redriven. */
export interface Refused {
  readonly fields: FieldValues;
  /** true: the delete was refused; false: the revive was. */
  readonly deleted: boolean | undefined;
}

export const NOTHING_REFUSED: Refused = { fields: {}, deleted: undefined };

export interface Link extends Deferrable {
  readonly salesforceId: string;
  /** The row's key as text; undefined while no row has been made for the record. */
  readonly rowKey: string | undefined;
  /** undefined until a version of the record has been merged. */
  readonly base: Base | undefined;
  /** Newest stamp merged. */
  readonly highWater: Instant | undefined;
  /** Goes up with every change of the link and with every inbound record. */
  readonly revision: number;
  /** The record is due outbound, and no execution has taken it yet. */
  readonly dirty: boolean;
  /** The moment before the last fresh read that was merged. */
  readonly appliedAt: Instant | undefined;
  /** A re-read was ordered and is not done. */
  readonly rereadDue: boolean;
  /** Lookups whose parent has no row yet: field -> parent id. The column is null until then. */
  readonly waiting: Readonly<Record<string, string>>;
  readonly push: OpenPush | undefined;
  readonly refused: Refused;
  /** What the row holds in place of values of the base that one of the sides cannot hold as the other does (equality.ts). */
  readonly inexact: FieldValues;
  /** What the writes of sfsync have left in the row's lock version and time of change (written.ts). */
  readonly written: Written;
  /** The row has been inside the object's row filter while the record lived: only such a row can leave it. */
  readonly wasInside: boolean;
  /** Our delete is verified, and the record is to be emptied from the recycle bin. */
  readonly purgeDue: boolean;
  /** How the guard against delete storms has judged the record's delete; undefined: it has not, or there is none. */
  readonly guard: 'held' | 'passed' | undefined;
}

/** A link and its row, as one locked read found them. */
export interface Pair {
  readonly link: Link;
  readonly row: RowVersion | undefined;
}

export const NOTHING_WAITS: Link['waiting'] = {};

/** A link about which nothing is known but its Salesforce id (and the row that carries it). */
export function newLink(salesforceId: string, rowKey: string | undefined): Link {
  return {
    salesforceId,
    rowKey,
    base: undefined,
    highWater: undefined,
    revision: 0,
    dirty: false,
    appliedAt: undefined,
    rereadDue: false,
    waiting: NOTHING_WAITS,
    push: undefined,
    refused: NOTHING_REFUSED,
    inexact: NOTHING_INEXACT,
    written: NOTHING_WRITTEN,
    wasInside: false,
    purgeDue: false,
    guard: undefined,
    ...NOT_PUT_OFF,
  };
}

/** Nothing is to be done about the record: it is not put off either. */
export function isIdle({ dirty, rereadDue, push }: Pick<Link, 'dirty' | 'rereadDue' | 'push'>): boolean {
  return !dirty && !rereadDue && push === undefined;
}

/** Whether nothing is known of the record yet, and no row is its: the link only holds its place. */
export function isClaim({ base, rowKey }: Link): boolean {
  return base === undefined && rowKey === undefined;
}

/** A claim of which no step has found anything since it was made: dropping it loses nothing. */
export function isUntouchedClaim(link: Link): boolean {
  return isClaim(link) && link.push === undefined && !link.dirty && !link.rereadDue;
}

/** The row as the merge sees it: a lookup that waits for its parent counts as the parent's id while its column is null. */
export function withWaiting(link: Link, row: RowVersion | undefined): RowVersion | undefined {
  if (row === undefined) return undefined;
  const waiting = Object.entries(link.waiting).filter(([field]) => row.fields[field] === null);
  return waiting.length === 0 ? row : { ...row, fields: { ...row.fields, ...Object.fromEntries(waiting) } };
}

/** What has to be written to Salesforce. */
export type Outgoing =
  | { readonly kind: 'update'; readonly fields: FieldValues }
  | { readonly kind: 'delete' }
  /** Out of the recycle bin, for good. */
  | { readonly kind: 'purge' }
  | { readonly kind: 'revive'; readonly fields: FieldValues };

/** Whether Salesforce shall not have the record: its row is gone, or has left the row filter where that counts as gone. */
export function isGone(mapping: ObjectMapping, link: Link, row: RowVersion | undefined): boolean {
  return row === undefined || (row.outside === true && mapping.filter?.leaving === 'delete' && link.wasInside);
}

/**
 * The link after a look at the row: what was true of the row as it was is forgotten. A record that was deleted has to come
 * back before its row can leave the filter: a person's undelete stands.
 */
export function afterLook(mapping: ObjectMapping, link: Link, row: RowVersion | undefined): Link {
  const outOfReach = row === undefined || (row.outside === true && link.base?.deleted === true);
  const wasInside = row?.outside === false || (link.wasInside && !outOfReach);
  const purgeDue = link.purgeDue && row === undefined && link.base?.deleted === true;
  const same = wasInside === link.wasInside && purgeDue === link.purgeDue;
  const seen = same ? link : { ...link, wasInside, purgeDue };
  const deletes = seen.guard === undefined || outgoing(mapping, seen, row)?.kind === 'delete';
  return deletes ? seen : { ...seen, guard: undefined };
}

/** Whether Salesforce has refused nothing of what the row is now, and no delete is held. */
export function nothingRefused(mapping: ObjectMapping, { link, row }: Pair): boolean {
  const { guard, refused } = link;
  if (guard === 'held') return false;
  if (row === undefined || isGone(mapping, link, row)) return refused.deleted !== true;
  if (refused.deleted === false) return false;
  if (isKeyRefused(mapping, link)) return false;
  return Object.entries(refused.fields).every(([field, value]) => row.fields[field] !== value);
}

/** Whether this is on its way to Salesforce: everything but a delete that is held. */
export function mayGo(link: Link, out: Outgoing | undefined): out is Outgoing {
  return out !== undefined && !(out.kind === 'delete' && link.guard === 'held');
}

/**
 * How the row differs from the base, leaving out a difference that was refused and has not changed since, lookups that wait for
 * their parent and values that have no counterpart in Salesforce. undefined: it does not differ.
 */
export function outgoing(mapping: ObjectMapping, link: Link, row: RowVersion | undefined): Outgoing | undefined {
  const { base, refused, waiting } = link;
  if (base === undefined) return undefined;
  if (row === undefined || isGone(mapping, link, row)) {
    if (refused.deleted === true || mapping.deleteRecord === 'ignore') return undefined;
    if (!base.deleted) return { kind: 'delete' };
    return link.purgeDue ? { kind: 'purge' } : undefined;
  }
  if (row.outside === true || row.outside === 'unknown') return undefined;
  // A row that outlived its record by intent brings nothing back.
  if (base.deleted && mapping.deleteRow === 'ignore') return undefined;
  if (base.deleted && refused.deleted === false) return undefined;
  if (!base.deleted && row.fields === base.fields) return undefined;
  // By itself, for what is refused of it is to hold up nothing else.
  const key = base.deleted ? undefined : changedKey(mapping, link);
  const ofKey =
    key === undefined ? undefined : ({ kind: 'update', fields: { [mapping.externalIdField ?? '']: key } } as const);
  if (ofKey !== undefined && !waitsForKey(mapping, link)) return ofKey;
  // Salesforce refuses a record as a whole. Once one field has changed since, all that differ go again: fields that were
  // refused along with the bad one would otherwise stay behind, due never again and listed no more.
  const fields: Record<string, CanonicalValue> = {};
  let due = false;
  for (const { field } of outgoingFields(mapping)) {
    const value = row.fields[field];
    // What both sides agreed on has to be known first: a merge of a version makes it so.
    if (isUnknown(base, field)) continue;
    const isSame = isAtBase(link, field, value);
    if (!base.deleted && isSame) continue;
    // One that has another value than what it waits for was edited since.
    if (value === undefined || value === waiting[field] || isUnsendable(value)) continue;
    // A record that comes back has what the row only stands for.
    fields[field] = isSame ? (base.fields[field] ?? null) : value;
    due ||= value !== refused.fields[field];
  }
  if (base.deleted) return { kind: 'revive', fields };
  return due ? { kind: 'update', fields } : ofKey;
}

/**
 * What the external id of the record has to become, for its row has another key than it had; null: nothing at first, so that the record
 * whose key it takes over can get its own. undefined: it stays as it is. The base holds it only since the key has changed, as what
 * the record had been given for its row, or null once it was emptied.
 */
export function changedKey(
  { externalIdField }: ObjectMapping,
  { base, rowKey, refused }: Link,
): string | null | undefined {
  if (externalIdField === undefined || rowKey === undefined || base === undefined) return undefined;
  const held = base.fields[externalIdField];
  if (held === undefined || held === rowKey) return undefined;
  const was = refused.fields[externalIdField];
  if (was === null) return undefined;
  // Refused, for another record has that key as yet, and may be waiting for this one's.
  return was === rowKey && held !== null ? null : rowKey;
}

/** The external id was emptied, and the key that it has to become is another record's as yet: it is tried at growing pauses. */
export function waitsForKey(mapping: ObjectMapping, { base, rowKey, refused }: Link): boolean {
  const { externalIdField = '' } = mapping;
  return base?.fields[externalIdField] === null && rowKey !== undefined && refused.fields[externalIdField] === rowKey;
}

/** Whether the key that the external id has to become was refused. */
function isKeyRefused({ externalIdField }: ObjectMapping, { base, rowKey, refused }: Link): boolean {
  if (externalIdField === undefined || rowKey === undefined) return false;
  const held = base?.fields[externalIdField];
  const was = refused.fields[externalIdField];
  return held !== undefined && held !== rowKey && (was === rowKey || was === null);
}

/** What of the refused entries still stands: those whose value the row still has and Salesforce still lacks. */
export function stillRefused(mapping: ObjectMapping, link: Link, row: RowVersion | undefined): Refused {
  const { base, refused } = link;
  if (refused.deleted === undefined && Object.keys(refused.fields).length === 0) return refused;
  const stands = ([field, value]: readonly [string, CanonicalValue]) =>
    field === mapping.externalIdField
      ? isKeyRefused(mapping, link)
      : row?.fields[field] === value && base?.fields[field] !== value;
  const fields = Object.entries(refused.fields).filter(stands);
  const gone = isGone(mapping, link, row);
  const sidesDiffer = base !== undefined && (base.deleted !== gone || link.purgeDue);
  const deleted = sidesDiffer && refused.deleted === gone ? refused.deleted : undefined;
  return { fields: Object.fromEntries(fields), deleted };
}
