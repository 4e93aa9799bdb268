/**
 * An edit over which an unchanged field of a file of whole rows has landed is lost in the window, unless a file had shown it by then: it is
 * in the conflict log for that, and comes back.
 */
import type { ListedConflict } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { Event, FieldHistory, Write } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { endOf } from '../index/lives.ts';
import { overwrites, precedes, SEEN } from '../index/overwrites.ts';

export const RULE = 'seen comes back';

export function seenComesBack(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { of, write, lost, judgement } of overwrites(history)) {
    if (judgement.is !== 'excused' || judgement.excuse !== 'window') continue;
    if (!write.sources.every((source) => precedes(source, lost)) || !isSeen(history, of, write, lost)) continue;
    // Users have deleted the record since.
    if (!isLast(of, lost) || lost.discardedAt !== undefined || isBack(history, of, lost)) continue;
    const { object, salesforceId, row } = of.pair;
    const field = of.field.field;
    const says = `A file had shown an edit of ${field} before an unchanged value was written over it, and it did not come back.`;
    const versions = [lost.version, write.version];
    findings.violate({ rule: RULE, object, salesforceId, rowKey: row.at(-1)?.key, field, says, versions });
  }
  return findings;
}

/** The log says so, and the record's stamp was certainly newer than that of the version before: another second. */
function isSeen(history: IndexedHistory, of: FieldHistory, write: Write, { value, version }: Event): boolean {
  const before = of.pair.record[of.pair.record.findIndex((each) => each.sequence === version.sequence) - 1];
  const isSure = before !== undefined && Math.floor(version.at / 1000) > Math.floor(before.at / 1000);
  return (
    isSure &&
    history.conflictsOf(of.pair).some((conflict) => {
      const { field, reason, at, salesforceValue, postgresValue } = conflict;
      const isOfField = field === of.field.field && reason === SEEN && at <= write.version.at;
      const normal = (each: ListedConflict['salesforceValue']) => history.normal(of.field, each, 'salesforce', at);
      // The row had an edit by then, which is sent next: the two are a conflict, and both are listed.
      const isEdited = postgresValue !== null && normal(postgresValue) !== write.value;
      return isOfField && !isEdited && normal(salesforceValue) === value;
    })
  );
}

/** Nobody has written the field since. */
function isLast({ salesforce, postgres }: FieldHistory, lost: Event): boolean {
  return salesforce.events.at(-1) === lost && !postgres.events.some(({ version }) => version.at > lost.version.at);
}

function isBack(history: IndexedHistory, of: FieldHistory, { value }: Event): boolean {
  const { record } = endOf(history, of.pair);
  if (record === undefined) return true;
  const end = record.values[of.field.field];
  return end === undefined || history.normal(of.field, end, 'salesforce', history.history.end.at) === value;
}
