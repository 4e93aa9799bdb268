/** At no time does sfsync put a value in the place of one whose maker had it before him. */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { overwrites, violationOf } from '../index/overwrites.ts';

export const RULE = 'no older value';

export function noOlderValue(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const overwrite of overwrites(history)) {
    if (overwrite.judgement.is !== 'older value back') continue;
    const { field } = overwrite.of.field;
    findings.violate(violationOf(RULE, overwrite, `put back a value of ${field} that came before the one it replaced`));
  }
  return findings;
}
