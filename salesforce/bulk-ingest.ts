/**
 * Updates by a job of Bulk API 2.0: one upload, on which Salesforce works by itself. Nothing is written before the job
 * is closed, and any later call that has its id can go on with it or end it. So the id is kept before the job is closed,
 * and no record is sent twice, whichever call dies.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { OutcomeLine, PushLine } from '../core/contracts/outbound-tasks.ts';
import { classifySalesforce } from '../core/error-classification.ts';
import { InvariantError, RetryableError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import { bulkCsv, recordErrorOf } from './bulk-csv.ts';
import { sendInCollections } from './collections.ts';
import { API_VERSION, callFailed, calling, codeOf, inSession, type SalesforceConnection } from './connection.ts';
import { patch } from './push.ts';
import { notApplied, type PushTarget, type RecordError, refusedUpdate, TOO_LATE, unaccepted } from './record-answer.ts';

const JOBS = `/services/data/v${API_VERSION}/jobs/ingest`;
const FIRST_POLL_MS = 250;
const LONGEST_POLL_MS = 10_000;
/** A job that is aborted is soon over; if not, the call is tried again. */
const LONGEST_STOP_MS = 60_000;

/** The code of a RetryableError that is thrown although something was sent: the same push goes on by its job's id. */
export const UNDER_WAY = 'BULK_JOB_UNDER_WAY';

interface IngestJob {
  readonly id: string;
  readonly state: string;
  readonly numberRecordsProcessed?: number;
}

/**
 * Writes changed fields by a new job, and sees it through. `keep` stores its id. Throws a RetryableError while nothing is
 * written yet, and one with the code UNDER_WAY afterwards.
 */
export async function pushByBulk(
  target: PushTarget,
  lines: readonly PushLine[],
  keep: (jobId: string) => Promise<void>,
): Promise<OutcomeLine[]> {
  if (Date.now() > target.notAfter) return lines.map(({ id }) => notApplied(id, TOO_LATE));
  const { csv, rows } = bulkCsv(target.mapping, lines);
  let jobId: string;
  try {
    jobId = await prepared(target, csv, keep);
  } catch (error) {
    // What else the push holds has been sent by now, and must not be sent again.
    if (!target.sent.any || !(error instanceof RetryableError)) throw error;
    return lines.map(({ id }) => notApplied(id, error.code));
  }
  target.sent.any = true;
  const outcomes = await seeThrough(target, rows, jobId);
  return [...outcomes, ...lines.slice(rows.length).map(({ id }) => notApplied(id, 'BULK_JOB_FULL'))];
}

/** A job that holds the upload and is not closed. */
async function prepared(
  { connection, mapping }: PushTarget,
  csv: string,
  keep: (jobId: string) => Promise<void>,
): Promise<string> {
  const asked = { object: mapping.object, operation: 'update', contentType: 'CSV', lineEnding: 'LF' };
  const { id } = await send<IngestJob>(connection, 'POST', JOBS, JSON.stringify(asked));
  failpoint('bulk:job-made');
  try {
    await keep(id);
    failpoint('bulk:job-kept');
    await send(connection, 'PUT', `${JOBS}/${id}/batches`, csv, 'text/csv');
    failpoint('bulk:uploaded');
  } catch (error) {
    // A job that was never closed writes nothing, whether or not it can be taken away.
    await changeState(connection, id, 'Aborted').catch(() => undefined);
    throw error;
  }
  return id;
}

/**
 * Goes on with a job that another call has made: its answers are definite. A job that was not closed is ended, and its
 * records are not applied.
 */
export async function goOnWithBulk(
  target: PushTarget,
  lines: readonly PushLine[],
  jobId: string,
): Promise<OutcomeLine[]> {
  const job = await calling(target.connection, async () => await jobOf(target.connection, jobId));
  if (job === undefined) return lines.map(({ id }) => ({ id, outcome: 'unknown' }));
  if (job.state === 'Open') {
    const { state, numberRecordsProcessed = 0 } = await stop(target.connection, jobId);
    if (state === 'Aborted' && numberRecordsProcessed === 0) {
      return lines.map(({ id }) => notApplied(id, 'BULK_JOB_ABORTED'));
    }
  }
  return seeThrough(target, lines, jobId);
}

/** Returns once nothing of the job can land any more. Throws RetryableError while that is not certain. */
export async function endBulkJob(connection: SalesforceConnection, jobId: string): Promise<void> {
  await stop(connection, jobId);
}

async function seeThrough(target: PushTarget, lines: readonly PushLine[], jobId: string): Promise<OutcomeLine[]> {
  try {
    const job = await follow(target, jobId);
    return await outcomesOf(target, lines, job);
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    throw new RetryableError(UNDER_WAY, `Bulk job ${jobId} of ${target.mapping.object} is not settled yet.`, {
      cause: error,
    });
  }
}

/** Closes the job and waits until it is final; when the deadline comes first, it is aborted. */
async function follow({ connection, notAfter }: PushTarget, jobId: string): Promise<IngestJob> {
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LONGEST_POLL_MS)) {
    const job = await calling(connection, async () => await jobOf(connection, jobId));
    if (job === undefined) throw new InvariantError('BULK_JOB_GONE', `Bulk job ${jobId} was deleted.`);
    if (isFinal(job)) return job;
    if (Date.now() > notAfter) return await stop(connection, jobId);
    // Whether a request to close it went through, although its answer was lost, shows in the state at the next look.
    if (job.state === 'Open') {
      await inSession(connection, () => changeState(connection, jobId, 'UploadComplete')).catch(ignoreRetryable);
    }
    await pause(Math.max(0, Math.min(wait, notAfter - Date.now())));
  }
}

async function stop(connection: SalesforceConnection, jobId: string): Promise<IngestJob> {
  const until = Date.now() + LONGEST_STOP_MS;
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LONGEST_POLL_MS)) {
    const job = await calling(connection, async () => await jobOf(connection, jobId));
    if (job === undefined) return { id: jobId, state: 'Aborted' };
    if (isFinal(job)) return job;
    if (Date.now() > until) {
      throw new RetryableError('BULK_JOB_TIMEOUT', `Bulk job ${jobId} is still ${job.state}, though it was aborted.`);
    }
    await inSession(connection, () => changeState(connection, jobId, 'Aborted')).catch(ignoreRetryable);
    await pause(wait);
  }
}

/** Its effect shows in the job's state. A refusal because the state has changed since is no fault either. */
function ignoreRetryable(error: unknown): void {
  if (codeOf(error) === 'INVALIDJOBSTATE') return;
  const failure = callFailed(error);
  if (!(failure instanceof RetryableError)) throw failure;
}

function isFinal({ state }: IngestJob): boolean {
  return state === 'JobComplete' || state === 'Failed' || state === 'Aborted';
}

async function outcomesOf(target: PushTarget, lines: readonly PushLine[], job: IngestJob): Promise<OutcomeLine[]> {
  const results = (name: string) => readResults(target.connection, `${JOBS}/${job.id}/${name}`);
  const accepted = new Set((await results('successfulResults')).map(({ Id }) => Id));
  const errors = new Map<string, RecordError>();
  for (const { Id = '', sf__Error = '' } of await results('failedResults')) errors.set(Id, recordErrorOf(sf__Error));
  const untouched = new Set((await results('unprocessedrecords')).map(({ Id }) => Id));
  const nothing = job.state === 'Failed' && (job.numberRecordsProcessed ?? 0) === 0;

  const outcomes: OutcomeLine[] = [];
  const alone: PushLine[] = [];
  for (const line of lines) {
    const error = errors.get(line.id);
    const isUntouched = untouched.has(line.id) || nothing;
    if (accepted.has(line.id)) outcomes.push({ id: line.id, outcome: 'accepted' });
    else if (error !== undefined && classifySalesforce(error.statusCode) === 'retry') alone.push(line);
    else if (error !== undefined) outcomes.push(unaccepted(target.mapping, line.id, error, refusedUpdate));
    // A job that fails as a whole has no reason for each record; a collection has.
    else if (isUntouched && job.state === 'Failed') alone.push(line);
    else if (isUntouched) outcomes.push(notApplied(line.id, `BULK_JOB_${job.state.toUpperCase()}`));
    else outcomes.push({ id: line.id, outcome: 'unknown' });
  }
  // What was locked by others of its parent is tried again with fewer beside it.
  const sent = { any: true };
  const others = await sendInCollections({ ...target, sent }, alone, (part) => patch(target, part), refusedUpdate);
  return [...outcomes, ...others];
}

type ResultRow = Readonly<Record<string, string>>;

async function readResults(connection: SalesforceConnection, url: string): Promise<readonly ResultRow[]> {
  const rows = await calling(connection, async () => await connection.request<readonly ResultRow[]>(url));
  // A CSV that jsforce cannot read comes back as text.
  if (Array.isArray(rows)) return rows;
  throw new InvariantError('BULK_RESULT', 'The Bulk API answered something that is no CSV.');
}

/** undefined: there is no such job (any more: Salesforce keeps one for seven days). */
async function jobOf(connection: SalesforceConnection, jobId: string): Promise<IngestJob | undefined> {
  try {
    return await connection.request<IngestJob>(`${JOBS}/${jobId}`);
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function changeState(connection: SalesforceConnection, jobId: string, state: string): Promise<IngestJob> {
  const body = JSON.stringify({ state });
  const headers = { 'content-type': 'application/json' };
  return connection.request<IngestJob>({ method: 'PATCH', url: `${JOBS}/${jobId}`, body, headers }).then((job) => job);
}

/** jsforce repeats a PUT by itself; a second upload to one job is refused. */
const ONCE = { retry: { methods: [] } };

function send<T>(
  connection: SalesforceConnection,
  method: 'POST' | 'PUT',
  url: string,
  body: string,
  type = 'application/json',
): Promise<T> {
  // jsforce writes the token and the length of the body into the headers that it is given: they are for one request.
  const headers = { 'content-type': type };
  return calling(connection, async () => await connection.request<T>({ method, url, body, headers }, ONCE));
}
