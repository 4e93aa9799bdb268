/** sfsync writes a value once: no write of its own that changes nothing follows another, unless a fault made it send again. */
import type { MappedObject, Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'one edit, one write';

/** For how long a fault may make something be repeated. */
const AFTERMATH_MS = 120_000;

export function oneEditOneWrite(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const mapping = history.objects.get(pair.object);
    for (const versions of [pair.record, pair.row]) {
      for (const [place, version] of versions.entries()) {
        const before = versions[place - 1];
        if (before === undefined || !isRepetition(history, mapping, before, version)) continue;
        if (history.faultsIn(before.at - AFTERMATH_MS, version.at).length > 0) {
          findings.excuse('repeated under a fault');
          continue;
        }
        const { object, salesforceId } = pair;
        const says = `In ${version.side} sfsync wrote again what it had written there just before.`;
        findings.violate({
          rule: RULE,
          object,
          salesforceId,
          rowKey: pair.row.at(-1)?.key,
          says,
          versions: [before, version],
        });
      }
    }
  }
  return findings;
}

function isRepetition(
  history: IndexedHistory,
  mapping: MappedObject | undefined,
  before: Version,
  after: Version,
): boolean {
  const bothOurs = before.writer.by === 'sfsync' && after.writer.by === 'sfsync';
  if (!bothOurs || after.kind !== 'update' || before.kind === 'delete' || before.kind === 'undelete') return false;
  const others = [mapping?.idColumn, mapping?.deletedAt].filter((column) => column !== undefined);
  const isSame = history
    .fieldsOf(after.object)
    .every(({ field }) => history.read(before, field) === history.read(after, field));
  return isSame && (after.side === 'salesforce' || others.every((each) => before.values[each] === after.values[each]));
}
