/** Whether a pair's record and row are there in the end, and what may keep one of them from being as the other is. */
import type { MappedObject, Version } from '../../history/history.ts';
import { normalForm } from '../../history/normal-form.ts';
import type { Excuse } from '../finding.ts';
import type { IndexedHistory } from './indexed-history.ts';
import { nameOf, type Pair } from './pairs.ts';

export interface EndOfPair {
  readonly record: { readonly values: Version['values'] } | undefined;
  readonly row: { readonly values: Version['values']; readonly key: string } | undefined;
}

/** What is live in the end. A row that is marked as deleted is not. */
export function endOf(history: IndexedHistory, { object, salesforceId }: Pair): EndOfPair {
  const name = nameOf(object, salesforceId);
  const record = history.endRecords.get(name);
  const rows = history.endRows.get(name) ?? [];
  const deletedAt = history.objects.get(object)?.deletedAt;
  const isLive = (values: Version['values']) => deletedAt === undefined || (values[deletedAt] ?? null) === null;
  return {
    record: record === undefined || record.deleted ? undefined : record,
    row: rows.find(({ values }) => isLive(values)),
  };
}

/** Why one of the two may be there without the other. */
export function excuseForOne(history: IndexedHistory, pair: Pair, { record, row }: EndOfPair): Excuse | undefined {
  const mapping = history.objects.get(pair.object);
  const link = history.links.get(nameOf(pair.object, pair.salesforceId));
  const rejects = history.rejectsOf(pair).filter(({ open, field }) => open && field === null);
  if (row === undefined && link?.held === true) return 'held';
  if (rejects.length > 0 || history.rejectsOf(pair).some(({ open }) => open)) return 'refused';
  if (record !== undefined && row === undefined && mapping?.deleteRecord === 'ignore') return 'owned by the other side';
  if (record === undefined && row !== undefined) {
    if (mapping?.deleteRow === 'ignore') return 'owned by the other side';
    if (isOutside(mapping, row.values)) return 'outside the filter';
  }
  return undefined;
}

export function isOutside(mapping: MappedObject | undefined, values: Version['values']): boolean {
  if (mapping?.filter === undefined) return false;
  const { column, values: inside } = mapping.filter;
  const text = { type: 'text' };
  return !inside.some((value) => normalForm(text, value) === normalForm(text, values[column]));
}
