/** Lookups in SQL: a child's column holds its parent's key, and the parent's row carries the id of its record. */
import pg from 'pg';
import type { Left } from '../../core/agreement/written.ts';
import { lookupColumns, type ObjectMapping, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { type Lookup, lookupsOf } from '../../core/mapping/lookups.ts';
import { keyParts } from '../../core/mapping/row-key.ts';
import { tableMates } from '../../core/mapping/shared-tables.ts';
import { query, type Session } from '../session/connection.ts';
import { RowsLockedError } from '../session/server-errors.ts';
import { keyColumnsOf, keyDocument, keyDocuments, keyOf, lookupText, sameKey, sharedKey } from './key-columns.ts';
import { type LeftRow, leftIn, readLeft, touches } from './own-columns.ts';
import { isOfObject } from './row-filter.ts';
import { rowsOf, tableOf } from './rows.ts';
import { holdTogether } from './shared-columns.ts';

const name = pg.escapeIdentifier;

/** Whether row `row` of the child names, by the lookup, the row `parentRow` of the parent; as an SQL expression. */
export function pointsTo(
  lookup: Lookup,
  row: string,
  parent: Pick<ObjectMapping, 'keyColumns'>,
  parentRow: string,
): string {
  const { ofType } = lookup;
  const isSame = lookupColumns(lookup).map(
    (column, i) => `${row}.${name(column)} = ${parentRow}.${name(parent.keyColumns[i] ?? '')}`,
  );
  return [...isSame, ...(ofType === undefined ? [] : [isOfType(ofType, row)])].join(' and ');
}

function isOfType({ column, value }: NonNullable<Lookup['ofType']>, row: string): string {
  return `${row}.${name(column)} = ${pg.escapeLiteral(value)}`;
}

/** The key that the row has in the lookup, as text; of a row of another object a text that is no key. null: it names none. */
export function namedKey(lookup: Lookup, row: string): string {
  const { ofType, beside = [] } = lookup;
  const key = lookupText(lookup, row);
  if (ofType !== undefined) return `case when ${isOfType(ofType, row)} then ${key} else 'of another:' || ${key} end`;
  if (beside.length === 0) return key;
  return `coalesce(${[key, ...beside.map((other) => `'of another:' || ${row}.${name(other)}::text`)].join(', ')})`;
}

/** Keys of the rows that carry these Salesforce ids, locked against deletion until the transaction ends. `skip`: those that can be at once. */
export async function holdParents(
  session: Session,
  parent: ObjectMapping,
  salesforceIds: readonly string[],
  locked: 'wait' | 'skip' = 'wait',
): Promise<Map<string, string>> {
  if (salesforceIds.length === 0) return new Map();
  const id = `p.${name(parent.salesforceIdColumn)}`;
  const { rows } = await query<{ id: string; key: string }>(
    session,
    `select ${id} as id, ${keyOf(parent, 'p')} as key from ${rowsOf(parent)} p
      where ${id} = any ($1::text[]) order by ${keyColumnsOf(parent, 'p')} for key share of p ${locked === 'skip' ? 'skip locked' : ''}`,
    [salesforceIds],
  );
  return new Map(rows.map((row) => [row.id, row.key]));
}

/** Of a parent row without an id when it was last read: it has one now, or another transaction has locked it. */
export type ParentState = 'linked' | 'locked';

/**
 * How the rows stand that had no Salesforce id, by key; those that still have none, and that no other transaction has locked,
 * are left out. Never waits: the one that writes a parent's id then locks its children, and would wait for this one.
 */
export async function parentStates(
  session: Session,
  parent: ObjectMapping,
  keys: readonly string[],
): Promise<Map<string, ParentState>> {
  if (keys.length === 0) return new Map();
  const isWanted = sameKey(parent, 'p', 'x');
  const wanted = `jsonb_populate_recordset(null::${tableOf(parent)}, $1::jsonb) x join ${rowsOf(parent)} p on ${isWanted}`;
  const { rows } = await query<{ key: string; linked: boolean | null }>(
    session,
    `with free as (select ${keyOf(parent, 'p')} as key, p.${name(parent.salesforceIdColumn)} is not null as linked
                     from ${wanted} for share of p skip locked)
     select ${keyOf(parent, 'p')} as key, free.linked from ${wanted} left join free on free.key = ${keyOf(parent, 'p')}
      where free.linked is distinct from false`,
    [keyDocuments(parent, keys)],
  );
  return new Map(rows.map((row) => [row.key, row.linked === true ? 'linked' : 'locked']));
}

/** Keys of the rows whose lookup points to one of these parent rows. */
export async function childKeysOf(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  parent: ObjectMapping,
  parentKeys: readonly string[],
): Promise<string[]> {
  const { rows } = await query<{ key: string }>(
    session,
    `select ${keyOf(child, 'c')} as key
       from jsonb_populate_recordset(null::${tableOf(parent)}, $1::jsonb) p
       join ${rowsOf(child)} c on ${pointsTo(lookup, 'c', parent, 'p')}`,
    [keyDocuments(parent, parentKeys)],
  );
  return rows.map(({ key }) => key);
}

/** Keys of the rows whose lookup points to a row that carries one of these Salesforce ids. */
export async function childKeysOfRecords(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  parent: ObjectMapping,
  salesforceIds: readonly string[],
): Promise<string[]> {
  const { rows } = await query<{ key: string }>(
    session,
    `select ${keyOf(child, 't')} as key from ${rowsOf(parent)} p
       join ${rowsOf(child)} t on ${pointsTo(lookup, 't', parent, 'p')}
      where p.${name(parent.salesforceIdColumn)} = any ($1::text[])`,
    [salesforceIds],
  );
  return rows.map(({ key }) => key);
}

/** Of these parents' Salesforce ids, those to whose rows the lookup of a child points. */
export async function blockingChildren(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  parent: ObjectMapping,
  salesforceIds: readonly string[],
): Promise<string[]> {
  const id = name(parent.salesforceIdColumn);
  const { rows } = await query<{ id: string }>(
    session,
    `select p.${id} as id from ${rowsOf(parent)} p
      where p.${id} = any ($1::text[])
        and exists (select from ${rowsOf(child)} t where ${pointsTo(lookup, 't', parent, 'p')})`,
    [salesforceIds],
  );
  return rows.map((row) => row.id);
}

/** What each of these rows names by the lookup, locked in key order. Throws RowsLockedError where another transaction holds some. */
export async function lockColumn(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  rowKeys: readonly string[],
): Promise<Map<string, string | null>> {
  if (rowKeys.length === 0) return new Map();
  const wanted = `jsonb_populate_recordset(null::${tableOf(child)}, $1::jsonb) x join ${rowsOf(child)} t on ${sameKey(child, 't', 'x')}`;
  const { rows } = await query<{ key: string; value: string | null }>(
    session,
    `select ${keyOf(child, 't')} as key, ${namedKey(lookup, 't')} as value from ${wanted}
      order by ${keyColumnsOf(child, 't')} for no key update of t skip locked`,
    [keyDocuments(child, rowKeys)],
  );
  const columns = new Map(rows.map((row) => [row.key, row.value]));
  const missing = rowKeys.filter((rowKey) => !columns.has(rowKey));
  if (missing.length === 0) return columns;
  const { rows: passedOver } = await query<{ key: string }>(
    session,
    `select ${keyOf(child, 't')} as key from ${wanted}`,
    [keyDocuments(child, missing)],
  );
  if (passedOver.length === 0) return columns;
  const table = spelledTable(child);
  throw new RowsLockedError(
    table,
    passedOver.map((row) => row.key),
  );
}

/** Of the keys, those of rows that are another object's. */
export async function othersRows(
  session: Session,
  mapping: ObjectMapping,
  rowKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  if (rowKeys.length === 0 || mapping.filter?.values === undefined) return new Set();
  const { rows } = await query<{ key: string }>(
    session,
    `select ${keyOf(mapping, 't')} as key
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x join ${rowsOf(mapping)} t on ${sameKey(mapping, 't', 'x')}
      where (${isOfObject(mapping, 't')}) is not true`,
    [keyDocuments(mapping, rowKeys)],
  );
  return new Set(rows.map((row) => row.key));
}

/** Fills a lookup that is null with the parent's key. Answers what `updateRows` does. */
export async function fillNulls(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  fills: readonly { readonly rowKey: string; readonly parentKey: string }[],
): Promise<ReadonlyMap<string, Left>> {
  if (fills.length === 0) return new Map();
  const left = leftIn(child);
  const columns = lookupColumns(lookup);
  const column = name(lookup.column);
  const { ofType, beside = [] } = lookup;
  const set = [
    `${column} = x.${column}`,
    ...(ofType === undefined ? [] : [`${name(ofType.column)} = ${pg.escapeLiteral(ofType.value)}`]),
    ...(await touches(session, child)),
  ];
  const isNull = [lookup.column, ...beside].map((each) => `t.${name(each)} is null`).join(' and ');
  const { rows } = await query<LeftRow>(
    session,
    `update ${rowsOf(child)} t set ${set.join(', ')}
       from jsonb_populate_recordset(null::${tableOf(child)}, $1::jsonb) x
      where ${sameKey(child, 't', 'x')} and ${isNull} ${left === undefined ? '' : `returning ${left}`}`,
    [
      JSON.stringify(
        fills.map(({ rowKey, parentKey }) => ({
          ...keyDocument(child, rowKey),
          [lookup.column]: keyParts(parentKey, columns.length)?.at(-1),
        })),
      ),
    ],
  );
  const pointing = fills.map(({ rowKey, parentKey }) => ({ key: rowKey, fields: { [lookup.field]: parentKey } }));
  await holdTogether(session, child, pointing);
  return readLeft(left === undefined ? [] : rows);
}

/** A parent whose row goes, and the record that it was merged into. */
export interface DoomedParent {
  readonly salesforceId: string;
  readonly survivor: string | undefined;
}

/** A child's row whose lookup pointed to such a parent. */
export interface OrphanedRow {
  readonly rowKey: string;
  readonly parent: string;
  readonly survivor: string | undefined;
  /** The lookup points to the survivor's row now; else it is null. */
  readonly survivorHasRow: boolean;
}

/** Objects that have the child's table and whose rows name a parent by the same column: each takes it out of its own. */
export function alsoNaming(
  { objects }: SyncConfiguration,
  child: ObjectMapping,
  { column }: Lookup,
): readonly ObjectMapping[] {
  return tableMates(objects, child).filter((mate) => lookupsOf(mate).some((each) => each.column === column));
}

/**
 * Takes the parents' keys out of the children's column. `required`: the column allows no null, so that only children whose
 * parent has a survivor are changed. `others`: objects whose rows are left alone (`alsoNaming`).
 */
export async function takeOutParents(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  parent: ObjectMapping,
  doomed: readonly DoomedParent[],
  { required, others }: { readonly required: boolean; readonly others: readonly ObjectMapping[] },
): Promise<OrphanedRow[]> {
  const parentId = name(parent.salesforceIdColumn);
  const last = name(parent.keyColumns.at(-1) ?? '');
  const { ofType } = lookup;
  const isGone = lookupColumns(lookup).map((each, i) => `t.${name(each)} = gone.key_${i}`);
  if (ofType !== undefined) isGone.push(isOfType(ofType, 't'));
  const set = [
    `${name(lookup.column)} = gone.survivor_key`,
    ...(ofType === undefined
      ? []
      : [`${name(ofType.column)} = case when gone.survivor_key is not null then t.${name(ofType.column)} end`]),
    ...(await touches(session, child)),
  ];
  const { rows } = await query<{ key: string; id: string; survivor: string | null; survivor_has_row: boolean }>(
    session,
    `with gone as (select ${parent.keyColumns.map((each, i) => `p.${name(each)} as key_${i}`).join(', ')}, d.id, d.survivor, s.${last} as survivor_key
                     from jsonb_to_recordset($1::jsonb) as d (id text, survivor text)
                     join ${rowsOf(parent)} p on p.${parentId} = d.id
                     left join ${rowsOf(parent)} s on s.${parentId} = d.survivor ${sharedKey(lookup, parent, 'p', 's')})
     update ${rowsOf(child)} t set ${set.join(', ')}
       from gone where ${isGone.join(' and ')} ${required ? 'and gone.survivor_key is not null' : ''}
        ${others.map((each) => `and (${isOfObject(each, 't')}) is not true`).join(' ')}
     returning ${keyOf(child, 't')} as key, gone.id, gone.survivor, gone.survivor_key is not null as survivor_has_row`,
    [JSON.stringify(doomed.map(({ salesforceId, survivor }) => ({ id: salesforceId, survivor: survivor ?? null })))],
  );
  return rows.map(({ key, id, survivor, survivor_has_row }) => {
    return { rowKey: key, parent: id, survivor: survivor ?? undefined, survivorHasRow: survivor_has_row };
  });
}
