import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Org, Writer } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import { type QueryResult, runQuery } from '../soql/run-query.ts';
import { CsvError, parseRows } from './bulk-csv.ts';
import { ingestPlan } from './ingest-rows.ts';
import type { Job, JobState, JobStore } from './job-store.ts';

/** Triggers of an org see this many rows at once; a job is durable and interruptible after each such step. */
const ROWS_PER_STEP = 200;
/** Query results kept for reading. */
const MAX_RESULTS = 50;

/** Works on closed jobs in the background, one after the other. Jobs that a restart interrupted go on where they were. */
export class BulkRunner {
  readonly #org: Org;
  readonly #jobs: JobStore;
  readonly #stopping = new AbortController();
  readonly #results = new Map<string, QueryResult>();
  #work: Promise<void> = Promise.resolve();

  constructor(org: Org, jobs: JobStore) {
    this.#org = org;
    this.#jobs = jobs;
    const unfinished = [...jobs.all('ingest'), ...jobs.all('query')].filter((job) => isWaiting(job.state));
    for (const job of unfinished.reverse()) this.enqueue(job.id);
  }

  /** Takes up a job that is UploadComplete. */
  enqueue(id: string): void {
    this.#work = this.#work.then(() => this.#run(id));
  }

  /** What a query job found when it was worked on; after a restart, or when many newer ones were read, it is asked again. */
  queryResult(job: Job): QueryResult {
    const result = this.#results.get(job.id) ?? runQuery(this.#org, job.query ?? '', job.operation === 'queryAll');
    this.#results.set(job.id, result);
    const [oldest] = this.#results.keys();
    if (this.#results.size > MAX_RESULTS && oldest !== undefined) this.#results.delete(oldest);
    return result;
  }

  /** Waits until the step at hand is durable, and takes up no other. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #run(id: string): Promise<void> {
    const job = this.#jobs.get(id);
    if (job === undefined || !isWaiting(job.state) || this.#stopping.signal.aborted) return;
    this.#change(id, { state: 'InProgress' });
    const slow = this.#org.faults.strike('slowBulkJobs', { kind: 'bulk', objects: [job.object], client: job.client });
    if (slow !== undefined)
      await delay(slow.seconds * 1000, undefined, { signal: this.#stopping.signal }).catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) throw error;
      });
    try {
      if (job.kind === 'query') this.#change(id, { processed: this.queryResult(job).rowCount });
      else await this.#ingest(job);
    } catch (error) {
      const expected = error instanceof CsvError || error instanceof SalesforceError;
      const message = expected
        ? error.message
        : `org simulator: ${error instanceof Error ? error.stack : String(error)}`;
      this.#change(id, { state: 'Failed', errorMessage: message });
      return;
    }
    if (!this.#stopping.signal.aborted && this.#jobs.get(id)?.state === 'InProgress')
      this.#change(id, { state: 'JobComplete' });
  }

  async #ingest(job: Job): Promise<void> {
    const [header, ...rows] = parseRows(this.#jobs.data(job.id) ?? '', job);
    if (header === undefined) return;
    const plan = ingestPlan(this.#org, job, header);
    const writer: Writer = { kind: 'bulk', client: job.client, userId: this.#org.identity.userId };
    for (let from = job.processed; from < rows.length; from += ROWS_PER_STEP) {
      await nextTurn();
      const now = this.#jobs.get(job.id);
      if (this.#stopping.signal.aborted || now?.state !== 'InProgress') return;
      const step = rows.slice(from, from + ROWS_PER_STEP);
      this.#org.records.settleInFlight(this.#org.now());
      this.#org.records.unitOfWork(() => {
        const results = plan.run(this.#org, writer, step, from);
        this.#org.records.alongside(() => {
          this.#jobs.addResults(job.id, results);
          const failed = now.failed + results.filter((result) => result.error !== undefined).length;
          this.#change(job.id, { processed: from + step.length, failed });
        });
      });
    }
  }

  #change(id: string, change: Partial<Job>): void {
    const job = this.#jobs.get(id);
    if (job !== undefined) this.#jobs.put({ ...job, ...change, changedAt: this.#org.now() });
  }
}

function isWaiting(state: JobState): boolean {
  return state === 'UploadComplete' || state === 'InProgress';
}
