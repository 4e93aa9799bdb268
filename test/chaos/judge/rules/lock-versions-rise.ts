/** Each write of sfsync to a row raises its lock version, so that an application which had read it before is told so. */
import type { Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'lock versions rise';

export function lockVersionsRise(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { object, salesforceId, row } of history.pairs) {
    const { idColumn = '', lockVersion: column } = history.objects.get(object) ?? {};
    if (column === undefined) continue;
    for (const [place, version] of row.entries()) {
      const before = row[place - 1];
      const isWrite = version.kind === 'update' && version.writer.by === 'sfsync';
      // That a new row becomes somebody's record is no change that an application would have to know of.
      const isLinked = before !== undefined && before.values[idColumn] === version.values[idColumn];
      if (!isWrite || !isLinked || before.kind === 'delete') continue;
      if (lockVersion(version, column) > lockVersion(before, column)) continue;
      const says =
        'sfsync wrote to a row and left its lock version as it was: an application may overwrite that unseen.';
      findings.violate({ rule: RULE, object, salesforceId, rowKey: version.key, says, versions: [before, version] });
    }
  }
  return findings;
}

function lockVersion({ values }: Version, column: string): number {
  return Number(values[column] ?? 0);
}
