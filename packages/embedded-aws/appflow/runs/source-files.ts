import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parse } from 'csv-parse';
import type { OutboundFlow } from '../flows/flow-definition.ts';
import type { SourceRecord } from '../flows/record-tasks.ts';
import { FlowRunError } from './flow-run-error.ts';

/** AppFlow User Guide, Amazon S3: a CSV file has at most 125 MB. */
const MAX_FILE_BYTES = 125 * 1024 * 1024;
/** AppFlow User Guide, Quotas: at most 500 MB of records to Salesforce in one run. */
const MAX_RUN_BYTES = 500 * 1024 * 1024;
/** The file is read in slices with turns of the event loop between: other services live in the same process. */
const SLICE_BYTES = 64 * 1024;
const ROWS_PER_TURN = 500;

export interface SourceFile {
  readonly key: string;
  readonly sizeBytes: number;
}

export interface SourceRow {
  readonly file: string;
  /** Counted from 1, the header left out. */
  readonly row: number;
  readonly record: SourceRecord;
}

/** The bucket as a run reads it. */
export interface SourceBucket {
  /** Every object whose key starts with the prefix, in all folders below. */
  list(bucket: string, prefix: string): Promise<readonly SourceFile[]>;
  get(bucket: string, key: string): Promise<Buffer>;
}

/**
 * All files whose keys begin with the flow's prefix; empty objects are markers. Whether AppFlow takes a prefix for a folder is not documented;
 * taken literally, a flow that would read another's files shows it. AppFlow remembers no file, so every run reads what lies there. Throws FlowRunError when AppFlow's size limits are passed.
 */
export async function listSourceFiles(flow: OutboundFlow, bucket: SourceBucket): Promise<readonly SourceFile[]> {
  const files = (await bucket.list(flow.bucket, flow.prefix)).filter(({ sizeBytes }) => sizeBytes > 0);
  for (const { key, sizeBytes } of files) {
    if (sizeBytes > MAX_FILE_BYTES)
      throw new FlowRunError(`file ${key} has ${sizeBytes} bytes; at most 125 MB are read`);
  }
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > MAX_RUN_BYTES) throw new FlowRunError(`the files have ${total} bytes; a run takes at most 500 MB`);
  return files;
}

/** The rows of a file. `needed` are the columns that the flow's tasks read. Throws FlowRunError. */
export function readRows(
  key: string,
  body: Buffer,
  fileType: OutboundFlow['fileType'],
  needed: readonly string[],
): AsyncGenerator<SourceRow> {
  return fileType === 'CSV' ? readCsv(key, body, needed) : readJsonLines(key, body);
}

async function* readCsv(key: string, body: Buffer, needed: readonly string[]): AsyncGenerator<SourceRow> {
  const parser = Readable.from(slices(body)).pipe(parse({ skip_empty_lines: true }));
  let header: readonly string[] | undefined;
  let row = 0;
  try {
    for await (const cells of parser as AsyncIterable<readonly string[]>) {
      if (!header) {
        header = cells;
        const missing = needed.filter((name) => !cells.includes(name));
        if (missing.length > 0) {
          throw new FlowRunError(`file ${key} has no column ${missing.join(', ')} in its header, which the flow reads`);
        }
        continue;
      }
      row += 1;
      const names = header;
      yield { file: key, row, record: Object.fromEntries(cells.map((cell, index) => [names[index] ?? '', cell])) };
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_')) {
      // The parser's own message may quote the data.
      throw new FlowRunError(`file ${key} is not a CSV file after row ${row} (${error.code})`);
    }
    throw error;
  }
}

async function* readJsonLines(key: string, body: Buffer): AsyncGenerator<SourceRow> {
  let row = 0;
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(0x0a, start);
    const end = found === -1 ? body.length : found;
    const line = body.toString('utf8', start, end).trim();
    start = end + 1;
    if (line === '') continue;
    row += 1;
    if (row % ROWS_PER_TURN === 0) await nextTurn();
    yield { file: key, row, record: parseLine(key, row, line) };
  }
}

function parseLine(key: string, row: number, line: string): SourceRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's message quotes the data.
    throw new FlowRunError(`file ${key}, row ${row} is not JSON; one object per line is read`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FlowRunError(`file ${key}, row ${row} is not a JSON object; one object per line is read`);
  }
  return value as SourceRecord;
}

async function* slices(body: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < body.length; start += SLICE_BYTES) {
    yield body.subarray(start, start + SLICE_BYTES);
    await nextTurn();
  }
}
