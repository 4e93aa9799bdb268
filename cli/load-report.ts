/** What `sfsync load` prints. Pure: values in, lines out. Ids and row keys, never a value. */

import Table from 'cli-table3';
import type { AmbiguousKey } from '../core/agreement/first-load.ts';
import { needsKey } from '../core/agreement/first-load.ts';
import { DRIFT_CODES } from '../core/mapping/drift.ts';
import type { LoadReport } from '../steps/first-load/compare.ts';
import type { LoadResult } from '../steps/first-load/link.ts';
import { plural } from './terminal.ts';

/** Ambiguous keys that are printed; `--json` has more of them. */
const SHOWN = 20;

/** What was found, before anything is written. */
export function describeLoad(report: LoadReport): string[] {
  const { object, matchBy, inserts, counts, ambiguous, parentsToLoad } = report;
  const { records, rows } = counts;
  const table = new Table({
    head: [object, 'how many', 'what happens'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'left'],
  });
  table.push(
    ['linked already', records.linked, 'nothing'],
    ['matched by Salesforce id', records.byId, 'linked'],
    ['matched by key', records.byKey, matchBy === undefined ? 'no matchBy is configured' : `linked, by ${matchBy}`],
    ['only in Salesforce', records.onlyInSalesforce, 'become rows'],
    ['only in Postgres', rows.onlyInPostgres, inserts ? 'become records' : 'left alone: insert is not configured'],
    ['ambiguous records', records.ambiguous, 'left alone'],
    ['ambiguous rows', rows.ambiguous, 'left alone'],
    ['rows with an unknown id', rows.idNotLive, 'left alone: Salesforce has no such live record'],
  );
  const lines = table.toString().split('\n');
  if (ambiguous.length > 0) lines.push(...describeAmbiguous(ambiguous));
  for (const parent of parentsToLoad) {
    lines.push(
      `! nothing of ${parent} is linked yet: load it first, or lookups of ${object} to it are null until then`,
    );
  }
  if (needsKey(counts, matchBy)) lines.push(`! ${keyNeeded(report)}`);
  return lines;
}

export function keyNeeded({ object, inserts, counts }: LoadReport): string {
  const { onlyInSalesforce } = counts.records;
  const { onlyInPostgres } = counts.rows;
  return `${plural(onlyInSalesforce, 'record')} and ${plural(onlyInPostgres, 'row')} of ${object} may belong together, and nothing shows which: name matchBy in sync.config.ts, or give --without-key to make new rows of all these records${inserts ? ', and new records of all these rows' : ''}`;
}

function describeAmbiguous(keys: readonly AmbiguousKey[]): string[] {
  const shown = keys.slice(0, SHOWN).map(({ salesforceIds, rowKeys }) => {
    return `  ${plural(salesforceIds.length, 'record')} ${some(salesforceIds)}; ${plural(rowKeys.length, 'row')} ${some(rowKeys)}`;
  });
  const more = keys.length > SHOWN ? ['  and more: --json'] : [];
  return ['ambiguous, for they share one key:', ...shown, ...more];
}

const NAMED = 5;

function some(ids: readonly string[]): string {
  return ids.length > NAMED ? `${ids.slice(0, NAMED).join(' ')} ...` : ids.join(' ');
}

/** What was done. */
export function describeResult({ object }: LoadReport, result: LoadResult): string[] {
  const { matched, linked, inserted, updated, newRows, vanished, left, rejected, reasons, due } = result;
  const lines = [
    `${plural(linked, 'pair')} of ${object} linked: ${plural(inserted, 'new row')}, ${plural(updated, 'row')} changed; ${plural(matched, 'row')} got the id of a record`,
  ];
  if (newRows > 0) lines.push(`${plural(newRows, 'row')} will become records`);
  if (due) lines.push('what the rows have and Salesforce lacks is due: the pipeline takes it within minutes');
  if (vanished > 0) lines.push(`${plural(vanished, 'record')} vanished from Salesforce since`);
  if (left > 0) lines.push(`! ${plural(left, 'record')} changed again and again while being read: run it again`);
  if (rejected > 0) lines.push(`! ${plural(rejected, 'record')} refused: \`sfsync rejects\` says why`);
  for (const { code, field } of reasons.filter((reason) => DRIFT_CODES.includes(reason.code)))
    lines.push(`! ${object}.${field} is left out (${code}): \`sfsync check\` says what to change`);
  for (const { code, field, count } of reasons.filter((reason) => !DRIFT_CODES.includes(reason.code)))
    lines.push(`  ${count} x ${code}${field === undefined ? '' : ` ${field}`}`);
  return lines;
}

/** Whether an operator has to look at it. */
export function isClean({ counts }: LoadReport, result: LoadResult | undefined): boolean {
  const ambiguous = counts.records.ambiguous + counts.rows.ambiguous;
  return ambiguous === 0 && (result === undefined || result.rejected + result.left === 0);
}
