import type { DatabaseSync } from 'node:sqlite';
import { AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { realTimers, type Timers } from '../timers.ts';
import { AppFlowFaults } from './faults.ts';
import { type FlowDefinition, parseFlow, profileNames } from './flows/flow-definition.ts';
import { describeFlow, describeRun, summarizeFlow } from './flows/flow-description.ts';
import { type FlowState, FlowStore } from './flows/flow-store.ts';
import { FlowTimers } from './flows/flow-timers.ts';
import { INPUT, readInput, readPageToken, writePageToken } from './operation-input.ts';
import { type AppFlowQuirks, DEFAULT_QUIRKS } from './quirks.ts';
import { type ExecutionRecord, ExecutionRecords } from './runs/execution-records.ts';
import { FlowRunner } from './runs/flow-runner.ts';
import { flowArn, RunReports } from './runs/run-reports.ts';
import type { SalesforceConnection } from './salesforce/salesforce-connection.ts';

export interface AppFlowOptions {
  /** The connector profiles: rejects for a name that does not exist. */
  readonly connections: (profileName: string) => Promise<SalesforceConnection>;
  /** Divides rates and offsets of schedules: 12 makes a minute last five seconds. Default 1. */
  readonly timeScale?: number | undefined;
  /** How long a minute of a schedule lasts; another way to give `timeScale`. */
  readonly pollIntervalMs?: number | undefined;
  /** Salesforce API version. Default 58.0, that of AppFlow connections made since June 2023. */
  readonly apiVersion?: string | undefined;
  /** What the org sees as `Sforce-Call-Options: client=`. */
  readonly clientName?: string | undefined;
  readonly quirks?: Partial<AppFlowQuirks> | undefined;
  /** Default: real time. */
  readonly timers?: Timers | undefined;
}

/** A stand-in for Amazon AppFlow: executes the flows of a template against S3 and a Salesforce org's REST API. */
export class AppFlow {
  readonly operations: Operations;
  readonly faults = new AppFlowFaults();
  readonly #aws: EmbeddedAws;
  readonly #options: AppFlowOptions;
  readonly #quirks: AppFlowQuirks;
  readonly #flows: FlowStore;
  readonly #records: ExecutionRecords;
  readonly #runner: FlowRunner;
  readonly #timers: FlowTimers;
  readonly #definitions = new Map<string, FlowDefinition>();

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: AppFlowOptions) {
    this.#aws = aws;
    this.#options = options;
    this.#quirks = { ...DEFAULT_QUIRKS, ...options.quirks };
    this.#flows = new FlowStore(store);
    this.#records = new ExecutionRecords(store);
    const timeScale = readTimeScale(options);
    this.#runner = new FlowRunner({
      aws,
      store,
      flows: this.#flows,
      records: this.#records,
      reports: new RunReports(aws),
      faults: this.faults,
      quirks: this.#quirks,
      timeScale,
      apiVersion: options.apiVersion ?? '58.0',
      clientName: options.clientName ?? 'AmazonAppFlow',
      connection: options.connections,
    });
    this.#timers = new FlowTimers(aws, options.timers ?? realTimers, timeScale, (flowName) =>
      this.runScheduled(flowName),
    );
    this.operations = {
      StartFlow: (input: unknown) => this.#startFlow(input),
      StopFlow: (input: unknown) => this.#stopFlow(input),
      DescribeFlow: (input: unknown) => this.#describeFlow(input),
      ListFlows: (input: unknown) => this.#listFlows(input),
      DescribeFlowExecutionRecords: (input: unknown) => this.#describeRecords(input),
      CancelFlowExecutions: (input: unknown) => this.#cancel(input),
    };
  }

  /**
   * Creates or updates a flow from the properties of an `AWS::AppFlow::Flow`. Throws a ValidationException that lists
   * every fault. Without `FlowStatus` a scheduled flow is a draft that never runs; one on demand is active.
   */
  async putFlow(properties: unknown): Promise<{ readonly arn: string }> {
    const faults: string[] = [];
    for (const name of profileNames(properties)) {
      await this.#options.connections(name).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        faults.push(`ConnectorProfileName: connector profile ${name} cannot be used: ${reason}`);
      });
    }
    const flow = parseFlow(properties, faults);
    const status = flow.trigger ? (flow.properties.FlowStatus ?? 'Draft') : 'Active';
    const mapping = JSON.stringify(flow.properties.Tasks);
    this.#flows.put(flow.name, JSON.stringify(flow.properties), mapping, status, this.#aws.now());
    this.#definitions.set(flow.name, flow);
    this.#schedule(flow);
    return { arn: flowArn(this.#aws.region, flow.name) };
  }

  /** Removes a flow; a run in progress goes on to its end. */
  deleteFlow(flowName: string): void {
    this.#timers.disarm(flowName);
    this.#definitions.delete(flowName);
    this.#flows.remove(flowName);
  }

  /** Settles the runs that died with the process, then lets the schedules go. */
  async start(): Promise<void> {
    await this.#runner.recover((flowName) => {
      const stored = this.#flows.definition(flowName);
      return this.#definitions.get(flowName) ?? (stored === undefined ? undefined : parseFlow(stored));
    });
    this.#timers.start();
    for (const flow of this.#definitions.values()) this.#schedule(flow);
  }

  /** No further runs; those in progress are dropped and reported as interrupted by the next start. */
  async stop(): Promise<void> {
    this.#timers.stop();
    await this.#runner.stop();
  }

  /**
   * Runs a scheduled flow now, as if its slot had come. Undefined when it is not active, a run of it is in progress,
   * or less than a second has passed since the last window.
   */
  async runScheduled(flowName: string): Promise<ExecutionRecord | undefined> {
    const flow = this.#definitions.get(flowName);
    const state = this.#flows.get(flowName);
    if (!flow?.trigger || state?.status !== 'Active' || this.#runner.isRunning(flowName)) return undefined;
    if (this.#aws.faults?.strike('silentRuns', { flow: flowName }) !== undefined) return undefined;
    const ended = await this.#runner.begin(flow, state)?.ended;
    // The run may have suspended its flow.
    if (ended) this.#schedule(flow);
    return ended;
  }

  #schedule(flow: FlowDefinition): void {
    const active = this.#flows.get(flow.name)?.status === 'Active';
    if (flow.trigger && active) this.#timers.arm(flow.name, flow.trigger.schedule);
    else this.#timers.disarm(flow.name);
  }

  #startFlow(input: unknown): Record<string, unknown> {
    const { flowName, clientToken } = readInput(INPUT.StartFlow, input);
    const { flow, state } = this.#find(flowName);
    const now = this.#aws.now();
    const started = clientToken === undefined ? undefined : this.#records.startedBy(clientToken, now);
    const arn = flowArn(this.#aws.region, flowName);
    if (flow.trigger) {
      if (started && started.size > 0 && !started.has(flowName)) {
        throw new AwsError('ConflictException', `The client token was used to start another flow.`, 409);
      }
      if (state.status !== 'Active') this.#flows.setStatus(flowName, 'Active', undefined, now);
      if (clientToken !== undefined) this.#records.rememberToken(clientToken, flowName, undefined, now);
      this.#schedule(flow);
      return { flowArn: arn, flowStatus: 'Active' };
    }
    const known = started?.get(flowName);
    if (known !== undefined) return { flowArn: arn, flowStatus: state.status, executionId: known };
    if (this.#quirks.startWhileRunning === 'conflict' && this.#runner.isRunning(flowName)) {
      throw new AwsError('ConflictException', `Flow ${flowName} has a run in progress.`, 409);
    }
    const run = this.#runner.begin(flow, state);
    if (!run) throw new AwsError('InternalServerException', `Flow ${flowName} could not be started.`, 500);
    if (clientToken !== undefined) this.#records.rememberToken(clientToken, flowName, run.executionId, now);
    return { flowArn: arn, flowStatus: state.status, executionId: run.executionId };
  }

  #stopFlow(input: unknown): Record<string, unknown> {
    const { flowName } = readInput(INPUT.FlowByName, input);
    const { flow } = this.#find(flowName);
    if (!flow.trigger) {
      throw new AwsError('UnsupportedOperationException', `Flow ${flowName} runs on demand and cannot be stopped.`);
    }
    this.#flows.setStatus(flowName, 'Suspended', undefined, this.#aws.now());
    this.#schedule(flow);
    return { flowArn: flowArn(this.#aws.region, flowName), flowStatus: 'Suspended' };
  }

  #describeFlow(input: unknown): Record<string, unknown> {
    const { flow, state } = this.#find(readInput(INPUT.FlowByName, input).flowName);
    return describeFlow(flow, state, this.#lastRun(flow.name), this.#aws.region);
  }

  #listFlows(input: unknown): Record<string, unknown> {
    const { maxResults, nextToken } = readInput(INPUT.ListFlows, input);
    const names = [...this.#definitions.keys()].sort();
    const from = nextToken === undefined ? 0 : readPageToken(nextToken);
    const flows = names.slice(from, from + maxResults).map((name) => {
      const { flow, state } = this.#find(name);
      return summarizeFlow(flow, state, this.#lastRun(name), this.#aws.region);
    });
    const next = from + maxResults;
    return next < names.length ? { flows, nextToken: writePageToken(next) } : { flows };
  }

  #describeRecords(input: unknown): Record<string, unknown> {
    const { flowName, maxResults, nextToken } = readInput(INPUT.Records, input);
    this.#find(flowName);
    const before = nextToken === undefined ? Number.MAX_SAFE_INTEGER : readPageToken(nextToken);
    const found = this.#records.list(flowName, before, maxResults + 1);
    const page = found.slice(0, maxResults);
    const last = page.at(-1);
    const flowExecutions = page.map(describeRun);
    return found.length > maxResults && last
      ? { flowExecutions, nextToken: writePageToken(last.sequence) }
      : { flowExecutions };
  }

  #cancel(input: unknown): Record<string, unknown> {
    const { flowName, executionIds } = readInput(INPUT.Cancel, input);
    this.#find(flowName);
    const asked = executionIds ?? this.#runner.activeRuns(flowName);
    return { invalidExecutions: asked.filter((executionId) => !this.#runner.cancel(flowName, executionId)) };
  }

  #find(flowName: string): { flow: FlowDefinition; state: FlowState } {
    const flow = this.#definitions.get(flowName);
    const state = this.#flows.get(flowName);
    if (!flow || !state) throw new AwsError('ResourceNotFoundException', `Flow ${flowName} does not exist.`, 404);
    return { flow, state };
  }

  #lastRun(flowName: string): ExecutionRecord | undefined {
    return this.#records.list(flowName, Number.MAX_SAFE_INTEGER, 1)[0];
  }
}

function readTimeScale(options: AppFlowOptions): number {
  const scale = options.pollIntervalMs === undefined ? (options.timeScale ?? 1) : 60_000 / options.pollIntervalMs;
  if (!(scale > 0 && Number.isFinite(scale))) {
    throw new RangeError(`timeScale (60000 / pollIntervalMs) must be a positive number; seen: ${scale}`);
  }
  return scale;
}
