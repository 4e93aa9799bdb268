import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import type { OutboundFlow } from '../flows/flow-definition.ts';
import { awaitBulkJob, BulkJob } from './bulk-query.ts';
import type { OutboundRow, RowWriter, WriteLog } from './row-writer.ts';
import type { SalesforceClient } from './salesforce-client.ts';

/** Bulk API 2.0 guide: 150 MB after base64 encoding, so an upload has at most 100 MB. */
const MAX_UPLOAD_BYTES = 100 * 1000 * 1000;

const OPERATIONS = { INSERT: 'insert', UPDATE: 'update', UPSERT: 'upsert', DELETE: 'delete' } as const;

/**
 * Writes by Bulk API 2.0 ingest jobs, one per upload. A job's rows do not stand and fall together, and its results
 * come in no promised order, so a refused row is recognised by its own values.
 */
export class BulkWriter implements RowWriter {
  readonly #flow: OutboundFlow;
  readonly #fields: readonly string[];
  readonly #salesforce: SalesforceClient;
  readonly #log: WriteLog;
  readonly #signal: AbortSignal;
  #lines: string[] = [];
  #bytes = 0;

  /** `fields` are the destination fields, the columns of the upload. A delete sends the Id alone. */
  constructor(
    flow: OutboundFlow,
    fields: readonly string[],
    salesforce: SalesforceClient,
    log: WriteLog,
    signal: AbortSignal,
  ) {
    this.#flow = flow;
    this.#fields = flow.operation === 'DELETE' ? ['Id'] : fields;
    this.#salesforce = salesforce;
    this.#log = log;
    this.#signal = signal;
  }

  async add(row: OutboundRow): Promise<void> {
    const line = stringify([this.#fields.map((field) => row.values.get(field)?.text ?? '')]);
    const bytes = Buffer.byteLength(line);
    if (this.#bytes + bytes > MAX_UPLOAD_BYTES) await this.end();
    this.#lines.push(line);
    this.#bytes += bytes;
  }

  async end(): Promise<void> {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#bytes = 0;
    const upload = Buffer.from(stringify([[...this.#fields]]) + lines.join(''));
    const created = await this.#salesforce.request({
      method: 'POST',
      path: 'jobs/ingest',
      body: JSON.stringify({
        object: this.#flow.object,
        operation: OPERATIONS[this.#flow.operation],
        ...(this.#flow.externalIdField === undefined ? {} : { externalIdFieldName: this.#flow.externalIdField }),
        contentType: 'CSV',
        lineEnding: 'LF',
        columnDelimiter: 'COMMA',
      }),
    });
    const job = `jobs/ingest/${BulkJob.parse(JSON.parse(created.text)).id}`;
    await this.#salesforce.request({ method: 'PUT', path: `${job}/batches`, body: upload, contentType: 'text/csv' });
    this.#log.sent(upload.length);
    await this.#salesforce.request({ method: 'PATCH', path: job, body: JSON.stringify({ state: 'UploadComplete' }) });
    await awaitBulkJob(this.#salesforce, job, this.#signal);
    await this.#reportFailures(`${job}/failedResults`);
    await this.#reportFailures(`${job}/unprocessedrecords`);
  }

  async #reportFailures(path: string): Promise<void> {
    const { text } = await this.#salesforce.request({ method: 'GET', path });
    const rows: Record<string, string>[] = parse(text, { columns: true, skip_empty_lines: true });
    for (const { sf__Id: id, sf__Error: error, ...values } of rows) {
      const key = this.#flow.operation === 'UPSERT' ? values[this.#flow.externalIdField ?? ''] : (values.Id ?? id);
      // CODE:message:fields--
      const [, code, message, fields] = /^([A-Z_]+):(.*):([^:]*)--$/s.exec(error ?? '') ?? [];
      this.#log.refused({
        file: undefined,
        row: undefined,
        id: key === '' ? undefined : key,
        statusCode: code ?? 'UNPROCESSED',
        message: message ?? error ?? 'the job ended before this row',
        fields: fields ? fields.split(' ') : [],
        values,
      });
    }
  }
}
