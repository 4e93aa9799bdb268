import type { Call } from '../call.ts';
import type { Org } from '../org.ts';
import { toDatetime } from '../records/instant.ts';
import { SalesforceError } from '../salesforce-error.ts';
import { type CsvFormat, DELIMITERS, LINE_ENDINGS } from './bulk-csv.ts';
import type { Job, JobStore } from './job-store.ts';

/** A job as the Bulk API shows it. */
export function jobJson(org: Org, job: Job): object {
  const ingest = job.kind === 'ingest';
  return {
    id: job.id,
    operation: job.operation,
    object: job.object,
    createdById: org.identity.userId,
    createdDate: toDatetime(job.createdAt),
    systemModstamp: toDatetime(job.changedAt),
    state: job.state,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: Number(job.apiVersion),
    jobType: ingest ? 'V2Ingest' : 'V2Query',
    lineEnding: job.lineEnding,
    columnDelimiter: job.columnDelimiter,
    numberRecordsProcessed: job.processed,
    retries: 0,
    totalProcessingTime: job.changedAt - job.createdAt,
    ...(job.errorMessage === undefined ? {} : { errorMessage: job.errorMessage }),
    ...(job.externalIdFieldName === undefined ? {} : { externalIdFieldName: job.externalIdFieldName }),
    ...(ingest
      ? {
          numberRecordsFailed: job.failed,
          apexProcessingTime: 0,
          apiActiveProcessingTime: 0,
          contentUrl: `services/data/v${job.apiVersion}/jobs/ingest/${job.id}/batches`,
        }
      : { isPkChunkingSupported: true }),
  };
}

/** The file format that a new job asks for. Throws INVALIDJOB. */
export function formatOf(asked: Readonly<Record<string, unknown>>): CsvFormat {
  const columnDelimiter = String(asked.columnDelimiter ?? 'COMMA');
  const lineEnding = String(asked.lineEnding ?? 'LF');
  if (!(columnDelimiter in DELIMITERS)) throw invalidJob(`unknown columnDelimiter ${columnDelimiter}`);
  if (!(lineEnding in LINE_ENDINGS)) throw invalidJob(`unknown lineEnding ${lineEnding}`);
  if ((asked.contentType ?? 'CSV') !== 'CSV') throw invalidJob(`unknown contentType ${String(asked.contentType)}`);
  return {
    columnDelimiter: columnDelimiter as CsvFormat['columnDelimiter'],
    lineEnding: lineEnding as CsvFormat['lineEnding'],
  };
}

export function invalidJob(reason: string): SalesforceError {
  return new SalesforceError('INVALIDJOB', `InvalidJob : ${reason}`);
}

/** The job of the URL. Throws NOT_FOUND. */
export function jobOf(jobs: JobStore, call: Call, kind: Job['kind']): Job {
  const job = jobs.get(call.params.job ?? '');
  if (job?.kind === kind) return job;
  throw new SalesforceError('NOT_FOUND', 'The requested resource does not exist', { status: 404 });
}

/** Throws INVALIDJOBSTATE unless the job is in one of the states. */
export function checkState(job: Job, allowed: readonly Job['state'][], action: string): void {
  if (!allowed.includes(job.state))
    throw new SalesforceError('INVALIDJOBSTATE', `InvalidJobState : cannot ${action} a job that is ${job.state}`);
}
