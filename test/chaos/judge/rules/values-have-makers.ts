/** Whatever sfsync writes on one side was written on the other before, in this field of this pair. */
import type { Version } from '../../history/history.ts';
import { type Excuse, Findings } from '../finding.ts';
import type { FieldHistory, Write } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { isWaiting } from '../index/overwrites.ts';

export const RULE = 'values have makers';

export function valuesHaveMakers(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    for (const of of history.fields(pair)) {
      for (const write of [...of.salesforce.writes, ...of.postgres.writes]) {
        if (!write.bySync || write.sources.length > 0) continue;
        const excuse = excuseOf(history, of, write);
        if (excuse === 'none needed') continue;
        if (excuse !== undefined) {
          findings.excuse(excuse);
          continue;
        }
        const { side, key } = write.version;
        findings.violate({
          rule: RULE,
          object: pair.object,
          salesforceId: pair.salesforceId,
          rowKey: side === 'postgres' ? key : pair.row.at(-1)?.key,
          field: of.field.field,
          says: `In ${side} sfsync wrote a value of ${of.field.field} that nobody had written on the other side.`,
          versions: [write.version],
        });
      }
    }
  }
  return findings;
}

function excuseOf(history: IndexedHistory, of: FieldHistory, write: Write): Excuse | 'none needed' | undefined {
  const { version, after, value } = write;
  if (after.by === 'filled') return 'filled by Salesforce';
  if (after.by === 'rewritten') return 'rewritten by a trigger';
  if (after.by === 'consequence') return 'consequence';
  if (version.side === 'postgres' && value === null && isWaiting(history, of, write)) return 'waiting';
  if (isBeforeHistory(of, version)) return 'none needed';
  // A row that is new for its record has what the table gives to columns of which Salesforce says nothing.
  if (version.side === 'postgres' && version.kind === 'create' && of.salesforce.events.length === 0)
    return 'none needed';
  return isOfLostTimeline(history, version) ? 'lost by a failover' : undefined;
}

/** The first that is known of a record or row need not be how it was made. */
function isBeforeHistory({ pair }: FieldHistory, version: Version): boolean {
  const first = version.side === 'salesforce' ? pair.record[0] : pair.row[0];
  return version === first && version.kind !== 'create';
}

/** What a server had committed and a standby never got is gone with all that was recorded of it; Salesforce may have it. */
function isOfLostTimeline(history: IndexedHistory, { side, at }: Version): boolean {
  const failovers = history.faultsIn(at - 60_000, at + 1_000).filter(({ name }) => /failover/i.test(name));
  return side === 'salesforce' && failovers.length > 0;
}
