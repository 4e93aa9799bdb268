/** Fresh reads of records that are known by nothing but the row key that their external id holds. */
import { SyncError } from '../core/errors.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { alikeKey } from '../core/mapping/external-id.ts';
import { deletedFields } from '../core/mapping/object-ways.ts';
import { parseRecord, type ReadRecord, readFields } from '../core/mapping/salesforce-record.ts';
import { calling, type SalesforceConnection } from './connection.ts';
import { QUERY_BYTES } from './read.ts';
import { soqlText } from './soql-text.ts';

/**
 * The record of each external id, live or in the recycle bin; a live one before deleted ones, of these the last. An id that no
 * record has is missing from the answer. Where several live records have it, none can be used; nor can a live record whose external
 * id is another one, and which Salesforce finds by this one all the same.
 */
export async function readByExternalId(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  externalIds: readonly string[],
): Promise<Map<string, ReadRecord>> {
  const { object, externalIdField } = mapping;
  const found = new Map<string, ReadRecord>();
  if (externalIdField === undefined || externalIds.length === 0) return found;
  const fields = [...readFields(mapping), ...deletedFields(mapping)];
  const select = `SELECT ${fields.join(',')} FROM ${object} WHERE ${externalIdField} IN `;
  const most = QUERY_BYTES - encodeURIComponent(select).length;
  for (const part of apart(externalIds).flatMap((ids) => partsByBytes(ids, most))) {
    await readPart(
      part,
      async (ids) => {
        const soql = `${select}(${ids.map(soqlText).join(',')})`;
        // A page may hold fewer records than the query found, and of one id there may be many in the recycle bin.
        const pages = { scanAll: true, autoFetch: true, maxFetch: 100_000 };
        const { records } = await calling(connection, async () => await connection.query(soql, pages));
        const asked = new Map(ids.map((key) => [alikeKey(key), key]));
        for (const value of records) keep(found, asked, externalIdField, value, parseRecord(mapping, value));
      },
      found,
    );
  }
  return found;
}

/** Reads the ids; where Salesforce finds the query malformed, in halves, until the id that makes it so stands alone. */
async function readPart(
  ids: readonly string[],
  read: (ids: readonly string[]) => Promise<void>,
  found: Map<string, ReadRecord>,
): Promise<void> {
  try {
    await read(ids);
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'MALFORMED_QUERY') throw error;
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      found.set(only, { unusable: UNSPEAKABLE });
      return;
    }
    const half = ids.length >> 1;
    for (const part of [ids.slice(0, half), ids.slice(half)]) await readPart(part, read, found);
  }
}

const UNSPEAKABLE = {
  code: 'EXTERNAL_ID_UNUSABLE',
  reason: 'Salesforce does not take the key of this row in a query. Give the row another key.',
  field: undefined,
  id: undefined,
};

/** In several sets, none of which has two ids that Salesforce might take for one: so it is known by which a record was found. */
function apart(externalIds: readonly string[]): string[][] {
  const sets: string[][] = [];
  const places = new Map<string, number>();
  for (const externalId of new Set(externalIds)) {
    const place = places.get(alikeKey(externalId)) ?? 0;
    places.set(alikeKey(externalId), place + 1);
    sets[place] ??= [];
    sets[place].push(externalId);
  }
  return sets;
}

function keep(
  found: Map<string, ReadRecord>,
  asked: ReadonlyMap<string, string>,
  field: string,
  value: object,
  record: ReadRecord,
): void {
  const named: unknown = Object.entries(value).find(([name]) => name === field)?.[1];
  const external = record.version?.externalId ?? (typeof named === 'string' ? named.trim() : undefined);
  const key = external && asked.get(alikeKey(external));
  if (external === undefined || key === undefined) return;
  const before = found.get(key);
  const isLive = record.version?.deleted !== true;
  if (external !== key) {
    if (isLive) found.set(key, { unusable: taken(record.version?.id) });
    return;
  }
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

function taken(id: string | undefined) {
  const reason = `Salesforce takes the key of this row for the external id of record ${id ?? '(unknown)'}, which is another one but for case or the like, so that the row would overwrite that record. Mark the external id as case sensitive in Salesforce, or give the row another key.`;
  return { code: 'EXTERNAL_ID_TAKEN', reason, field: undefined, id: undefined };
}

/** As many together as a URL takes. */
function partsByBytes(externalIds: readonly string[], most: number): string[][] {
  const parts: string[][] = [[]];
  let bytes = 0;
  for (const externalId of externalIds) {
    const more = encodeURIComponent(`${soqlText(externalId)},`).replace(/'/g, '%27').length;
    if (bytes + more > most && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(externalId);
    bytes += more;
  }
  return parts;
}
