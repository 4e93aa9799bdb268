/**
 * A field that both sides may edit ends as the last write of one of them; and where the other's last write went, the overwrite of it
 * was judged. What this adds to the rules on overwrites is that the end is none of the two.
 */
import { Findings } from '../finding.ts';
import type { Event, FieldHistory } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { endOf } from '../index/lives.ts';
import { overwrites } from '../index/overwrites.ts';

export const RULE = 'final value';

export function finalValue(history: IndexedHistory): Findings {
  const findings = new Findings();
  const excused = new Set<Event>();
  for (const { lost, judgement } of overwrites(history)) if (judgement.is === 'excused') excused.add(lost);
  for (const pair of history.pairs) {
    const { record, row } = endOf(history, pair);
    if (record === undefined || row === undefined) continue;
    for (const of of history.fields(pair)) {
      const last = lastEvents(of);
      const value = history.read({ ...pair.record[0]!, values: record.values }, of.field);
      if (of.field.direction !== 'both' || last.length === 0 || value === undefined) continue;
      if (last.some((event) => event.value === value || excused.has(event) || event.discardedAt !== undefined))
        continue;
      findings.violate({
        rule: RULE,
        object: pair.object,
        salesforceId: pair.salesforceId,
        rowKey: row.key,
        field: of.field.field,
        says: `${of.field.field} ends as neither the last write in Salesforce nor the last one in PostgreSQL.`,
        versions: last.map(({ version }) => version),
      });
    }
  }
  return findings;
}

function lastEvents({ salesforce, postgres }: FieldHistory): Event[] {
  return [salesforce.events.at(-1), postgres.events.at(-1)].filter((event) => event !== undefined);
}
