/**
 * A client's write over which sfsync put one that was made without knowing it is in the conflict log, unless a documented limit
 * covers it. What the limits cover is counted here.
 */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { overwrites, violationOf } from '../index/overwrites.ts';

export const RULE = 'losers are logged';

export function losersLogged(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const overwrite of overwrites(history)) {
    const { of, judgement } = overwrite;
    if (judgement.is === 'excused') findings.excuse(judgement.excuse);
    if (judgement.is !== 'unlogged loser') continue;
    const { field } = of.field;
    const says = `replaced an edit of ${field} by one that was made without knowing it, and no conflict lists it`;
    findings.violate(violationOf(RULE, overwrite, says));
  }
  return findings;
}
