/** A row that went with its record comes back with it as it was: under its key, with the columns that Salesforce never had. */
import type { Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { changedColumn } from './other-columns-stay.ts';

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
          ? said(changedColumn(history, mapping, before, version))
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

function said(column: string | undefined): string | undefined {
  return column && `A row that came back with its record has lost what was in its column ${column}.`;
}
