import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import type { QueryPage, SalesforceClient, SalesforceRecord } from './salesforce-client.ts';
import { SalesforceError } from './salesforce-error.ts';

export const BulkJob = z.object({ id: z.string(), state: z.string(), errorMessage: z.string().nullish() });

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 5_000;

/** Waits until a Bulk API 2.0 job has ended. Throws SalesforceError unless it ended in `JobComplete`. */
export async function awaitBulkJob(salesforce: SalesforceClient, path: string, signal: AbortSignal): Promise<void> {
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_POLL_MS)) {
    const job = BulkJob.parse(JSON.parse((await salesforce.request({ method: 'GET', path })).text));
    if (job.state === 'JobComplete') return;
    if (job.state === 'Failed' || job.state === 'Aborted') {
      throw new SalesforceError(
        200,
        `BULK_JOB_${job.state.toUpperCase()}`,
        `job ${job.id}: ${job.errorMessage ?? 'no reason given'}`,
      );
    }
    await delay(pauseMs, undefined, { signal });
  }
}

/**
 * The pages of a query by Bulk API 2.0. Its CSV knows no types: every value is a string, an empty cell is null, dates
 * and numbers are spelled as Bulk does (`…000Z`, `23.0`).
 */
export async function* bulkQuery(
  salesforce: SalesforceClient,
  soql: string,
  includeDeleted: boolean,
  signal: AbortSignal,
): AsyncGenerator<QueryPage> {
  const body = JSON.stringify({ operation: includeDeleted ? 'queryAll' : 'query', query: soql, contentType: 'CSV' });
  const created = await salesforce.request({ method: 'POST', path: 'jobs/query', body });
  const { id } = BulkJob.parse(JSON.parse(created.text));
  await awaitBulkJob(salesforce, `jobs/query/${id}`, signal);
  let locator: string | undefined;
  do {
    const suffix: string = locator === undefined ? '' : `?locator=${encodeURIComponent(locator)}`;
    const { text, headers } = await salesforce.request({ method: 'GET', path: `jobs/query/${id}/results${suffix}` });
    const rows: Record<string, string>[] = parse(text, { columns: true, skip_empty_lines: true });
    const records = rows.map(blankToNull);
    yield { records, totalSize: records.length, bytes: Buffer.byteLength(text) };
    // The header holds the word "null" on the last page.
    const next = headers.get('sforce-locator');
    locator = next === null || next === 'null' ? undefined : next;
  } while (locator !== undefined);
}

function blankToNull(row: Readonly<Record<string, string>>): SalesforceRecord {
  return Object.fromEntries(Object.entries(row).map(([field, text]) => [field, text === '' ? null : text]));
}
