/**
 * Records that were deleted along with their parent. The recycle bin has no entry of their own, so an undelete of one fails: it comes
 * back only with the parent (SOAP API Developer Guide, undelete()). An application may have freed its row all the same.
 */
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { lookupsOf } from '../core/mapping/lookups.ts';
import { keepsDeleted } from '../core/mapping/object-ways.ts';
import { calling, type SalesforceConnection } from './connection.ts';
import { parts } from './read.ts';

/** The lookup by which a record names a parent that is deleted, too. */
export interface DeletedParent {
  readonly field: string;
  readonly object: string;
  readonly id: string;
}

/** Ids in a query, which travels in a URL. */
const QUERY_IDS = 300;

/** Of these records, those that name a deleted parent. */
export async function deletedParents(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  ids: readonly string[],
): Promise<Map<string, DeletedParent>> {
  const found = new Map<string, DeletedParent>();
  // A user is deactivated; no record is deleted along with one.
  const lookups = lookupsOf(mapping).filter(({ references }) => keepsDeleted(references));
  if (lookups.length === 0) return found;
  const children = await queried(
    connection,
    mapping.object,
    ['Id', ...new Set(lookups.map(({ field }) => field))],
    ids,
  );
  for (const { field, references } of lookups) {
    const named = new Set(children.flatMap((child) => child[field] ?? []));
    const parents = await queried(connection, references, ['Id', 'IsDeleted'], [...named]);
    const deleted = new Set(parents.filter(({ IsDeleted }) => IsDeleted === true).map(({ Id }) => Id));
    for (const { Id, [field]: parent } of children) {
      if (deleted.has(parent)) found.set(String(Id), { field, object: references, id: String(parent) });
    }
  }
  return found;
}

async function queried(
  connection: SalesforceConnection,
  object: string,
  fields: readonly string[],
  ids: readonly unknown[],
): Promise<Readonly<Record<string, unknown>>[]> {
  const records: Readonly<Record<string, unknown>>[] = [];
  for (const part of parts(ids, QUERY_IDS)) {
    const soql = `SELECT ${fields.join(',')} FROM ${object} WHERE Id IN (${part.map((id) => `'${id}'`).join(',')})`;
    const pages = { scanAll: true, autoFetch: true, maxFetch: part.length };
    const page = await calling(connection, async () => await connection.query(soql, pages));
    records.push(...page.records);
  }
  return records;
}
