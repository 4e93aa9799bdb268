import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsError, type EmbeddedAws } from '../../service.ts';
import { transaction } from '../../transaction.ts';
import { Buckets } from '../buckets.ts';
import type { AppFlowFaults } from '../faults.ts';
import type { FlowDefinition, InboundFlow } from '../flows/flow-definition.ts';
import type { FlowState, FlowStore } from '../flows/flow-store.ts';
import { DatasetDroppedError } from '../flows/record-tasks.ts';
import type { AppFlowQuirks } from '../quirks.ts';
import { SalesforceClient } from '../salesforce/salesforce-client.ts';
import type { SalesforceConnection } from '../salesforce/salesforce-connection.ts';
import { SalesforceError } from '../salesforce/salesforce-error.ts';
import type { ExecutionRecord, ExecutionRecords } from './execution-records.ts';
import { FlowRunError } from './flow-run-error.ts';
import { runInbound } from './inbound-run.ts';
import { runOutbound } from './outbound-run.ts';
import { pullWindow } from './pull-window.ts';
import type { RunReports } from './run-reports.ts';
import { noTotals, type RunTotals } from './run-totals.ts';

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
  connection(profileName: string): Promise<SalesforceConnection>;
}

export interface StartedRun {
  readonly executionId: string;
  /** The record as it ended; undefined when the service was stopped before. */
  readonly ended: Promise<ExecutionRecord | undefined>;
}

interface ActiveRun {
  readonly flowName: string;
  readonly abort: AbortController;
}

/** How a run ended. */
interface Outcome {
  readonly status: 'Successful' | 'Error' | 'Canceled';
  readonly message: string | undefined;
}

class RunCanceled extends Error {}
class ServiceStopped extends Error {}

/** Runs flows, one record for each run, and reports it on the bus and in the journal. */
export class FlowRunner {
  readonly #parts: RunnerParts;
  /** Runs whose record says that they are in progress, by execution id. */
  readonly #active = new Map<string, ActiveRun>();
  /** Runs that are not over, reports included. */
  readonly #unfinished = new Set<Promise<unknown>>();
  readonly #fieldsOf = new WeakMap<InboundFlow, readonly string[]>();

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
    const window = pullWindow(flow.trigger, state.watermarkSeconds, startedAt, this.#parts.timeScale);
    if (window && window.toSeconds <= window.fromSeconds) return undefined;
    const executionId = randomUUID();
    records.begin({ executionId, flowName: flow.name, startedAt, window, totals: noTotals() });
    const abort = new AbortController();
    this.#active.set(executionId, { flowName: flow.name, abort });
    const ended = this.#run(flow, executionId, abort.signal, state.schemaVersion);
    const watched = ended
      .catch((error: unknown) => {
        const text = `run ${executionId} could not be brought to an end: ${error instanceof Error ? error.stack : error}`;
        aws.journal.record({ kind: 'fault', subject: flow.name, text });
      })
      .finally(() => {
        this.#active.delete(executionId);
        this.#unfinished.delete(watched);
      });
    this.#unfinished.add(watched);
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
    for (const run of this.#active.values()) run.abort.abort(new ServiceStopped('the service was stopped'));
    await Promise.all(this.#unfinished);
  }

  /** Marks the runs that died with the process. Rows and files that they had written stay. */
  async recover(definition: (flowName: string) => FlowDefinition | undefined): Promise<void> {
    for (const record of this.#parts.records.open()) {
      if (this.#active.has(record.executionId)) continue;
      const outcome: Outcome =
        record.status === 'CancelStarted'
          ? { status: 'Canceled', message: undefined }
          : { status: 'Error', message: 'InternalServerException: the run was interrupted, AppFlow was restarted' };
      await this.#end(definition(record.flowName), record, outcome, record.totals);
    }
  }

  async #run(
    flow: FlowDefinition,
    executionId: string,
    signal: AbortSignal,
    schemaVersion: number,
  ): Promise<ExecutionRecord | undefined> {
    const { aws, records, reports, faults } = this.#parts;
    const record = records.get(executionId);
    if (!record) throw new Error(`run ${executionId} has no record`);
    const totals = noTotals();
    let outcome: Outcome = { status: 'Successful', message: undefined };
    try {
      await reports.started(flow, record);
      await faults.pass(flow.name, 'start', executionId, signal);
      const slow = aws.faults?.strike('slowRuns', { flow: flow.name });
      if (slow !== undefined) await pause(slow.beforeMs, undefined, { signal });
      const injected = faults.takeFailure(flow.name) ?? aws.faults?.strike('failedRuns', { flow: flow.name })?.message;
      if (injected !== undefined) throw new FlowRunError(injected);
      await this.#move(flow, record, totals, signal, schemaVersion);
      if (slow !== undefined) await pause(slow.afterMs, undefined, { signal });
      await faults.pass(flow.name, 'end', executionId, signal);
      signal.throwIfAborted();
    } catch (error) {
      if (signal.reason instanceof ServiceStopped) return undefined;
      outcome =
        signal.reason instanceof RunCanceled
          ? { status: 'Canceled', message: undefined }
          : { status: 'Error', message: toMessage(error) };
    }
    return this.#end(flow, record, outcome, totals);
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
    const bucket = new Buckets(this.#parts.aws);
    const put = bucket.put.bind(bucket);
    if (flow.direction === 'outbound') {
      const rowFault = (id: string | undefined) =>
        faults.rowFault(id) ?? this.#parts.aws.faults?.strike('refusedRows', { flow: flow.name });
      await runOutbound({ flow, executionId, salesforce, quirks, rowFault, signal, totals, bucket, put });
      return;
    }
    const identity = { executionId, startedAt, schemaVersion };
    const allFields = () => this.#allFields(flow, salesforce);
    await runInbound({ flow, identity, window, salesforce, quirks, signal, totals, put, allFields });
  }

  /** The one place where a run ends: record, watermark and the flow's status in one transaction, then the reports. */
  async #end(
    flow: FlowDefinition | undefined,
    record: ExecutionRecord,
    { status, message }: Outcome,
    totals: RunTotals,
  ): Promise<ExecutionRecord> {
    const { aws, store, flows, records, reports } = this.#parts;
    const now = aws.now();
    const threshold = flow?.trigger?.deactivationThreshold ?? Number.POSITIVE_INFINITY;
    const suspended = transaction(store, () => {
      records.update(record.executionId, status, totals, message, now);
      records.prune(record.flowName);
      if (status === 'Successful') flows.advance(record.flowName, record.window?.toSeconds);
      const failures = status === 'Error' ? flows.countFailure(record.flowName) : 0;
      if (failures < threshold) return undefined;
      const reason = `${failures} runs in a row have failed; the last one: ${message}`;
      flows.setStatus(record.flowName, 'Suspended', reason, now);
      return reason;
    });
    // From here on the flow may be started again, by what the event of the end starts.
    this.#active.delete(record.executionId);
    const ended: ExecutionRecord = { ...record, status, totals, message, updatedAt: now };
    this.#recordEnd(flow, ended);
    this.#measureEnd(ended);
    if (!flow) return ended;
    await reports.ended(flow, ended);
    if (suspended !== undefined) await reports.deactivated(flow, suspended, now);
    return ended;
  }

  #recordEnd(flow: FlowDefinition | undefined, run: ExecutionRecord): void {
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

  /** AppFlow User Guide, "Monitoring Amazon AppFlow". */
  #measureEnd({ flowName, status, totals }: ExecutionRecord): void {
    const { aws } = this.#parts;
    const measure = (name: string, value: number) => {
      aws.measure({ namespace: 'AWS/AppFlow', name, dimensions: { FlowName: flowName }, value, at: aws.now() });
    };
    if (status === 'Successful') measure('FlowExecutionsSucceeded', 1);
    if (status === 'Error') measure('FlowExecutionsFailed', 1);
    measure('FlowExecutionRecordsProcessed', totals.recordsProcessed);
  }

  async #allFields(flow: InboundFlow, salesforce: SalesforceClient): Promise<readonly string[]> {
    const known = flow.dynamicFields ? undefined : this.#fieldsOf.get(flow);
    if (known) return known;
    const fields = await salesforce.fieldNames(flow.object);
    this.#fieldsOf.set(flow, fields);
    return fields;
  }
}

/** What the record says of a failure: the code and text of the system that refused. */
function toMessage(error: unknown): string {
  if (error instanceof AwsError) return `${error.code}: ${error.message}`;
  if (error instanceof SalesforceError || error instanceof FlowRunError || error instanceof DatasetDroppedError) {
    return error.message;
  }
  return `InternalServerException: ${error instanceof Error ? error.message : String(error)}`;
}
