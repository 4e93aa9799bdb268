/**
 * A client's write over which sfsync put one that was made without knowing it is in the conflict log, unless a documented limit
 * covers it. What the limits cover is counted here.
 */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { overwrites } from '../index/overwrites.ts';

export const RULE = 'losers are logged';

export function losersLogged(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { of, write, lost, judgement } of overwrites(history)) {
    if (judgement.is === 'excused') findings.excuse(judgement.excuse);
    if (judgement.is !== 'unlogged loser') continue;
    const { side, key } = write.version;
    const source = write.sources[0]?.version;
    findings.violate({
      rule: RULE,
      object: of.pair.object,
      salesforceId: of.pair.salesforceId,
      rowKey: side === 'postgres' ? key : of.pair.row.at(-1)?.key,
      field: of.field.field,
      says: `In ${side} sfsync replaced an edit of ${of.field.field} by one that was made without knowing it, and no conflict lists it.`,
      versions: [...(source === undefined ? [] : [source]), lost.version, write.version],
    });
  }
  return findings;
}
