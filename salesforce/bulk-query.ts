/**
 * Queries by Bulk API 2.0: a job that Salesforce works on by itself, and whose result is read page by page. Made of single
 * calls: jsforce's own reader of results holds all pages of a job in memory and takes the header of each for a record.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { HttpApi } from 'jsforce/lib/http-api.js';
import { InvariantError, RetryableError } from '../core/errors.ts';
import { API_VERSION, calling, type SalesforceConnection } from './connection.ts';

/** Records in one page of a result: some megabytes, whatever the fields. */
const PAGE_RECORDS = 10_000;
const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 5000;
/** Salesforce gives up a query after ten attempts of 2 to 10 minutes each (Bulk API 2.0 guide, query limits). */
const LONGEST_JOB_MS = 2 * 60 * 60 * 1000;

interface QueryJob {
  readonly id: string;
  readonly state: string;
  readonly errorMessage?: string;
}

/** CSV rows by column; an empty cell is null or an empty text. */
export type BulkRow = Readonly<Record<string, string>>;

/**
 * The records of a query, live ones only. Throws RetryableError when Salesforce fails or aborts the job, and what
 * `calling` throws.
 */
export async function* bulkQuery(connection: SalesforceConnection, soql: string): AsyncGenerator<readonly BulkRow[]> {
  const jobs = `/services/data/v${API_VERSION}/jobs/query`;
  const body = JSON.stringify({ operation: 'query', query: soql });
  const headers = { 'content-type': 'application/json' };
  const { id } = await calling(
    connection,
    async () => await connection.request<QueryJob>({ method: 'POST', url: jobs, body, headers }),
  );
  try {
    await untilComplete(connection, `${jobs}/${id}`);
    let locator: string | undefined;
    do {
      const place = locator === undefined ? '' : `&locator=${encodeURIComponent(locator)}`;
      const page = await readPage(connection, `${jobs}/${id}/results?maxRecords=${PAGE_RECORDS}${place}`);
      yield page.rows;
      locator = page.locator;
    } while (locator !== undefined);
  } finally {
    await remove(connection, `${jobs}/${id}`);
  }
}

async function untilComplete(connection: SalesforceConnection, url: string): Promise<void> {
  const startedAt = performance.now();
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LONGEST_POLL_MS)) {
    const job = await calling(connection, async () => await connection.request<QueryJob>(url));
    if (job.state === 'JobComplete') return;
    if (job.state === 'Failed' || job.state === 'Aborted') {
      throw new RetryableError('BULK_JOB_FAILED', `Query job ${job.id} of the Bulk API is ${job.state}.`);
    }
    if (performance.now() - startedAt > LONGEST_JOB_MS) {
      throw new RetryableError('BULK_JOB_TIMEOUT', `Query job ${job.id} of the Bulk API is still ${job.state}.`);
    }
    await pause(wait);
  }
}

async function readPage(connection: SalesforceConnection, path: string) {
  let locator: string | undefined;
  const rows = await calling(connection, async () => {
    const api = new HttpApi(connection, {});
    api.on('response', ({ headers }: { headers: Readonly<Record<string, string | undefined>> }) => {
      locator = headers['sforce-locator'];
    });
    return await api.request<readonly BulkRow[]>({ method: 'GET', url: `${connection.instanceUrl}${path}` });
  });
  // A CSV that jsforce cannot read comes back as text.
  if (!Array.isArray(rows)) throw new InvariantError('BULK_RESULT', 'The Bulk API answered something that is no CSV.');
  return { rows, locator: locator === 'null' ? undefined : locator };
}

/** Salesforce removes a job by itself after seven days, so a failure here does no harm. */
async function remove(connection: SalesforceConnection, url: string): Promise<void> {
  await connection.request({ method: 'DELETE', url }).then(
    () => undefined,
    () => undefined,
  );
}
