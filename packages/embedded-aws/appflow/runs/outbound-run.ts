import type { RowFault } from '../faults.ts';
import type { OutboundFlow } from '../flows/flow-definition.ts';
import { compileTasks, type MappedRecord, type RecordTasks } from '../flows/record-tasks.ts';
import type { AppFlowQuirks } from '../quirks.ts';
import { BulkWriter } from '../salesforce/bulk-writer.ts';
import { CollectionWriter } from '../salesforce/collection-writer.ts';
import {
  type OutboundRow,
  type RowFailure,
  type RowWriter,
  toFailure,
  type WriteLog,
} from '../salesforce/row-writer.ts';
import type { SalesforceClient } from '../salesforce/salesforce-client.ts';
import { convertCell, type FieldValue } from './field-values.ts';
import { FlowRunError } from './flow-run-error.ts';
import type { RunTotals } from './run-totals.ts';
import { listSourceFiles, readRows, type SourceBucket, type SourceRow } from './source-files.ts';

/** From this many rows on, `AUTOMATIC` writes by Bulk API 2.0 (API model, dataTransferApi of a destination). */
export const BULK_WRITE_THRESHOLD = 1_000;

export interface OutboundRun {
  readonly flow: OutboundFlow;
  readonly executionId: string;
  readonly salesforce: SalesforceClient;
  readonly quirks: AppFlowQuirks;
  /** The fault of a row with this id, as if Salesforce had refused it. */
  readonly rowFault: (id: string | undefined) => RowFault | undefined;
  readonly signal: AbortSignal;
  /** Counted up while the run goes on. */
  readonly totals: RunTotals;
  readonly bucket: SourceBucket;
  put(bucket: string, key: string, body: Buffer): Promise<void>;
}

/**
 * Reads every file of the flow's folder and writes its rows to Salesforce. Refused rows are counted and end up in the
 * error file; with `failOnFirstError` the first batch that has one ends the run. What was written stays written.
 */
export async function runOutbound(run: OutboundRun): Promise<void> {
  const { flow, totals } = run;
  const failures: RowFailure[] = [];
  const log: WriteLog = {
    refused(failure) {
      failures.push(failure);
      totals.putFailures += 1;
    },
    sent(bytes) {
      totals.bytesWritten += bytes;
    },
  };
  const stopAtFailure = () => {
    const first = failures[0];
    if (flow.failOnFirstError && first) throw new FlowRunError(`a row was refused: ${first.statusCode}`);
  };
  try {
    const tasks = compileTasks(flow.tasks);
    const writer = new WriterChoice(run, [...tasks.destinationTypes.keys()], log);
    for await (const source of sourceRows(run, tasks)) {
      run.signal.throwIfAborted();
      totals.recordsProcessed += 1;
      const mapped = tasks.transform(source.record);
      if (mapped === undefined) {
        totals.recordsFiltered += 1;
        continue;
      }
      const row = toRow(run, tasks, source, mapped);
      if ('statusCode' in row) log.refused(row);
      else await writer.add(row);
      stopAtFailure();
    }
    await writer.end();
    stopAtFailure();
  } finally {
    await putErrorFile(run, failures);
  }
}

async function* sourceRows(run: OutboundRun, tasks: RecordTasks): AsyncGenerator<SourceRow> {
  const { flow, bucket, totals } = run;
  for (const { key } of await listSourceFiles(flow, bucket)) {
    const body = await bucket.get(flow.bucket, key);
    totals.bytesProcessed += body.length;
    yield* readRows(key, body, flow.fileType, tasks.fields ?? []);
  }
}

function toRow(
  { flow, quirks, rowFault }: OutboundRun,
  tasks: RecordTasks,
  { file, row }: SourceRow,
  mapped: MappedRecord,
): OutboundRow | RowFailure {
  const idField = flow.operation === 'INSERT' ? undefined : (flow.externalIdField ?? 'Id');
  const values = new Map<string, FieldValue>();
  const misfits: { field: string; message: string }[] = [];
  for (const [field, cell] of Object.entries(mapped)) {
    if (flow.operation === 'DELETE' && field !== 'Id') continue;
    const blankCells = field === idField ? 'keep' : quirks.blankCells;
    const conversion = convertCell(cell, tasks.destinationTypes.get(field) ?? 'string', blankCells);
    if (conversion.kind === 'value') values.set(field, conversion.value);
    if (conversion.kind === 'fault') misfits.push({ field, message: conversion.message });
  }
  const id = idField === undefined ? undefined : values.get(idField)?.text;
  const converted: OutboundRow = { file, row, id, values };
  if (misfits.length > 0) {
    const message = misfits.map((misfit) => `${misfit.field}: ${misfit.message}`).join('; ');
    return toFailure(
      converted,
      'CONVERSION_FAILED',
      message,
      misfits.map(({ field }) => field),
    );
  }
  if (idField !== undefined && id === undefined) {
    return toFailure(converted, 'MISSING_ARGUMENT', `${idField} not specified`, [idField]);
  }
  const injected = rowFault(id);
  return injected ? toFailure(converted, injected.statusCode, injected.message) : converted;
}

/** REST or Bulk, as the flow says; `AUTOMATIC` holds the rows back until it knows. */
class WriterChoice implements RowWriter {
  readonly #rest: () => RowWriter;
  readonly #bulk: () => RowWriter;
  #writer: RowWriter | undefined;
  #undecided: OutboundRow[] = [];

  constructor({ flow, salesforce, signal }: OutboundRun, fields: readonly string[], log: WriteLog) {
    this.#rest = () => new CollectionWriter(flow, salesforce, log);
    this.#bulk = () => new BulkWriter(flow, fields, salesforce, log, signal);
    if (flow.api === 'REST_SYNC') this.#writer = this.#rest();
    if (flow.api === 'BULKV2') this.#writer = this.#bulk();
  }

  async add(row: OutboundRow): Promise<void> {
    if (this.#writer) return this.#writer.add(row);
    this.#undecided.push(row);
    if (this.#undecided.length >= BULK_WRITE_THRESHOLD) await this.#decide(this.#bulk());
  }

  async end(): Promise<void> {
    const writer = this.#writer ?? (await this.#decide(this.#rest()));
    await writer.end();
  }

  async #decide(writer: RowWriter): Promise<RowWriter> {
    const rows = this.#undecided;
    this.#undecided = [];
    this.#writer = writer;
    for (const row of rows) await writer.add(row);
    return writer;
  }
}

/** JSON lines under `<errorPrefix>/<flow>/<executionId>/`. AWS documents no layout: no reader should rely on it. */
async function putErrorFile(run: OutboundRun, failures: readonly RowFailure[]): Promise<void> {
  const { flow, executionId } = run;
  if (failures.length === 0 || flow.errorBucket === undefined) return;
  const folder = [...(flow.errorPrefix ? [flow.errorPrefix] : []), flow.name, executionId].join('/');
  const lines = failures.map((failure) => `${JSON.stringify(failure)}\n`);
  await run.put(flow.errorBucket, `${folder}/${executionId}-errors`, Buffer.from(lines.join('')));
}
