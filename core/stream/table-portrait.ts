/**
 * What a mapped table is, as far as edits may be lost or values may change without a row in the WAL: compared by oid, file and
 * numbers, for names come back. Catalog rows of a publication count by oid and xmin, so that what was changed and undone between
 * two looks shows, too.
 */
import { z } from 'zod';
import type { ComparisonReason } from '../contracts/comparison.ts';

export const tablePortrait = z.object({
  /** Its oid; null: there is no table of that name. */
  table: z.string().nullable(),
  /** The file that holds its rows; another one after a rewrite. */
  file: z.string().nullable(),
  /** Partitions by oid: their file, and how they were attached. */
  parts: z.record(z.string(), z.string()),
  /** Catalog rows that put the table into the publication; empty: it is in none, or none is needed. */
  published: z.array(z.string()),
  identity: z.string().nullable(),
  /** Mapped columns by name: number, type, modifier, collation and generation; null: there is none. */
  columns: z.record(z.string(), z.string().nullable()),
  /** The transaction that altered a mapped column last, by name. Most of what it may be says nothing about values. */
  altered: z.record(z.string(), z.string().nullable()).default({}),
  /** Labels of enums by oid. */
  labels: z.record(z.string(), z.string()),
});
export type TablePortrait = z.output<typeof tablePortrait>;

/** Why edits may have been lost between two looks at a table, or values have changed by themselves. */
export function portraitChanges(before: TablePortrait, now: TablePortrait): ComparisonReason[] {
  if (before.table !== now.table) return ['table replaced'];
  const reasons: ComparisonReason[] = [];
  if (before.file !== now.file) reasons.push('table rewritten');
  if (!isSame(before.parts, now.parts)) reasons.push('partitions changed');
  if (before.published.join() !== now.published.join()) reasons.push('publication changed');
  if (before.identity !== now.identity) reasons.push('replica identity changed');
  // A column that was not mapped before is filled by a first merge of its field.
  const columns = Object.keys(before.columns).filter((name) => Object.hasOwn(now.columns, name));
  if (columns.some((name) => before.columns[name] !== now.columns[name])) reasons.push('column changed');
  const labels = Object.keys(before.labels).filter((oid) => Object.hasOwn(now.labels, oid));
  if (labels.some((oid) => before.labels[oid] !== now.labels[oid])) reasons.push('enum renamed');
  return reasons;
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
