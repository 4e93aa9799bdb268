/** In a field that goes one way sfsync writes nothing on the side that owns it, and finds no conflict. */
import type { MappedField, Side } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'one-way fields';

export function oneWayFields(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const { object, salesforceId } = pair;
    for (const of of history.fields(pair)) {
      const owner = ownerOf(of.field);
      if (owner === undefined) continue;
      const field = of.field.field;
      for (const { bySync, version, after, before } of of[owner].writes) {
        const isChange = bySync && version.kind === 'update' && before !== undefined && after.by !== 'rewritten';
        // What it had before is put back with a record or row that comes back.
        if (!isChange || after.side === owner) continue;
        const says = `In ${owner} sfsync changed ${field}, which only ${owner} may edit.`;
        findings.violate({
          rule: RULE,
          object,
          salesforceId,
          rowKey: pair.row.at(-1)?.key,
          field,
          says,
          versions: [version],
        });
      }
      for (const conflict of history.conflictsOf(pair)) {
        if (conflict.field !== field) continue;
        const says = `A conflict lists ${field}, which goes one way.`;
        findings.violate({
          rule: RULE,
          object,
          salesforceId,
          rowKey: conflict.rowKey ?? undefined,
          field,
          says,
          versions: [],
        });
      }
    }
  }
  return findings;
}

function ownerOf({ direction }: MappedField): Side | undefined {
  if (direction === 'both') return undefined;
  return direction === 'to-postgres' ? 'salesforce' : 'postgres';
}
