/** One row for a record, one record for a row: none is lost, none is doubled. */
import type { Version } from '../../history/history.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { isOutside } from '../index/lives.ts';
import { nameOf } from '../index/pairs.ts';

export const RULE = 'one to one';

export function oneToOne(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const { object, salesforceId, recordIsMade, rowIsMade, record, row } = pair;
    const first = [record[0], row[0]].filter((each) => each !== undefined);
    if (!recordIsMade && !rowIsMade && first.every(({ writer }) => writer.by === 'sfsync')) {
      const says = 'sfsync made both the record and its row; no client made either: one of something else is doubled.';
      findings.violate({ rule: RULE, object, salesforceId, rowKey: row[0]?.key, says, versions: first });
    }
    const rows = history.endRows.get(nameOf(object, salesforceId)) ?? [];
    if (rows.length > 1) {
      const says = `In the end ${rows.length} rows carry the id of one record.`;
      findings.violate({ rule: RULE, object, salesforceId, rowKey: rows[1]?.key, says, versions: row.slice(-2) });
    }
  }
  for (const version of history.paired.unpaired) judgeNewRow(history, findings, version);
  return findings;
}

/** A row that never got a record, though its object takes new rows. */
function judgeNewRow(history: IndexedHistory, findings: Findings, version: Version): void {
  const { object, key, kind, values } = version;
  const mapping = history.objects.get(object);
  if (kind === 'delete' || mapping?.insert !== true) return;
  const isListed = history.rejects.some(({ open, rowKey, object: of }) => open && rowKey === key && of === object);
  const excuse = isListed
    ? 'refused'
    : isOutside(mapping, values)
      ? 'outside the filter'
      : hasParentWithoutRecord(history, version)
        ? 'waiting'
        : undefined;
  if (excuse !== undefined) {
    findings.excuse(excuse);
    return;
  }
  const says = 'A new row has no record in the end, and nothing lists it.';
  findings.violate({ rule: RULE, object, rowKey: key, says, versions: [version] });
}

/** It waits for the record of its parent. */
function hasParentWithoutRecord(history: IndexedHistory, version: Version): boolean {
  return history.fieldsOf(version.object).some(({ field }) => {
    if (field.type !== 'reference') return false;
    const parent = history.read(version, field);
    if (typeof parent !== 'string') return false;
    const record = history.endRecords.get(nameOf(field.parent ?? '', parent));
    return record === undefined || record.deleted;
  });
}
