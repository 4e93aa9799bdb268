/**
 * Salesforce locks the parent of each record that it writes, and records of one parent that are written at once lock each
 * other out. Beside each other they go in one call, or in one part of a job.
 */
import type { FieldValues } from './canonical.ts';
import type { ObjectMapping } from './configuration.ts';
import { isLookup } from './lookups.ts';

/** The records with those of one parent beside each other: the parent by the mapping's first lookup, as the look found it. */
export function inParentOrder<T extends { readonly id: string }>(
  mapping: ObjectMapping,
  looks: readonly { readonly id: string; readonly version?: { readonly fields: FieldValues } | undefined }[],
  records: readonly T[],
): readonly T[] {
  const lookup = mapping.fields.find(isLookup)?.field;
  if (lookup === undefined) return records;
  const parents = new Map(looks.map(({ id, version }) => [id, String(version?.fields[lookup] ?? '')]));
  const parentOf = ({ id }: T) => parents.get(id) ?? '';
  return records.toSorted((a, b) => (parentOf(a) < parentOf(b) ? -1 : parentOf(a) > parentOf(b) ? 1 : 0));
}
