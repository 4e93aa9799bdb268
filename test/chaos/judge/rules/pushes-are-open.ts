/** What sfsync changes in a record belongs to a push that is open: nothing lands once a push was settled, or given up. */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'pushes are open';

export function pushesAreOpen(history: IndexedHistory): Findings {
  const findings = new Findings();
  // Only where the run has written down when pushes were closed.
  if (history.history.pushes.every(({ closedAt }) => closedAt === undefined)) return findings;
  for (const pair of history.pairs) {
    for (const of of history.fields(pair)) {
      for (const { bySync, version, before, after } of of.salesforce.writes) {
        // A new record is made by an upsert of its own, before there is a link.
        const isChange = bySync && version.kind === 'update' && before !== undefined && after.side === 'postgres';
        const isLinked = (pair.joined?.at ?? Number.POSITIVE_INFINITY) < version.at;
        if (!isChange || !isLinked || history.openPush(version, of.field) !== undefined) continue;
        const { object, salesforceId } = pair;
        const field = of.field.field;
        const says = `sfsync changed ${field} of a record while no push of it was open.`;
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
    }
  }
  return findings;
}
