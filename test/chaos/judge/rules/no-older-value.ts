/** At no time does sfsync put a value in the place of one whose maker had it before him. */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { overwrites } from '../index/overwrites.ts';

export const RULE = 'no older value';

export function noOlderValue(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { of, write, lost, judgement } of overwrites(history)) {
    if (judgement.is !== 'older value back') continue;
    const { side, key } = write.version;
    const source = write.sources[0]?.version;
    findings.violate({
      rule: RULE,
      object: of.pair.object,
      salesforceId: of.pair.salesforceId,
      rowKey: side === 'postgres' ? key : of.pair.row.at(-1)?.key,
      field: of.field.field,
      says: `In ${side} sfsync put back a value of ${of.field.field} that came before the one it replaced.`,
      versions: [...(source === undefined ? [] : [source]), lost.version, write.version],
    });
  }
  return findings;
}
