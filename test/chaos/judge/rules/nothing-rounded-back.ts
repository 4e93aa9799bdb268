/** What a column makes of a number that it cannot hold exactly is no edit: it is not sent to Salesforce. */
import type { MappedField, Version } from '../../history/history.ts';
import { normalForm } from '../../history/normal-form.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import type { Pair } from '../index/pairs.ts';

export const RULE = 'nothing is rounded back';

export function nothingRoundedBack(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    for (const { field } of history.fieldsOf(pair.object)) {
      if (field.decimals === undefined) continue;
      for (const [place, version] of pair.record.entries()) {
        const before = pair.record[place - 1];
        if (before === undefined || !isRounded(field, before, version) || isTheClients(pair, field, version)) continue;
        const { object, salesforceId, row } = pair;
        const says = `In Salesforce sfsync replaced ${field.field} by what the column had made of it.`;
        const versions = [before, version];
        findings.violate({
          rule: RULE,
          object,
          salesforceId,
          rowKey: row.at(-1)?.key,
          field: field.field,
          says,
          versions,
        });
      }
    }
  }
  return findings;
}

/** The number is another one, and equal as the column holds it. */
function isRounded(field: MappedField, before: Version, after: Version): boolean {
  const [was, is] = [before.values[field.field], after.values[field.field]];
  const exactly = { type: 'number' };
  return (
    after.writer.by === 'sfsync' &&
    after.kind === 'update' &&
    normalForm(field, was) === normalForm(field, is) &&
    normalForm(exactly, was) !== normalForm(exactly, is)
  );
}

/** A client had written that very number into the row. */
function isTheClients({ row }: Pair, { column, field }: MappedField, { values, at }: Version): boolean {
  const exactly = { type: 'number' };
  return row.some((version, place) => {
    const isChange = row[place - 1]?.values[column] !== version.values[column];
    const isSame = normalForm(exactly, version.values[column]) === normalForm(exactly, values[field]);
    return version.writer.by === 'client' && version.at <= at && isChange && isSame;
  });
}
