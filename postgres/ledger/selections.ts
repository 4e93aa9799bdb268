/** Selections of links, by their names, and pages of links. */
import pg from 'pg';
import { CHILDREN_EXIST } from '../../core/contracts/rejects.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import { rowsOf, tableOf } from '../tables/rows.ts';
import type { LinkSelection } from './links.ts';

const name = pg.escapeIdentifier;

/** The newest live record of an object without an open push: the likeliest to be there still when one has to be read. */
export const NEWEST_LIVE: LinkSelection = {
  where: `l.id = (select n.id from sfsync.link n
                   where n.object = $1 and n.base is not null and not n.base_deleted and n.push_id is null
                   order by n.salesforce_id desc limit 1)`,
  values: [],
};

/** Deletes that the guard against delete storms holds. */
export const HELD: LinkSelection = { where: `l.delete_guard = 'held'`, values: [] };

/** Deleted records under whose key there is a row without a Salesforce id: the application has inserted it again. */
export function reinserted(mapping: ObjectMapping, rowKeys: readonly string[]): LinkSelection {
  const key = name(mapping.keyColumn);
  return {
    where: `l.row_key = any ($2::text[]) and l.base_deleted and l.push_id is null
      and exists (select from jsonb_populate_recordset(null::${tableOf(mapping)}, $3::jsonb) x
                    join ${rowsOf(mapping)} t on t.${key} = x.${key}
                   where x.${key}::text = l.row_key and t.${name(mapping.salesforceIdColumn)} is null)`,
    values: [rowKeys, JSON.stringify(rowKeys.map((rowKey) => ({ [mapping.keyColumn]: rowKey })))],
  };
}

/** Of the links from the id after `afterId` to `lastId`, those of live records whose row is gone: not under another key either. */
export function goneRows(mapping: ObjectMapping, afterId: string, lastId: string): LinkSelection {
  const table = rowsOf(mapping);
  return {
    where: `l.id > $2::bigint and l.id <= $3::bigint and l.row_key is not null and l.base_deleted is false
      and not exists (select from ${table} t where t.${name(mapping.keyColumn)}::text = l.row_key)
      and not exists (select from ${table} t where t.${name(mapping.salesforceIdColumn)} = l.salesforce_id)`,
    values: [afterId, lastId],
  };
}

/** Children that wait, by the lookup, for a record which was merged into another. */
export function childrenOfMerged({ field }: FieldMapping, parent: string): LinkSelection {
  return {
    where: `l.waiting <> '{}' and not l.reread_due
      and exists (select from sfsync.link p where p.object = $3 and p.salesforce_id = l.waiting ->> $2
                     and p.merged_into is not null and p.base_deleted)`,
    values: [field, parent],
  };
}

/** Children that wait, by the lookup, for a parent that has a row now. */
export function parentLanded({ field }: FieldMapping, parent: ObjectMapping): LinkSelection {
  return {
    where: `l.waiting <> '{}' and l.waiting ? $2
      and exists (select from ${rowsOf(parent)} p where p.${name(parent.salesforceIdColumn)} = l.waiting ->> $2)`,
    values: [field],
  };
}

/** Parents whose delete was put off because of these children, of which none is left. */
export function putOffParents(child: ObjectMapping, { column }: FieldMapping, parent: ObjectMapping): LinkSelection {
  return {
    where: `not l.reread_due
      and exists (select from sfsync.rejected_record r
                   where r.object = $1 and r.salesforce_id = l.salesforce_id and r.direction = 'to-postgres'
                     and r.code = $2 and r.resolved_at is null)
      and not exists (select from ${rowsOf(parent)} p
                        join ${rowsOf(child)} t on t.${name(column)} = p.${name(parent.keyColumn)}
                       where p.${name(parent.salesforceIdColumn)} = l.salesforce_id)`,
    values: [CHILDREN_EXIST],
  };
}

export interface LinkPage {
  /** Salesforce ids, in the order of the links' own ids. */
  readonly ids: readonly string[];
  /** The id of the last link; undefined: there was none. */
  readonly last: string | undefined;
}

/** The links that follow the one with the id `afterId`; undefined: from the first. */
export async function nextLinkIds(
  session: Session,
  object: string,
  afterId: string | undefined,
  limit: number,
): Promise<LinkPage> {
  const { rows } = await query<{ id: string; salesforce_id: string }>(
    session,
    'select l.id::text, l.salesforce_id from sfsync.link l where l.object = $1 and l.id > $2 order by l.id limit $3',
    [object, afterId ?? '0', limit],
  );
  return { ids: rows.map(({ salesforce_id }) => salesforce_id), last: rows.at(-1)?.id };
}
