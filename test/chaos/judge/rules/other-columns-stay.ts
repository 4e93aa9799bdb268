/**
 * What sfsync writes into a row leaves alone the columns that are in no mapping, and the spelling of those whose value stays: white space at
 * the end of a text, fractions of a second. Both are the application's.
 */
import type { MappedObject, Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'other columns stay';

export function otherColumnsStay(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { object, salesforceId, row } of history.pairs) {
    const mapping = history.objects.get(object);
    for (const [place, version] of row.entries()) {
      const before = row[place - 1];
      const isWrite = version.kind === 'update' && version.writer.by === 'sfsync';
      if (!isWrite || before === undefined || before.kind === 'delete') continue;
      const column = changedColumn(history, mapping, before, version);
      const field = respelledField(history, before, version);
      if (column === undefined && field === undefined) continue;
      const says =
        column === undefined
          ? `sfsync wrote to a row and spelled anew what was in ${field}, and stays.`
          : `sfsync wrote to a row and changed its column ${column}, which is in no mapping.`;
      findings.violate({ rule: RULE, object, salesforceId, rowKey: version.key, says, versions: [before, version] });
    }
  }
  return findings;
}

/** By name. Two spellings of a value that count as equal. */
function respelledField(history: IndexedHistory, before: Version, after: Version): string | undefined {
  const of = history.fieldsOf(after.object).find(({ field }) => {
    const [was, is] = [before.values[field.column], after.values[field.column]];
    if (field.type !== 'text' && field.type !== 'datetime') return false;
    if (typeof was !== 'string' || typeof is !== 'string' || was === is) return false;
    return history.read(before, field) === history.read(after, field);
  });
  return of?.field.field;
}

/** By name. One that a migration has added or dropped in between is no write. */
export function changedColumn(
  history: IndexedHistory,
  mapping: MappedObject | undefined,
  before: Version,
  after: Version,
): string | undefined {
  const mapped = history.fieldsOf(after.object).map(({ field }) => field.column);
  // When a row was last written is another thing after a write.
  const own = [mapping?.idColumn, mapping?.deletedAt, mapping?.touch, mapping?.lockVersion, 'updated_at'];
  const kept = new Set([...mapped, ...own]);
  const lost = Object.entries(before.values).find(([column, value]) => {
    const isThere = !kept.has(column) && column in after.values;
    return isThere && JSON.stringify(after.values[column]) !== JSON.stringify(value);
  });
  return lost?.[0];
}
