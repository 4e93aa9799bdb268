import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { AwsError, type Caller, type EmbeddedAws } from '../service.ts';
import type { ExecutionRecord, ExecutionRecords } from './execution-records.ts';
import type { AppFlowFaults } from './faults.ts';
import type { FlowDefinition, InboundFlow } from './flow-definition.ts';
import { FlowRunError } from './flow-run-error.ts';
import type { FlowState, FlowStore } from './flow-store.ts';
import { runInbound } from './inbound-run.ts';
import { runOutbound } from './outbound-run.ts';
import type { AppFlowQuirks } from './quirks.ts';
import { DatasetDroppedError } from './record-tasks.ts';
import type { RunReports } from './run-reports.ts';
import { noTotals, type RunTotals } from './run-totals.ts';
import { SalesforceClient } from './salesforce-client.ts';
import type { SalesforceConnection } from './salesforce-connection.ts';
import { SalesforceError } from './salesforce-error.ts';
import type { PullWindow } from './soql.ts';
import type { SourceBucket, SourceFile } from './source-files.ts';

/** AppFlow User Guide, Flow triggers: the first incremental run reaches back 30 days. */
const FIRST_WINDOW_MS = 30 * 24 * 3_600_000;

const LISTING = z.object({
  Contents: z.array(z.object({ Key: z.string(), Size: z.number() })).default([]),
  IsTruncated: z.boolean().default(false),
  NextContinuationToken: z.string().nullish(),
});

export interface RunnerParts {
  readonly aws: EmbeddedAws;
  readonly store: DatabaseSync;
  readonly flows: FlowStore;
  readonly records: ExecutionRecords;
  readonly reports: RunReports;
  readonly faults: AppFlowFaults;
  readonly quirks: AppFlowQuirks;
  readonly timeScale: number;
  readonly apiVersion: string;
  readonly clientName: string;
  readonly caller: Caller;
  connection(profileName: string): Promise<SalesforceConnection>;
}

export interface StartedRun {
  readonly executionId: string;
  /** The record as it ended; undefined when the service was stopped meanwhile. */
  readonly ended: Promise<ExecutionRecord | undefined>;
}

interface ActiveRun {
  readonly flowName: string;
  readonly abort: AbortController;
  readonly ended: Promise<unknown>;
}

class RunCanceled extends Error {}
class ServiceStopped extends Error {}

/** Runs flows, one record for each run, and tells the bus and the journal. */
export class FlowRunner {
  readonly #parts: RunnerParts;
  readonly #active = new Map<string, ActiveRun>();
  readonly #fieldsOf = new Map<string, readonly string[]>();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  isRunning(flowName: string): boolean {
    return [...this.#active.values()].some((run) => run.flowName === flowName);
  }

  /** Starts a run; its record stands when this returns. Undefined when an incremental window is empty. */
  begin(flow: FlowDefinition, state: FlowState): StartedRun | undefined {
    const { aws, records } = this.#parts;
    const startedAt = aws.now();
    const window = pullWindow(flow, state, startedAt, this.#parts.timeScale);
    if (window && window.toSeconds <= window.fromSeconds) return undefined;
    const executionId = randomUUID();
    records.begin({ executionId, flowName: flow.name, startedAt, window, totals: noTotals() });
    const abort = new AbortController();
    const ended = this.#run(flow, executionId, abort.signal, state.schemaVersion);
    this.#active.set(executionId, { flowName: flow.name, abort, ended });
    ended
      .catch((error: unknown) => {
        const text = `run ${executionId} could not be brought to an end: ${error instanceof Error ? error.stack : error}`;
        aws.journal.record({ kind: 'fault', subject: flow.name, text });
      })
      .finally(() => this.#active.delete(executionId));
    return { executionId, ended };
  }

  /** Asks runs to end. False when there is no such run in progress. */
  cancel(flowName: string, executionId: string): boolean {
    const run = this.#active.get(executionId);
    const record = this.#parts.records.get(executionId);
    if (run?.flowName !== flowName || record?.status !== 'InProgress') return false;
    this.#parts.records.update(executionId, 'CancelStarted', record.totals, undefined, this.#parts.aws.now());
    run.abort.abort(new RunCanceled('the run was cancelled'));
    return true;
  }

  /** Ids of the flow's runs in progress. */
  activeRuns(flowName: string): readonly string[] {
    return [...this.#active].filter(([, run]) => run.flowName === flowName).map(([executionId]) => executionId);
  }

  /** Drops all runs; their records stay in progress, as after the death of the process, until the next start. */
  async stop(): Promise<void> {
    const runs = [...this.#active.values()];
    for (const run of runs) run.abort.abort(new ServiceStopped('the service was stopped'));
    await Promise.allSettled(runs.map(({ ended }) => ended));
  }

  /** Marks the runs that died with the process. Rows and files that they had written stay. */
  async recover(definition: (flowName: string) => FlowDefinition | undefined): Promise<void> {
    for (const record of this.#parts.records.open()) {
      if (this.#active.has(record.executionId)) continue;
      const cancelled = record.status === 'CancelStarted';
      const message = cancelled ? undefined : 'InternalServerException: the run was interrupted, AppFlow was restarted';
      await this.#end(definition(record.flowName), record, cancelled ? 'Canceled' : 'Error', record.totals, message);
    }
  }

  async #run(
    flow: FlowDefinition,
    executionId: string,
    signal: AbortSignal,
    schemaVersion: number,
  ): Promise<ExecutionRecord | undefined> {
    const { records, reports, faults } = this.#parts;
    const record = records.get(executionId);
    if (!record) throw new Error(`run ${executionId} has no record`);
    const totals = noTotals();
    try {
      await reports.started(flow, record);
      await faults.pass(flow.name, 'start', executionId, signal);
      const injected = faults.takeFailure(flow.name);
      if (injected !== undefined) throw new FlowRunError(injected);
      await this.#move(flow, record, totals, signal, schemaVersion);
      await faults.pass(flow.name, 'end', executionId, signal);
      signal.throwIfAborted();
      return await this.#end(flow, record, 'Successful', totals, undefined);
    } catch (error) {
      if (signal.reason instanceof ServiceStopped) return undefined;
      if (signal.reason instanceof RunCanceled) return await this.#end(flow, record, 'Canceled', totals, undefined);
      return await this.#end(flow, record, 'Error', totals, toMessage(error));
    }
  }

  async #move(
    flow: FlowDefinition,
    record: ExecutionRecord,
    totals: RunTotals,
    signal: AbortSignal,
    schemaVersion: number,
  ): Promise<void> {
    const { quirks, faults, apiVersion, clientName } = this.#parts;
    const { executionId, startedAt, window } = record;
    const connection = await this.#parts.connection(flow.profileName);
    const salesforce = new SalesforceClient(connection, apiVersion, clientName, signal);
    const put = (Bucket: string, Key: string, Body: Buffer) =>
      this.#s3('PutObject', { Bucket, Key, Body }).then(() => {});
    if (flow.direction === 'outbound') {
      await runOutbound({ flow, executionId, salesforce, quirks, faults, signal, totals, bucket: this.#bucket(), put });
      return;
    }
    const identity = { executionId, startedAt, schemaVersion };
    const allFields = () => this.#allFields(flow, salesforce);
    await runInbound({ flow, identity, window, salesforce, quirks, signal, totals, put, allFields });
  }

  /** The one place where a run ends: record, watermark and failure count in one transaction, then the reports. */
  async #end(
    flow: FlowDefinition | undefined,
    record: ExecutionRecord,
    status: 'Successful' | 'Error' | 'Canceled',
    totals: RunTotals,
    message: string | undefined,
  ): Promise<ExecutionRecord> {
    const { aws, store, flows, records, reports } = this.#parts;
    const now = aws.now();
    let failuresInARow = 0;
    store.exec('BEGIN IMMEDIATE');
    try {
      records.update(record.executionId, status, totals, message, now);
      if (status === 'Successful') flows.advance(record.flowName, record.window?.toSeconds);
      if (status === 'Error' && flow) failuresInARow = flows.countFailure(record.flowName);
      records.prune(record.flowName);
      store.exec('COMMIT');
    } catch (error) {
      store.exec('ROLLBACK');
      throw error;
    }
    const ended: ExecutionRecord = { ...record, status, totals, message, updatedAt: now };
    this.#tellJournal(flow, ended);
    if (!flow) return ended;
    await reports.ended(flow, ended);
    const threshold = flow.trigger?.deactivationThreshold;
    if (threshold !== undefined && failuresInARow >= threshold) {
      const reason = `${failuresInARow} runs in a row have failed; the last one: ${message}`;
      flows.setStatus(flow.name, 'Suspended', reason, now);
      await reports.deactivated(flow, reason, now);
    }
    return ended;
  }

  #tellJournal(flow: FlowDefinition | undefined, run: ExecutionRecord): void {
    const { recordsProcessed: moved, putFailures } = run.totals;
    if (run.status === 'Successful' && moved === 0) return;
    const count = `${moved} ${moved === 1 ? 'record' : 'records'}`;
    const refused = putFailures > 0 ? ` (${putFailures} refused)` : '';
    const outcome =
      run.status === 'Successful' ? '' : run.status === 'Error' ? `, failed: ${run.message}` : ', cancelled';
    this.#parts.aws.journal.record({
      kind: 'flow-run',
      subject: run.flowName,
      text: `${flow?.object ?? run.flowName}: ${count}${refused}${outcome}`,
      details: { executionId: run.executionId, status: run.status, ...run.totals },
    });
  }

  async #allFields(flow: InboundFlow, salesforce: SalesforceClient): Promise<readonly string[]> {
    const known = flow.dynamicFields ? undefined : this.#fieldsOf.get(flow.name);
    if (known) return known;
    const fields = await salesforce.fieldNames(flow.object);
    this.#fieldsOf.set(flow.name, fields);
    return fields;
  }

  #s3(operation: string, input: object): Promise<unknown> {
    return this.#parts.aws.call('s3', operation, input, this.#parts.caller);
  }

  #bucket(): SourceBucket {
    return {
      list: async (Bucket, Prefix) => {
        const files: SourceFile[] = [];
        let token: string | undefined;
        do {
          const paging = token === undefined ? {} : { ContinuationToken: token };
          const page = LISTING.parse(await this.#s3('ListObjectsV2', { Bucket, Prefix, ...paging }));
          files.push(...page.Contents.map(({ Key, Size }) => ({ key: Key, sizeBytes: Size })));
          token = page.IsTruncated ? (page.NextContinuationToken ?? undefined) : undefined;
        } while (token !== undefined);
        return files;
      },
      get: async (Bucket, Key) => {
        const { Body } = z.object({ Body: z.instanceof(Buffer) }).parse(await this.#s3('GetObject', { Bucket, Key }));
        return Body;
      },
    };
  }
}

/**
 * [last pulled, now - offset), cut to whole seconds: Salesforce compares no finer, so windows cut there meet without
 * gap or overlap. The offset scales with the schedule.
 */
function pullWindow(flow: FlowDefinition, state: FlowState, now: number, timeScale: number): PullWindow | undefined {
  const trigger = flow.trigger;
  if (!trigger?.incremental) return undefined;
  const offsetMs = (trigger.offsetSeconds * 1000) / timeScale;
  const first = (trigger.firstExecutionFrom ?? now - FIRST_WINDOW_MS) - offsetMs;
  return {
    fromSeconds: state.watermarkSeconds ?? Math.floor(first / 1000),
    toSeconds: Math.floor((now - offsetMs) / 1000),
  };
}

/** What the record tells of a failure: the code and text of whoever refused. */
function toMessage(error: unknown): string {
  if (error instanceof AwsError) return `${error.code}: ${error.message}`;
  if (error instanceof SalesforceError || error instanceof FlowRunError || error instanceof DatasetDroppedError) {
    return error.message;
  }
  return `InternalServerException: ${error instanceof Error ? error.message : String(error)}`;
}
