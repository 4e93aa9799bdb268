import { z } from 'zod';
import type { OutboundFlow } from '../flows/flow-definition.ts';
import { type OutboundRow, type RowWriter, toFailure, type WriteLog } from './row-writer.ts';
import type { SalesforceClient, SalesforceRequest } from './salesforce-client.ts';
import { SalesforceError } from './salesforce-error.ts';

/** REST API guide, sObject Collections: at most 200 records a call. */
const ROWS_PER_CALL = 200;

const Results = z.array(
  z.object({
    success: z.boolean(),
    errors: z
      .array(z.object({ statusCode: z.string(), message: z.string().nullish(), fields: z.array(z.string()).nullish() }))
      .default([]),
  }),
);

/** Writes by sObject Collections, `allOrNone` off: a bad row leaves the others alone. */
export class CollectionWriter implements RowWriter {
  readonly #flow: OutboundFlow;
  readonly #salesforce: SalesforceClient;
  readonly #log: WriteLog;
  #rows: OutboundRow[] = [];

  constructor(flow: OutboundFlow, salesforce: SalesforceClient, log: WriteLog) {
    this.#flow = flow;
    this.#salesforce = salesforce;
    this.#log = log;
  }

  async add(row: OutboundRow): Promise<void> {
    this.#rows.push(row);
    if (this.#rows.length === ROWS_PER_CALL) await this.end();
  }

  async end(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length === 0) return;
    const request = toRequest(this.#flow, rows);
    this.#log.sent(Buffer.byteLength(request.body ?? request.path));
    let text: string;
    try {
      ({ text } = await this.#salesforce.request(request));
    } catch (error) {
      // A malformed value (a date, say) makes Salesforce refuse the whole call with 400; the run goes on.
      if (!(error instanceof SalesforceError && error.status === 400)) throw error;
      for (const row of rows) this.#log.refused(toFailure(row, error.errorCode, error.message));
      return;
    }
    const results = Results.parse(JSON.parse(text));
    rows.forEach((row, index) => {
      const result = results[index];
      if (result?.success) return;
      const fault = result?.errors[0];
      const code = fault?.statusCode ?? 'UNKNOWN_EXCEPTION';
      this.#log.refused(toFailure(row, code, fault?.message ?? 'no reason given', fault?.fields ?? []));
    });
  }
}

function toRequest(flow: OutboundFlow, rows: readonly OutboundRow[]): SalesforceRequest {
  const object = encodeURIComponent(flow.object);
  switch (flow.operation) {
    case 'DELETE': {
      const ids = rows.map(({ id }) => encodeURIComponent(id ?? '')).join(',');
      return { method: 'DELETE', path: `composite/sobjects?ids=${ids}&allOrNone=false` };
    }
    case 'INSERT':
      return { method: 'POST', path: 'composite/sobjects', body: toBody(flow, rows) };
    case 'UPDATE':
      return { method: 'PATCH', path: 'composite/sobjects', body: toBody(flow, rows) };
    case 'UPSERT': {
      const field = encodeURIComponent(flow.externalIdField ?? '');
      return { method: 'PATCH', path: `composite/sobjects/${object}/${field}`, body: toBody(flow, rows) };
    }
    default:
      return flow.operation satisfies never;
  }
}

/** Built from tokens, so that numbers keep the digits of the file. An update names its record with a small `id`. */
function toBody(flow: OutboundFlow, rows: readonly OutboundRow[]): string {
  const type = `"attributes":{"type":${JSON.stringify(flow.object)}}`;
  const records = rows.map(({ values }) => {
    const members = [...values].map(([field, { json }]) => {
      const name = flow.operation === 'UPDATE' && field === 'Id' ? 'id' : field;
      return `${JSON.stringify(name)}:${json}`;
    });
    return `{${[type, ...members].join(',')}}`;
  });
  return `{"allOrNone":false,"records":[${records.join(',')}]}`;
}
