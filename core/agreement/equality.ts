/**
 * When a value of the row and one of Salesforce count as equal although they are not. A column may not hold a value exactly:
 * numeric(12,2) makes 1000.01 of 1000.005. Nor may Salesforce: its numbers keep some fifteen digits. Nobody has edited what one
 * side made of the other's value, so nothing is written for it. The base is what Salesforce holds; `link.inexact` is what the row
 * has in its place.
 */
import type { CanonicalValue, FieldValues, RowValue } from '../mapping/canonical.ts';
import { isUnsendable } from '../mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../mapping/configuration.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import type { Base, Link, RowVersion } from './link.ts';

export const NOTHING_INEXACT: Link['inexact'] = {};

/** The version's value as the row's column holds it. */
export function inColumn({ fields, inColumns }: SalesforceVersion, field: string): CanonicalValue | undefined {
  return inColumns?.[field] ?? fields[field];
}

/** The version's values as the row's columns hold them. */
export function fieldsInColumns({ fields, inColumns }: SalesforceVersion): FieldValues {
  return inColumns === undefined ? fields : { ...fields, ...inColumns };
}

/** Whether the row holds what the sides last agreed on, so that it was not edited since. */
export function isAtBase(
  { base, inexact }: Pick<Link, 'base' | 'inexact'>,
  field: string,
  value: RowValue | undefined,
): boolean {
  return value === base?.fields[field] || (value !== undefined && value === inexact[field]);
}

/**
 * Whether the row holds what its column has made of the base, so that the column may hold more of it by now. What Salesforce has
 * rounded is more than the base.
 */
export function isColumns(
  { base, inexact }: Pick<Link, 'base' | 'inexact'>,
  mapping: FieldMapping,
  mine: RowValue | undefined,
): boolean {
  const theirs = base?.fields[mapping.field];
  const stands = mine !== undefined && mine === inexact[mapping.field];
  return stands && theirs !== undefined && !isStored(mapping, mine, theirs);
}

/** A row that has a value of the base itself again: another value that stood for it is an edit from now on. */
export function withoutExact(link: Link, row: RowVersion | undefined): Link {
  const isExact = ([field]: readonly [string, unknown]) => {
    const mine = row?.fields[field];
    return mine !== undefined && mine === link.base?.fields[field];
  };
  const entries = Object.entries(link.inexact);
  return entries.some(isExact)
    ? { ...link, inexact: Object.fromEntries(entries.filter((entry) => !isExact(entry))) }
    : link;
}

/** What still stands for values of a base that takes the place of the link's. */
export function inexactOf(
  { base: before, inexact }: Pick<Link, 'base' | 'inexact'>,
  base: Base | undefined,
): FieldValues {
  const stays = ([field]: readonly [string, unknown]) => before?.fields[field] === base?.fields[field];
  const entries = Object.entries(inexact);
  return entries.every(stays) ? inexact : Object.fromEntries(entries.filter(stays));
}

/** Whether what Salesforce holds is what it stores when it takes our value. */
export function isStored({ type }: Pick<FieldMapping, 'type'>, ours: RowValue, theirs: CanonicalValue): boolean {
  if (ours === theirs) return true;
  return typeof ours === 'string' && typeof theirs === 'string' && type.isStoredAs?.(ours, theirs) === true;
}

/** What the row holds in place of the version's values after the merge. `base`: the one before it. */
export function inexactAfter(
  mapping: ObjectMapping,
  { base, inexact }: { readonly base: Base | undefined; readonly inexact: Link['inexact'] },
  version: SalesforceVersion,
  row: RowVersion | undefined,
): Link['inexact'] {
  const found: Record<string, CanonicalValue> = {};
  for (const each of mapping.fields) {
    const { field } = each;
    const theirs = version.fields[field];
    const mine = row?.fields[field];
    const before = inexact[field];
    // The base stays, and so does what stands for it.
    const isAsBefore = theirs === undefined || theirs === base?.fields[field];
    if (mine !== undefined && mine !== theirs && !isUnsendable(mine) && stands(each, mine, version, isAsBefore)) {
      found[field] = mine;
    } else if (isAsBefore && before !== undefined && mine !== theirs) found[field] = before;
  }
  return Object.keys(found).length === 0 ? NOTHING_INEXACT : found;
}

/** Whether the row's value, which is another one, stands for the version's. `isAsBefore`: Salesforce shows nothing new. */
function stands(mapping: FieldMapping, mine: CanonicalValue, version: SalesforceVersion, isAsBefore: boolean): boolean {
  // What PostgreSQL owns is as the row has it.
  const theirs = version.fields[mapping.field];
  if (theirs === undefined) return false;
  if (mapping.direction !== 'to-salesforce' && mine === inColumn(version, mapping.field)) return true;
  // Only a value that Salesforce was sent has shown what it makes of it.
  return !isAsBefore && isStored(mapping, mine, theirs);
}
