/** Whatever sfsync deletes on one side was deleted on the other before, in the life that the two share. */
import type { Version } from '../../history/history.ts';
import { Findings, otherSide } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { isOutside } from '../index/lives.ts';
import type { Pair } from '../index/pairs.ts';

export const RULE = 'deletes have makers';

export function deletesHaveMakers(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const sides = { salesforce: pair.record, postgres: pair.row };
    for (const side of ['salesforce', 'postgres'] as const) {
      for (const [place, version] of sides[side].entries()) {
        if (version.kind !== 'delete' || version.writer.by !== 'sfsync') continue;
        if (isMade(sides[side], place, sides[otherSide(side)]) || isByFilter(history, pair, version)) continue;
        const says = `In ${side} sfsync deleted what nobody had deleted on the other side.`;
        const { object, salesforceId, row } = pair;
        findings.violate({ rule: RULE, object, salesforceId, rowKey: row.at(-1)?.key, says, versions: [version] });
      }
    }
  }
  return findings;
}

function isMade(own: readonly Version[], place: number, other: readonly Version[]): boolean {
  const { at } = own[place] as Version;
  const begun = own.slice(0, place).findLast(isBeginning);
  // A parent is brought back for a moment, so that a child that was deleted along with it can be.
  if (begun?.kind === 'undelete' && begun.writer.by === 'sfsync') return true;
  // Late files bring a row to life as of a time before the record was deleted, and then its delete: no delete of it was told before.
  const isTold = own.slice(0, place).some((version) => version.kind === 'delete');
  const isLate = begun?.side === 'postgres' && begun.kind === 'create' && begun.writer.by === 'sfsync' && !isTold;
  const beginnings = other.filter((version) => isBeginning(version) && version.at <= (begun?.at ?? at));
  const since = isLate ? 0 : (beginnings.at(-1)?.at ?? 0);
  return other.some(({ kind, writer, at: moment }) => {
    return (kind === 'delete' || kind === 'purge') && writer.by !== 'sfsync' && moment >= since && moment <= at;
  });
}

function isBeginning({ kind }: Version): boolean {
  return kind === 'create' || kind === 'undelete';
}

/** The row had left the filter of its object. */
function isByFilter(history: IndexedHistory, { object, row }: Pair, { side, at }: Version): boolean {
  const mapping = history.objects.get(object);
  const last = row.findLast((version) => version.at <= at);
  return side === 'salesforce' && last !== undefined && isOutside(mapping, last.values);
}
