/**
 * sfsync writes a value once: no write of its own that changes nothing follows another, and nothing that was refused is sent again and
 * again, unless a fault made it.
 */
import type { MappedObject, Push, Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import type { Pair } from '../index/pairs.ts';

export const RULE = 'one edit, one write';

/** For how long a fault may make something be repeated. */
const AFTERMATH_MS = 120_000;

export function oneEditOneWrite(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const mapping = history.objects.get(pair.object);
    for (const _ of repeatedPushes(history, pair)) {
      const { object, salesforceId, row, record } = pair;
      const says =
        'The same was sent to Salesforce three times, though nothing had come of it and nothing had changed.';
      const versions = record.slice(-1);
      findings.violate({ rule: RULE, object, salesforceId, rowKey: row.at(-1)?.key, says, versions });
    }
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

/** Of pushes that nothing has come between: the third of those that carry the same. */
function repeatedPushes(history: IndexedHistory, pair: Pair): Push[] {
  const moments = [...pair.record, ...pair.row].map(({ at }) => at);
  let same: Push[] = [];
  const repeated: Push[] = [];
  for (const push of history.pushesOf(pair)) {
    const before = same.at(-1);
    const goesOn =
      before !== undefined &&
      JSON.stringify(before.sent) === JSON.stringify(push.sent) &&
      before.sentDeleted === push.sentDeleted &&
      !moments.some((at) => at > before.sentAt && at <= push.sentAt);
    same = goesOn ? [...same, push] : [push];
    const isUnderFault = history.faultsIn((same[0] as Push).sentAt - AFTERMATH_MS, push.sentAt).length > 0;
    if (same.length === 3 && !isUnderFault) repeated.push(push);
  }
  return repeated;
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
