/** Fresh reads of records that are known by nothing but the row key that their external id holds. */
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { deletedFields, parseRecord, type ReadRecord, readFields } from '../core/mapping/salesforce-record.ts';
import { calling, type SalesforceConnection } from './connection.ts';
import { QUERY_BYTES } from './read.ts';

/**
 * The record of each external id, live or in the recycle bin; a live one before deleted ones, of these the last. An id that no
 * record has is missing from the answer. Where several live records have it, none can be used.
 */
export async function readByExternalId(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  externalIds: readonly string[],
): Promise<Map<string, ReadRecord>> {
  const { object, externalIdField } = mapping;
  const found = new Map<string, ReadRecord>();
  if (externalIdField === undefined || externalIds.length === 0) return found;
  const fields = [...readFields(mapping), ...deletedFields(object)];
  const select = `SELECT ${fields.join(',')} FROM ${object} WHERE ${externalIdField} IN `;
  for (const part of partsByBytes(externalIds, QUERY_BYTES - encodeURIComponent(select).length)) {
    const soql = `${select}(${part.join(',')})`;
    // A page may hold fewer records than the query found, and of one id there may be many in the recycle bin.
    const pages = { scanAll: true, autoFetch: true, maxFetch: 100_000 };
    const { records } = await calling(connection, async () => await connection.query(soql, pages));
    for (const value of records) keep(found, externalIdField, value, parseRecord(mapping, value));
  }
  return found;
}

function keep(found: Map<string, ReadRecord>, field: string, value: object, record: ReadRecord): void {
  const named: unknown = Object.entries(value).find(([name]) => name === field)?.[1];
  const key = record.version?.externalId ?? (typeof named === 'string' ? named.trim() : undefined);
  if (key === undefined) return;
  const before = found.get(key);
  const isLive = record.version?.deleted !== true;
  const wasLive = before !== undefined && before.version?.deleted !== true;
  if (isLive && wasLive) found.set(key, { unusable: AMBIGUOUS });
  else if (isLive || (!wasLive && (before?.version?.stamp ?? 0) <= (record.version?.stamp ?? 0)))
    found.set(key, record);
}

const AMBIGUOUS = {
  code: 'AMBIGUOUS_EXTERNAL_ID',
  reason: 'Several live records have the key of this row as their external id. Make the field unique.',
  field: undefined,
  id: undefined,
};

/** Quoted, and as many together as a URL takes. */
function partsByBytes(externalIds: readonly string[], most: number): string[][] {
  const parts: string[][] = [[]];
  let bytes = 0;
  for (const externalId of externalIds) {
    const quoted = `'${externalId.replace(/[\\']/g, '\\$&')}'`;
    const more = encodeURIComponent(`${quoted},`).replace(/'/g, '%27').length;
    if (bytes + more > most && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(quoted);
    bytes += more;
  }
  return parts;
}
