/** Fresh reads: the records as Salesforce holds them now, live or in the recycle bin. */
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { deletedFields } from '../core/mapping/object-ways.ts';
import type { ReadRecord } from '../core/mapping/salesforce-record.ts';
import { parseRecord, readFields } from '../core/mapping/salesforce-record.ts';
import { API_VERSION, calling, type SalesforceConnection } from './connection.ts';

/** `POST /composite/sobjects/X` takes 2,000 ids (REST API Developer Guide, sObject Collections). */
const RETRIEVE_IDS = 2000;

/** A query travels in the URL, of which Salesforce takes 16,384 bytes; the rest is for host, path and parameters. */
export const QUERY_BYTES = 15_000;
/** An id in its quotes and with its comma, as a URL spells them. */
const ID_BYTES = '%27001000000000001AAA%27%2C'.length;

/**
 * Reads records by id, one call for 2,000. What is not live is looked for in the recycle bin; a record found in neither is
 * missing from the answer.
 */
export async function readRecords(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  ids: readonly string[],
): Promise<Map<string, ReadRecord>> {
  const fields = readFields(mapping);
  const found = new Map<string, ReadRecord>();
  const keep = (value: unknown) => {
    const record = parseRecord(mapping, value);
    const id = (record.version ?? record.unusable)?.id;
    if (id !== undefined) found.set(id, record);
  };
  for (const part of parts(ids, RETRIEVE_IDS)) {
    const live = await calling(connection, () => retrieve(connection, mapping.object, part, fields));
    for (const value of live) if (value !== null) keep(value);
  }
  const rest = ids.filter((id) => !found.has(id));
  const all = [...fields, ...deletedFields(mapping)];
  const select = `SELECT ${all.join(',')} FROM ${mapping.object} WHERE Id IN `;
  const idsInQuery = Math.floor((QUERY_BYTES - encodeURIComponent(select).length) / ID_BYTES);
  for (const part of parts(rest, Math.max(1, idsInQuery))) {
    const soql = `${select}(${part.map((id) => `'${id}'`).join(',')})`;
    // A page may hold fewer records than the query found.
    const pages = { scanAll: true, autoFetch: true, maxFetch: part.length };
    const { records } = await calling(connection, async () => await connection.query(soql, pages));
    for (const value of records) keep(value);
  }
  return found;
}

function retrieve(connection: SalesforceConnection, object: string, ids: readonly string[], fields: readonly string[]) {
  return connection.request<readonly unknown[]>({
    method: 'POST',
    url: `/services/data/v${API_VERSION}/composite/sobjects/${object}`,
    body: JSON.stringify({ ids, fields }),
    headers: { 'content-type': 'application/json' },
  });
}

export function parts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
