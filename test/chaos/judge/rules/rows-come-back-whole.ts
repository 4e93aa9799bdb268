/** A row that went with its record comes back with it as it was: under its key, with the columns that Salesforce never had. */
import type { MappedObject, Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'rows come back whole';

export function rowsComeBackWhole(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { object, salesforceId, row } of history.pairs) {
    const mapping = history.objects.get(object);
    for (const [place, version] of row.entries()) {
      const before = row[place - 1];
      // What the application deletes itself is kept by nobody.
      const isBack = version.kind === 'create' && before?.kind === 'delete' && [before, version].every(isOurs);
      if (before === undefined || !isBack) continue;
      const says =
        version.key === before.key
          ? lostColumn(history, mapping, before, version)
          : 'A row that came back with its record has another key than before.';
      if (says === undefined) continue;
      findings.violate({ rule: RULE, object, salesforceId, rowKey: version.key, says, versions: [before, version] });
    }
  }
  return findings;
}

function isOurs({ writer }: Version): boolean {
  return writer.by === 'sfsync';
}

function lostColumn(
  history: IndexedHistory,
  mapping: MappedObject | undefined,
  before: Version,
  after: Version,
): string | undefined {
  const mapped = new Set(history.fieldsOf(after.object).map(({ field }) => field.column));
  // When a row was last written is another thing after a write.
  const ownColumns = [mapping?.idColumn, mapping?.deletedAt, mapping?.touch, mapping?.lockVersion, 'updated_at'];
  const lost = Object.entries(before.values).find(([column, value]) => {
    const isUnmapped = !mapped.has(column) && !ownColumns.includes(column);
    // A column that a migration has dropped meanwhile is no loss.
    return isUnmapped && column in after.values && JSON.stringify(after.values[column]) !== JSON.stringify(value);
  });
  return lost && `A row that came back with its record has lost what was in its column ${lost[0]}.`;
}
