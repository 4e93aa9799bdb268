/** Which records there are, and the key by which each may be matched with a row: all of an object, page by page. */

import { matchingKey } from '../core/agreement/first-load.ts';
import { InvariantError, RejectedRecordError } from '../core/errors.ts';
import { fromSalesforce } from '../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../core/mapping/configuration.ts';
import { toId18 } from '../core/mapping/salesforce-id.ts';
import { bulkQuery } from './bulk-query.ts';
import { API_VERSION, calling, type SalesforceConnection } from './connection.ts';

export interface RecordKey {
  /** 18 characters. */
  readonly id: string;
  /** undefined: nothing that could match. */
  readonly key: string | undefined;
}

/** Below this a job of the Bulk API takes longer than five pages of the REST API. */
const BULK_RECORDS = 10_000;

interface Page {
  readonly totalSize: number;
  readonly done: boolean;
  readonly nextRecordsUrl?: string;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** How many live records there are. */
export async function countRecords(connection: SalesforceConnection, object: string): Promise<number> {
  return (await firstPage(connection, `SELECT COUNT() FROM ${object}`)).totalSize;
}

/** The live records, of which there are about `count`. */
export async function* readRecordKeys(
  connection: SalesforceConnection,
  { object, matchBy }: ObjectMapping,
  count: number,
): AsyncGenerator<RecordKey[]> {
  const soql = `SELECT ${['Id', matchBy?.field ?? []].flat().join(',')} FROM ${object}`;
  const pages = count < BULK_RECORDS ? restQuery(connection, soql) : bulkQuery(connection, soql);
  for await (const records of pages) yield records.map((record) => recordKey(record, matchBy));
}

async function* restQuery(connection: SalesforceConnection, soql: string): AsyncGenerator<Page['records']> {
  let page = await firstPage(connection, soql);
  yield page.records;
  while (!page.done && page.nextRecordsUrl !== undefined) {
    const url = page.nextRecordsUrl;
    page = await calling(connection, async () => await connection.request<Page>(url));
    yield page.records;
  }
}

function firstPage(connection: SalesforceConnection, soql: string): Promise<Page> {
  const url = `/services/data/v${API_VERSION}/query?q=${encodeURIComponent(soql)}`;
  return calling(connection, async () => await connection.request<Page>(url));
}

function recordKey(record: Readonly<Record<string, unknown>>, matchBy: FieldMapping | undefined): RecordKey {
  const id = typeof record.Id === 'string' ? toId18(record.Id) : undefined;
  if (id === undefined) throw new InvariantError('NO_ID', 'Salesforce answered a record without a valid Id.');
  return { id, key: matchBy && readKey(matchBy, record[matchBy.field]) };
}

function readKey({ type, field }: FieldMapping, value: unknown): string | undefined {
  try {
    return matchingKey(fromSalesforce(type, value, field));
  } catch (error) {
    if (error instanceof RejectedRecordError) return undefined;
    throw error;
  }
}
