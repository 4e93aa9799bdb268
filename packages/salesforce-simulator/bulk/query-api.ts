import { type Answer, type Call, jsonObject, noContent, ok, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import { runQuery } from '../soql/run-query.ts';
import { formatRows, writeCell } from './bulk-csv.ts';
import type { BulkRunner } from './bulk-runner.ts';
import { checkState, formatOf, invalidJob, jobJson, jobOf } from './job-json.ts';
import type { Job, JobStore } from './job-store.ts';

/** Rows in one result file when the client does not say. */
const DEFAULT_ROWS = 50_000;

/** `/jobs/query`: a query whose result is read as CSV files, one after the other by `Sforce-Locator`. */
export function bulkQueryRoutes(jobs: JobStore, runner: BulkRunner): readonly Route[] {
  const kind = 'bulk';
  const methods = {
    POST: (org: Org, call: Call) => create(org, call, jobs, runner),
    GET: (org: Org) =>
      ok({ done: true, nextRecordsUrl: null, records: jobs.all('query').map((job) => jobJson(org, job)) }),
  };
  const job = {
    GET: (org: Org, call: Call) => ok(jobJson(org, jobOf(jobs, call, 'query'))),
    PATCH: (org: Org, call: Call) => abort(org, call, jobs),
    DELETE: (_org: Org, call: Call) => {
      jobs.delete(jobOf(jobs, call, 'query').id);
      return noContent;
    },
  };
  return [
    { pattern: 'jobs/query', kind, methods },
    { pattern: 'jobs/query/:job', kind, methods: job },
    { pattern: 'jobs/query/:job/results', kind, methods: { GET: (_org, call) => read(call, jobs, runner) } },
  ];
}

function create(org: Org, call: Call, jobs: JobStore, runner: BulkRunner): Answer {
  const asked = jsonObject(call);
  const operation = String(asked.operation);
  if (operation !== 'query' && operation !== 'queryAll') throw invalidJob(`unknown operation ${operation}`);
  const query = String(asked.query ?? '');
  const { object, columns } = runQuery(org, query, operation === 'queryAll');
  const compound = columns.find(({ field }) => field?.parts !== undefined);
  if (compound !== undefined)
    throw new SalesforceError('API_ERROR', `Selecting compound data not supported in Bulk Query: ${compound.name}`);
  const now = org.now();
  const job: Job = {
    ...formatOf(asked),
    id: jobs.nextId(),
    kind: 'query',
    object: object.name,
    operation,
    apiVersion: call.version,
    createdAt: now,
    changedAt: now,
    state: 'UploadComplete',
    client: call.writer.client,
    externalIdFieldName: undefined,
    query,
    errorMessage: undefined,
    processed: 0,
    failed: 0,
  };
  jobs.put(job);
  runner.enqueue(job.id);
  return ok(jobJson(org, job));
}

function abort(org: Org, call: Call, jobs: JobStore): Answer {
  const job = jobOf(jobs, call, 'query');
  if (jsonObject(call).state !== 'Aborted') throw invalidJob('a query job can only be set to Aborted');
  checkState(job, ['UploadComplete', 'InProgress'], 'abort');
  const aborted: Job = { ...job, state: 'Aborted', changedAt: org.now() };
  jobs.put(aborted);
  return ok(jobJson(org, aborted));
}

function read(call: Call, jobs: JobStore, runner: BulkRunner): Answer {
  const job = jobOf(jobs, call, 'query');
  checkState(job, ['JobComplete'], 'read the results of');
  const result = runner.queryResult(job);
  const from = Number(call.query.get('locator') ?? 0);
  const limit = Number(call.query.get('maxRecords') ?? DEFAULT_ROWS);
  if (!Number.isInteger(from) || !(limit >= 1)) throw invalidJob('locator and maxRecords have to be numbers');
  const to = Math.min(result.rowCount, from + limit);
  const rows = result
    .rows(from, to, job.apiVersion)
    .map((row) => result.columns.map(({ name, field }) => writeCell(follow(row, name), field)));
  return {
    status: 200,
    text: formatRows([result.columns.map(({ name }) => name), ...rows], job),
    contentType: 'text/csv',
    headers: {
      'Sforce-Locator': to < result.rowCount ? String(to) : 'null',
      'Sforce-NumberOfRecords': String(to - from),
    },
  };
}

function follow(row: unknown, path: string): unknown {
  let at = row;
  for (const name of path.split('.'))
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : null;
  return at;
}
