import type { Org, Writer } from '../org.ts';
import { type RowError, rowError, SalesforceError } from '../salesforce-error.ts';
import { commit } from './commit.ts';

/** What became of one row, as collections, SOAP and Bulk report it. */
export interface RowResult {
  readonly id?: string;
  readonly success: boolean;
  readonly created?: boolean;
  readonly errors: readonly RowError[];
}

/** One row's work: answers its id, and whether it was created. */
export interface RowWork {
  readonly object: string;
  readonly id?: string | undefined;
  readonly run: () => { readonly id: string; readonly created?: boolean };
}

/** Thrown to roll everything back when one row of an all-or-none call failed. */
class RolledBack extends Error {}

/**
 * Runs rows as Salesforce does: each by itself, or all or none. An ill-typed value makes the request itself unreadable,
 * so it fails the whole call unless this org is set otherwise.
 */
export function runRows(
  org: Org,
  writer: Writer,
  rows: readonly RowWork[],
  allOrNone: boolean,
  options: { readonly parserErrorsPerRow?: boolean } = {},
): RowResult[] {
  const perRow = options.parserErrorsPerRow === true || org.faults.isOn('parserErrorsPerRow');
  const results: RowResult[] = [];
  const refusals: [string, string][] = [];
  const objects = [...new Set(rows.map((row) => row.object))];
  try {
    commit(org, writer, objects, () => {
      for (const row of rows) {
        try {
          const done = org.records.unitOfWork(row.run);
          results.push({ ...done, success: true, errors: [] });
        } catch (error) {
          if (!(error instanceof SalesforceError)) throw error;
          if (error.code === 'JSON_PARSER_ERROR' && !perRow) throw error;
          refusals.push([row.object, error.code]);
          results.push({ success: false, errors: [rowError(error)] });
        }
      }
      if (allOrNone && refusals.length > 0) throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
    results.forEach((result, i) => {
      if (result.success) results[i] = rolledBack(rows[i]?.id);
    });
  }
  for (const [object, code] of refusals) org.stats.refused(object, code);
  return results;
}

function rolledBack(id: string | undefined): RowResult {
  const message = 'Record rolled back because not all records were valid and the request was using AllOrNone header';
  const errors = [{ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', message, fields: [] }];
  return id === undefined ? { success: false, errors } : { id, success: false, errors };
}
