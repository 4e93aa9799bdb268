/**
 * A field that both sides may edit ends as the last write of one of them; and where the other's last write went, the overwrite of it
 * was judged. What this adds to the rules on overwrites is that the end is none of the two.
 */
import type { MappedField } from '../../history/history.ts';
import type { Normal } from '../../history/normal-form.ts';
import { Findings } from '../finding.ts';
import type { Event, FieldHistory, SideHistory } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { endOf } from '../index/lives.ts';
import { isWaiting, overwrites } from '../index/overwrites.ts';
import { nameOf } from '../index/pairs.ts';
import { isListed } from './sides-agree.ts';

export const RULE = 'final value';

export function finalValue(history: IndexedHistory): Findings {
  const findings = new Findings();
  const excused = new Set<Event>();
  for (const { lost, judgement } of overwrites(history)) {
    if (judgement.is === 'excused' || judgement.is === 'logged') excused.add(lost);
  }
  for (const pair of history.pairs) {
    const { record, row } = endOf(history, pair);
    if (record === undefined || row === undefined) continue;
    for (const of of history.fields(pair)) {
      const last = lastEvents(of);
      const value = history.read({ ...pair.record[0]!, values: record.values }, of.field);
      if (of.field.direction !== 'both' || last.length === 0 || value === undefined) continue;
      if (last.some((event) => event.value === value || excused.has(event) || event.discardedAt !== undefined))
        continue;
      if (value === null && last.some((event) => isParentGone(history, of.field, event.value))) continue;
      if (isListed(history, pair, history.links.get(nameOf(pair.object, pair.salesforceId)), of.field)) {
        findings.excuse('refused');
        continue;
      }
      if (value === null && last.some((event) => isTakenOut(history, of, event))) {
        findings.excuse('waiting');
        continue;
      }
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

/** With a parent goes what pointed to it. */
function isParentGone({ endRecords }: IndexedHistory, { type, parent }: MappedField, id: Normal): boolean {
  if (type !== 'reference' || parent === undefined || id === null) return false;
  return endRecords.get(nameOf(parent, id))?.deleted !== false;
}

/** A new row named a parent that was deleted: it has no record yet, and so nothing that remembers the parent until that comes back. */
function isTakenOut(history: IndexedHistory, of: FieldHistory, event: Event): boolean {
  const { idColumn = '' } = history.objects.get(of.pair.object) ?? {};
  return of.postgres.writes.some((write) => {
    const isOfNewRow = write.bySync && write.before === event && (write.version.values[idColumn] ?? null) === null;
    return isOfNewRow && write.value === null && isWaiting(history, of, write);
  });
}

function lastEvents({ salesforce, postgres }: FieldHistory): Event[] {
  // How a value came about that sfsync wrote and nobody had made, another rule has judged.
  const last = ({ events }: SideHistory) => events.findLast(({ by }) => by !== 'unexplained');
  return [last(salesforce), last(postgres)].filter((event) => event !== undefined);
}
