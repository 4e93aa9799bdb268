import { type Answer, type Call, jsonObject, noContent, ok, param, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { notFound } from '../salesforce-error.ts';
import { formatRows, parseRows } from './bulk-csv.ts';
import type { BulkRunner } from './bulk-runner.ts';
import { checkState, formatOf, invalidJob, jobJson, jobOf } from './job-json.ts';
import type { Job, JobStore } from './job-store.ts';

const OPERATIONS = ['insert', 'update', 'upsert', 'delete', 'hardDelete'];

/** `/jobs/ingest`: create, upload, close, poll, results. */
export function ingestRoutes(jobs: JobStore, runner: BulkRunner): readonly Route[] {
  const kind = 'bulk';
  const methods = {
    POST: (org: Org, call: Call) => create(org, call, jobs),
    GET: (org: Org) =>
      ok({ done: true, nextRecordsUrl: null, records: jobs.all('ingest').map((job) => jobJson(org, job)) }),
  };
  const job = {
    GET: (org: Org, call: Call) => ok(jobJson(org, jobOf(jobs, call, 'ingest'))),
    PATCH: (org: Org, call: Call) => changeState(org, call, jobs, runner),
    DELETE: (_org: Org, call: Call) => remove(call, jobs),
  };
  return [
    { pattern: 'jobs/ingest', kind, methods },
    { pattern: 'jobs/ingest/:job', kind, methods: job },
    { pattern: 'jobs/ingest/:job/batches', kind, methods: { PUT: (_org, call) => upload(call, jobs) } },
    { pattern: 'jobs/ingest/:job/:results', kind, methods: { GET: (org, call) => results(org, call, jobs) } },
  ];
}

function create(org: Org, call: Call, jobs: JobStore): Answer {
  const asked = jsonObject(call);
  const object = org.schema.find(String(asked.object));
  const operation = String(asked.operation);
  if (object === undefined) throw invalidJob(`unknown object ${String(asked.object)}`);
  if (!OPERATIONS.includes(operation)) throw invalidJob(`unknown operation ${operation}`);
  const external = asked.externalIdFieldName === undefined ? undefined : String(asked.externalIdFieldName);
  const field = external === undefined ? undefined : object.field(external);
  if (operation === 'upsert' && field?.externalId !== true && field?.type !== 'id')
    throw invalidJob(`externalIdFieldName has to name an external id of ${object.name}`);
  const now = org.now();
  const job: Job = {
    ...formatOf(asked),
    id: jobs.nextId(),
    kind: 'ingest',
    object: object.name,
    operation,
    apiVersion: call.version,
    createdAt: now,
    changedAt: now,
    state: 'Open',
    client: call.writer.client,
    externalIdFieldName: operation === 'upsert' ? field?.name : undefined,
    query: undefined,
    errorMessage: undefined,
    processed: 0,
    failed: 0,
  };
  jobs.put(job);
  return ok(jobJson(org, job));
}

function upload(call: Call, jobs: JobStore): Answer {
  const job = jobOf(jobs, call, 'ingest');
  checkState(job, ['Open'], 'upload to');
  if (jobs.data(job.id) !== undefined) throw invalidJob('the data of a job are uploaded once');
  jobs.setData(job.id, call.body);
  return { status: 201 };
}

function changeState(org: Org, call: Call, jobs: JobStore, runner: BulkRunner): Answer {
  const job = jobOf(jobs, call, 'ingest');
  const { state } = jsonObject(call);
  if (state !== 'UploadComplete' && state !== 'Aborted') throw invalidJob(`a job cannot be set to ${String(state)}`);
  checkState(job, state === 'Aborted' ? ['Open', 'UploadComplete', 'InProgress'] : ['Open'], `set to ${state}`);
  const changed: Job = { ...job, state, changedAt: org.now() };
  jobs.put(changed);
  if (state === 'UploadComplete') runner.enqueue(job.id);
  return ok(jobJson(org, changed));
}

function remove(call: Call, jobs: JobStore): Answer {
  const job = jobOf(jobs, call, 'ingest');
  checkState(job, ['UploadComplete', 'JobComplete', 'Aborted', 'Failed'], 'delete');
  jobs.delete(job.id);
  return noContent;
}

function results(org: Org, call: Call, jobs: JobStore): Answer {
  const job = jobOf(jobs, call, 'ingest');
  const which = param(call, 'results').toLowerCase();
  if (!['successfulresults', 'failedresults', 'unprocessedrecords'].includes(which)) throw notFound();
  const [header = [], ...rows] = job.state === 'Failed' ? [] : parseRows(jobs.data(job.id) ?? '', job);
  const done = jobs.results(job.id);
  const table: string[][] = [];
  if (which === 'unprocessedrecords') table.push(...rows.slice(job.processed).map((row) => [...row]));
  else
    for (const { row, id, created, error } of done) {
      const cells = rows[row] ?? [];
      if (which === 'failedresults' && error !== undefined) table.push([id, error, ...cells]);
      if (which === 'successfulresults' && error === undefined) table.push([id, String(created), ...cells]);
    }
  const shuffle = org.faults.strike('shuffledBulkResults', {
    kind: 'bulk',
    objects: [job.object],
    client: call.writer.client,
  });
  if (shuffle !== undefined) table.push(...table.splice(0, Math.ceil(table.length / 2)).reverse());
  const columns = {
    successfulresults: ['sf__Id', 'sf__Created', ...header],
    failedresults: ['sf__Id', 'sf__Error', ...header],
    unprocessedrecords: header,
  }[which];
  return { status: 200, text: formatRows([columns ?? [], ...table], job), contentType: 'text/csv' };
}
