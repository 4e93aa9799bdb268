/** What a merge makes of a row: which fields are written, and which lookups wait for their parent from then on. */
import type { CanonicalValue, FieldValues } from '../mapping/canonical.ts';
import { isUnsendable, sendableValues } from '../mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../mapping/configuration.ts';
import type { Link, Pair, RowVersion } from './link.ts';
import { NOTHING_WAITS, withWaiting } from './link.ts';

export interface RowChange {
  readonly kind: 'none' | 'insert' | 'restore' | 'update' | 'delete';
  /** Fields to write, lookups as Salesforce ids. */
  readonly fields: FieldValues;
  /** Lookups that go on waiting: those for which nothing was decided. */
  readonly waiting: Link['waiting'];
}

/** `before` as it was read, `after` as the merge left it. A row without a key has to be made, one with a key was there before. */
export function rowChange(
  mapping: ObjectMapping,
  before: Pair,
  after: RowVersion | undefined,
  rowKey: string | undefined,
): RowChange {
  const row = withWaiting(before.link, before.row);
  if (row === undefined && after === undefined) return { kind: 'none', fields: {}, waiting: NOTHING_WAITS };
  if (after === undefined) return { kind: 'delete', fields: {}, waiting: NOTHING_WAITS };
  if (row === undefined) {
    return {
      kind: rowKey === undefined ? 'insert' : 'restore',
      fields: sendableValues(after.fields),
      waiting: NOTHING_WAITS,
    };
  }
  if (after === row) return { kind: 'none', fields: {}, waiting: stillWaiting(before, {}) };
  const fields: Record<string, CanonicalValue> = {};
  for (const { field } of mapping.fields) {
    const value = after.fields[field];
    // A merge makes no value that cannot be sent.
    if (value !== row.fields[field] && !isUnsendable(value)) fields[field] = value ?? null;
  }
  // The column of a lookup that waits is null already: when the merge decides for null, only the waiting ends.
  const isWritten = Object.entries(fields).some(([field, value]) => value !== before.row?.fields[field]);
  const kind = isWritten ? 'update' : 'none';
  return { kind, fields, waiting: stillWaiting(before, fields) };
}

/** A lookup waits on while its column is still null and nothing new was decided for it. */
function stillWaiting({ link, row }: Pair, decided: FieldValues): Link['waiting'] {
  // It waits for its row, too.
  if (row?.isOthers === true) return link.waiting;
  const waits = (field: string) => !(field in decided) && row?.fields[field] === null;
  const entries = Object.entries(link.waiting);
  return entries.every(([field]) => waits(field))
    ? link.waiting
    : Object.fromEntries(entries.filter(([field]) => waits(field)));
}

/**
 * The change with parents' keys in place of their ids; `keyOf` answers undefined where a parent has no row: the column stays
 * null then, and the field waits for it.
 */
export function withParentKeys<Change extends Pick<RowChange, 'fields' | 'waiting'>>(
  references: readonly FieldMapping[],
  change: Change,
  keyOf: (lookup: FieldMapping, id: string) => string | undefined,
): Change {
  if (references.every(({ field }) => typeof change.fields[field] !== 'string')) return change;
  const fields: Record<string, CanonicalValue> = { ...change.fields };
  const waiting: Record<string, string> = { ...change.waiting };
  for (const lookup of references) {
    const { field } = lookup;
    const id = change.fields[field];
    if (typeof id !== 'string') continue;
    const key = keyOf(lookup, id);
    fields[field] = key ?? null;
    if (key === undefined) waiting[field] = id;
  }
  return { ...change, fields, waiting };
}
