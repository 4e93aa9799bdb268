/**
 * What the writes of sfsync have left in a row beside its fields: a lock version, and the time of the change. The link remembers both. A row
 * with an older lock version was written by an application that had read it before, and so does not know what sfsync has put there: what
 * it holds in such a field is no answer to it. A row with that time of change was not edited since.
 *
 * sfsync raises a lock version by more than one. An application that writes a row as it has read it, with the lock version that follows (ActiveRecord
 * asks for the one that it has read, and then nothing is written), leaves one in between, and so do further writes on top of that: they
 * are told apart from a write that leaves the lock version alone.
 */
import type { CanonicalValue, RowValue } from '../mapping/canonical.ts';
import { isUnsendable } from '../mapping/canonical.ts';
import type { Instant } from '../mapping/instant.ts';
import { isAtBase } from './equality.ts';
import type { Link, RowVersion } from './link.ts';

/** By how much a write of sfsync raises a lock version. */
export const RAISE = 100;

/** A value of the row that sfsync has replaced. */
export interface ReplacedField {
  readonly value: CanonicalValue;
  /** What Salesforce had instead: while the sides agree on that, nothing was sent or taken since. */
  readonly by: CanonicalValue;
  /** Which the row got with it. */
  readonly lockVersion: number;
}

export interface Written {
  readonly replaced: Readonly<Record<string, ReplacedField>>;
  /** The time of the change, as the column spells it, and when the application had edited the row before; absent: not known. */
  readonly touched?: { readonly at: string; readonly editedAt: Instant | null };
}

export const NOTHING_WRITTEN: Written = { replaced: {} };

export function isNothing({ replaced, touched }: Written): boolean {
  return touched === undefined && Object.keys(replaced).length === 0;
}

/** What a write has left in the columns that sfsync fills, as the table has it. */
export interface Left {
  readonly lockVersion: number | undefined;
  readonly touchedAt: string | undefined;
}

/** A row before a write of sfsync and after it, and the fields that the write has set. */
export interface RowWritten {
  readonly before: Pick<RowVersion, 'fields' | 'editedAt'> | undefined;
  readonly after: Pick<RowVersion, 'fields'> | undefined;
  readonly fields: readonly string[];
}

/**
 * The link after a write to its row. What the row has got, and Salesforce has not (a value that a push has overwritten there comes back
 * that way), is listed as a conflict already: the next edit stands.
 */
export function afterWrite(link: Link, { before, after, fields }: RowWritten, left: Left): Link {
  const { lockVersion, touchedAt } = left;
  if (lockVersion === undefined && touchedAt === undefined) return link;
  const replaced = { ...link.written.replaced };
  for (const field of fields) {
    delete replaced[field];
    const value = before?.fields[field];
    const by = link.base?.fields[field];
    if (lockVersion === undefined || value === undefined || by === undefined || isUnsendable(value)) continue;
    if (isAtBase(link, field, after?.fields[field])) replaced[field] = { value, by, lockVersion };
  }
  const touched = touchedAt === undefined ? {} : { touched: { at: touchedAt, editedAt: before?.editedAt ?? null } };
  return { ...link, written: { replaced, ...touched } };
}

/** When the application has edited the row; `changedAt`: what its column says, as text. */
export function editedBefore(
  { written: { touched } }: Link,
  changedAt: string | undefined,
): Instant | null | undefined {
  return touched !== undefined && touched.at === changedAt ? touched.editedAt : undefined;
}

/**
 * What the field held for the application that has written the row as it is, where that is older than what sfsync has put there; undefined:
 * it knows of that, or the field is as sfsync has left it.
 */
export function staleValue(link: Link, row: RowVersion, field: string): { readonly value: CanonicalValue } | undefined {
  const replaced = link.written.replaced[field];
  if (replaced === undefined || row.lockVersion === undefined || row.lockVersion >= replaced.lockVersion)
    return undefined;
  return link.base?.fields[field] === replaced.by ? { value: replaced.value } : undefined;
}

/** Whether the application has put back, with the whole row, what it had read: that is no edit. */
export function isPutBack(link: Link, row: RowVersion, field: string, mine: RowValue): boolean {
  const stale = staleValue(link, row, field);
  return stale !== undefined && mine === stale.value;
}

/** The link when a merge has judged the row: each stale value is judged once. */
export function withoutStale(link: Link, row: RowVersion | undefined): Link {
  if (row === undefined) return isNothing(link.written) ? link : { ...link, written: NOTHING_WRITTEN };
  const { lockVersion } = row;
  if (lockVersion === undefined) return link;
  const entries = Object.entries(link.written.replaced);
  const kept = entries.filter(([, replaced]) => lockVersion >= replaced.lockVersion);
  if (kept.length === entries.length) return link;
  return { ...link, written: { ...link.written, replaced: Object.fromEntries(kept) } };
}
