/** Selections of links, by their names, and pages of links. */
import pg from 'pg';
import { CHILDREN_EXIST } from '../../core/contracts/rejects.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Lookup } from '../../core/mapping/lookups.ts';
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';
import { hasKey, keyDocuments, keyOf, sameKey } from '../tables/key-columns.ts';
import { pointsTo } from '../tables/lookups.ts';
import { rowsOf, tableOf } from '../tables/rows.ts';
import { IN_ORDER, type LinkSelection } from './links.ts';

const name = pg.escapeIdentifier;

/**
 * An id of the ledger, which has a collation of its own, as one that is compared by the collation of another table's column: by
 * the ledger's, the column's index finds nothing.
 */
function inTable(salesforceId: string): string {
  return `(to_jsonb(${salesforceId}) #>> '{}')`;
}

/** The newest live record of an object without an open push: the likeliest to be there still when one has to be read. */
export const NEWEST_LIVE: LinkSelection = {
  where: `l.id = (select n.id from sfsync.link n
                   where (n.object || '') = $1 and n.base is not null and not n.base_deleted and n.push_id is null
                   order by n.salesforce_id desc limit 1)`,
  values: [],
};

/** Deletes that the guard against delete storms holds. */
export const HELD: LinkSelection = { where: `l.delete_guard = 'held'`, values: [] };

/** Deleted records under whose key there is a row without a Salesforce id: the application has inserted it again. */
export function reinserted(mapping: ObjectMapping, rowKeys: readonly string[]): LinkSelection {
  return {
    where: `l.row_key = any ($2::text[]) and l.base_deleted and l.push_id is null
      and exists (select from jsonb_populate_recordset(null::${tableOf(mapping)}, $3::jsonb) x
                    join ${rowsOf(mapping)} t on ${sameKey(mapping, 't', 'x')}
                   where ${keyOf(mapping, 'x')} = l.row_key and t.${name(mapping.salesforceIdColumn)} is null)`,
    values: [rowKeys, keyDocuments(mapping, rowKeys)],
  };
}

/** Of these links, those of live records whose row is gone: not under another key either. */
export function goneRows(mapping: ObjectMapping, salesforceIds: readonly string[]): LinkSelection {
  const table = rowsOf(mapping);
  return {
    where: `l.salesforce_id = any ($2::text[]) and l.row_key is not null and l.base_deleted is false
      and not exists (select from ${table} t where ${hasKey(mapping, 't', 'l.row_key')})
      and not exists (select from ${table} t where t.${name(mapping.salesforceIdColumn)} = ${inTable('l.salesforce_id')})`,
    values: [salesforceIds],
  };
}

/** Children that wait: all, those that wait for one of these records, or these records themselves. */
export type WaitingChildren = 'all' | { readonly for: readonly string[] } | { readonly of: readonly string[] };

/** What waits by a lookup as (child, parent), both Salesforce ids. `$1`: the child's object; `$2`: the field. */
function pairsOf(waiting: WaitingChildren, ids: string): string {
  if (waiting === 'all')
    return `select w.salesforce_id, ${inTable('w.parent_id')} from sfsync.waiting w where w.object = $1 and w.field = $2`;
  return 'for' in waiting
    ? `select w.salesforce_id, x.id from unnest(${ids}::text[]) as x (id) cross join lateral (
         select w.salesforce_id from sfsync.waiting w
          where w.object = $1 and w.field = $2 and w.parent_id = x.id offset 0) w`
    : `select c.salesforce_id, c.waiting ->> $2 from sfsync.link c
        where c.object = $1 and c.salesforce_id = any (${ids}::text[]) and c.waiting ? $2`;
}

/**
 * Children that wait for a parent which is as `isSo` says of its Salesforce id; it takes its values from `$3` on, and is no `exists`,
 * which the planner might turn into a join with all that there is.
 */
function childrenOf(
  { field }: FieldMapping,
  waiting: WaitingChildren,
  isSo: (parent: string) => string,
  values: readonly unknown[] = [],
): LinkSelection {
  const pairs = pairsOf(waiting, `$${3 + values.length}`);
  const ids = waiting === 'all' ? [] : ['for' in waiting ? waiting.for : waiting.of];
  return {
    where: `l.salesforce_id = any (array(
      select pair.child from (${pairs}) as pair (child, parent) where ${isSo('pair.parent')}))`,
    values: [field, ...values, ...ids],
    still: { where: `l.waiting ? $2 and ${isSo('(l.waiting ->> $2)')}`, values: [field, ...values] },
  };
}

/** Children that wait, by the lookup, for a record which was merged into another. */
export function childrenOfMerged(field: FieldMapping, parent: string, waiting: WaitingChildren): LinkSelection {
  const isMerged = (id: string) =>
    `(select true from sfsync.link p where p.object = $3 and p.salesforce_id = ${id}
         and p.merged_into is not null and p.base_deleted limit 1)`;
  const { where, values } = childrenOf(field, waiting, isMerged, [parent]);
  return { where: `${where} and not l.reread_due`, values };
}

/** Children that wait, by the lookup, for a parent that has a row now. */
export function parentLanded(field: FieldMapping, parent: ObjectMapping, waiting: WaitingChildren): LinkSelection {
  const id = name(parent.salesforceIdColumn);
  return childrenOf(
    field,
    waiting,
    (salesforceId) => `(select true from ${rowsOf(parent)} p where p.${id} = ${salesforceId} limit 1)`,
  );
}

/** Parents whose delete was put off because of these children, of which none is left. */
export function putOffParents(child: ObjectMapping, lookup: Lookup, parent: ObjectMapping): LinkSelection {
  return {
    where: `l.salesforce_id = any (array(
        select r.salesforce_id from sfsync.rejected_record r
         where r.object = $1 and r.code = '${CHILDREN_EXIST}' and r.direction = 'to-postgres' and r.resolved_at is null))
      and not l.reread_due
      and not exists (select from ${rowsOf(parent)} p
                        join ${rowsOf(child)} t on ${pointsTo(lookup, 't', parent, 'p')}
                       where p.${name(parent.salesforceIdColumn)} = ${inTable('l.salesforce_id')})`,
    values: [],
  };
}

/** Whether anything waits by the lookup: mostly nothing does. */
export async function anyWaiting(session: Session, object: string, { field }: FieldMapping): Promise<boolean> {
  const sql = 'select from sfsync.waiting where object = $1 and field = $2 order by parent_id limit 1';
  return (await byIndex(session, () => query(session, sql, [object, field]))).rows.length > 0;
}

export interface LinkPage {
  /** Salesforce ids, in their order. */
  readonly ids: readonly string[];
  /** The last of them; undefined: there was none. */
  readonly last: string | undefined;
}

/** The links that follow the one of the record `after`; undefined: from the first. */
export async function nextLinkIds(
  session: Session,
  object: string,
  after: string | undefined,
  limit: number,
): Promise<LinkPage> {
  const sql = `select l.salesforce_id as id from sfsync.link l
      where ${IN_ORDER} and l.salesforce_id > $2 order by l.salesforce_id limit $3`;
  const { rows } = await byIndex(session, () => query<{ id: string }>(session, sql, [object, after ?? '', limit]));
  return { ids: rows.map(({ id }) => id), last: rows.at(-1)?.id };
}
