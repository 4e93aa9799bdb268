import type { InboundFlow } from '../flows/flow-definition.ts';
import { compileTasks, type MappedRecord, type RecordTasks } from '../flows/record-tasks.ts';
import type { AppFlowQuirks } from '../quirks.ts';
import { bulkQuery } from '../salesforce/bulk-query.ts';
import type { QueryPage, SalesforceClient } from '../salesforce/salesforce-client.ts';
import { buildQuery } from '../salesforce/soql.ts';
import { fileName, type RunIdentity, runFolder } from './object-key.ts';
import { emptyFile, encodePage, joinFile } from './output-file.ts';
import type { PullWindow } from './pull-window.ts';
import type { RunTotals } from './run-totals.ts';

/** From this many records on, `AUTOMATIC` reads by Bulk API 2.0 (API model, dataTransferApi of a source). */
export const BULK_READ_THRESHOLD = 1_000_000;

export interface InboundRun {
  readonly flow: InboundFlow;
  readonly identity: RunIdentity;
  /** Undefined: everything is pulled. */
  readonly window: PullWindow | undefined;
  readonly salesforce: SalesforceClient;
  readonly quirks: AppFlowQuirks;
  readonly signal: AbortSignal;
  /** Counted up while the run goes on, so that a failed one shows how far it came. */
  readonly totals: RunTotals;
  put(bucket: string, key: string, body: Buffer): Promise<void>;
  /** Every field of the object, for Map_all. */
  allFields(): Promise<readonly string[]>;
}

/**
 * Pulls the records of the window and writes them to S3: a file per page, or joined (`SingleFile`). Files written
 * before a failure stay; the next run writes their records again, into other files.
 */
export async function runInbound(run: InboundRun): Promise<void> {
  const { flow, quirks, totals } = run;
  const tasks = compileTasks(flow.tasks);
  const fields = tasks.fields ?? (await run.allFields()).filter((name) => !tasks.excluded.has(name));
  const header = csvHeader(tasks, fields);
  const writer = new FileWriter(run, header);
  for await (const page of pages(run, fields)) {
    totals.bytesProcessed += page.bytes;
    const records: MappedRecord[] = [];
    for (const record of page.records) {
      totals.recordsProcessed += 1;
      const mapped = tasks.transform(record);
      if (mapped === undefined) {
        totals.recordsFiltered += 1;
        continue;
      }
      if (quirks.attributes === 'keep' && flow.fileType === 'JSON' && 'attributes' in record) {
        records.push({ attributes: record.attributes, ...mapped });
      } else {
        records.push(mapped);
      }
    }
    await writer.add(encodePage(records, header, flow.fileType, quirks), records.length);
  }
  await writer.end();
}

async function* pages(run: InboundRun, fields: readonly string[]): AsyncGenerator<QueryPage> {
  const { flow, salesforce } = run;
  const soql = buildQuery(flow, fields, run.window);
  if (flow.api !== 'BULKV2') {
    for await (const page of salesforce.query(soql, flow.includeDeletedRecords)) {
      if (flow.api === 'AUTOMATIC' && page.totalSize >= BULK_READ_THRESHOLD) {
        yield* bulkQuery(salesforce, soql, flow.includeDeletedRecords, run.signal);
        return;
      }
      yield page;
    }
    return;
  }
  yield* bulkQuery(salesforce, soql, flow.includeDeletedRecords, run.signal);
}

function csvHeader(tasks: RecordTasks, fields: readonly string[]): readonly string[] {
  const mapped = [...tasks.destinationTypes.keys()];
  return tasks.fields ? mapped : [...new Set([...fields, ...mapped])];
}

/** Gathers pages into files and puts them. */
class FileWriter {
  readonly #run: InboundRun;
  readonly #header: readonly string[];
  readonly #folder: string;
  #pages: string[] = [];
  #gatheredBytes = 0;
  #files = 0;

  constructor(run: InboundRun, header: readonly string[]) {
    this.#run = run;
    this.#header = header;
    this.#folder = runFolder(run.flow, run.identity);
  }

  async add(page: string, records: number): Promise<void> {
    if (records === 0) return;
    this.#pages.push(page);
    this.#gatheredBytes += Buffer.byteLength(page);
    const { singleFile, targetFileBytes } = this.#run.flow;
    if (!singleFile || this.#gatheredBytes >= (targetFileBytes ?? Number.POSITIVE_INFINITY)) await this.#putFile();
  }

  async end(): Promise<void> {
    if (this.#pages.length > 0) await this.#putFile();
    const { flow, quirks, identity } = this.#run;
    if (this.#files > 0) {
      if (quirks.marker === 'zero-bytes') await this.#put(identity.executionId, Buffer.alloc(0));
      return;
    }
    const empty = emptyFile(this.#header, flow.fileType, quirks);
    if (empty) await this.#put(fileName(flow, identity, 0), empty);
  }

  async #putFile(): Promise<void> {
    const { flow, quirks, identity } = this.#run;
    const body = joinFile(this.#pages, this.#header, flow.fileType, quirks);
    this.#pages = [];
    this.#gatheredBytes = 0;
    await this.#put(fileName(flow, identity, this.#files), body);
    this.#files += 1;
  }

  async #put(name: string, body: Buffer): Promise<void> {
    await this.#run.put(this.#run.flow.bucket, this.#folder + name, body);
    this.#run.totals.bytesWritten += body.length;
  }
}
