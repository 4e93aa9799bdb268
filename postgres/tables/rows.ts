/**
 * Rows of the mapped tables, read as canonical values and written from them, as texts that the column type's own input
 * function reads. Only columns that change are written: the canonical form is coarser than the column's (a timestamp's
 * microseconds), and must not replace it.
 */
import pg from 'pg';
import type { Left } from '../../core/agreement/written.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import type { CanonicalValue, FieldValues, RowValue, RowValues } from '../../core/mapping/canonical.ts';
import { fromPostgres, isUnsendable, toPostgres, toPostgresJson, UNREADABLE } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { lookupColumns, mappingOf, parentOf } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { parseInstant } from '../../core/mapping/instant.ts';
import { asInstant } from '../../core/mapping/local-time.ts';
import { lookupsOf, pointerIn, pointerText, readPointer, storedFields, storedIn } from '../../core/mapping/lookups.ts';
import { keyParts } from '../../core/mapping/row-key.ts';
import { wholeRecord } from '../../core/mapping/whole-record.ts';
import type { Session } from '../session/connection.ts';
import { query, queryTuples } from '../session/connection.ts';
import { type CopyColumn, copyRows } from '../session/copy.ts';
import { RowIgnoredError, RowsLockedError } from '../session/server-errors.ts';
import type { TableColumns } from '../session/transaction-facts.ts';
import { compareTables, type InForceMapping } from './column-numbers.ts';
import { amongKeys, hasKey, isKey, keyColumnsOf, keyDocument, keyOf, lookupText } from './key-columns.ts';
import { type LeftRow, leftIn, newRowValues, readLeft, touches } from './own-columns.ts';
import { type Place, readPlaces } from './row-filter.ts';
import { holdTogether, sharedValues } from './shared-columns.ts';
import { tableColumns } from './table-columns.ts';
import { type Cell, hasUnreadable, orRemember, readCells } from './unreadable-columns.ts';

const name = pg.escapeIdentifier;

export function tableOf({ schema, table }: ObjectMapping): string {
  return `${name(schema)}.${name(table)}`;
}

/** The rows of the table, for `from`, `join` and `update`: those that are published, also where other tables inherit from it. */
export function rowsOf(mapping: InForceMapping): string {
  return mapping.tableFacts?.kind === 'r' ? `only ${tableOf(mapping)}` : tableOf(mapping);
}

export interface StoredRow {
  readonly key: string;
  readonly salesforceId: string | undefined;
  readonly fields: RowValues;
  /** When it was edited, where the mapping names the column. */
  readonly editedAt: Instant | undefined;
  /** The time of its last change, as the column spells it. */
  readonly changedAt: string | undefined;
  /** Where the mapping names the column. */
  readonly lockVersion: number | undefined;
  /** It is there, and counts as gone: the application or a delete in Salesforce has marked it. */
  readonly softDeleted: boolean;
  /** The row filter does not let it out. unknown: the filter fails for it; undefined: the object has no filter. */
  readonly outside: boolean | 'unknown' | undefined;
  /** By the values of the filter it is a row of another object, or of none: nothing of it is read. */
  readonly isOthers: boolean;
}

const NOTHING_READ: RowValues = {};

/** Which rows: by key, or by the Salesforce id that they carry. */
export type RowSelection = { readonly keys: readonly string[] } | { readonly salesforceIds: readonly string[] };

/**
 * `lock`: in key order, against writes, not against new children: a step that deletes a row locks it against them as well (see
 * `lockDoomed`). `read`: as the rows stand at this moment, for a step that writes none of them; what an application is about to
 * commit becomes due with its message.
 */
export type RowAccess = 'lock' | 'read';

/**
 * Reads the mapped fields of rows, which are locked first, and then the parents that they point to: of a row that was changed
 * right before it was locked, a join would show the parent from before. It waits for no other transaction: throws RowsLockedError
 * where one holds some of them, for a row that cannot be read must not be taken for one that is gone.
 */
export async function lockRows(
  session: Session,
  configuration: SyncConfiguration,
  mapping: InForceMapping,
  selection: RowSelection,
  access: RowAccess = 'lock',
): Promise<StoredRow[]> {
  const wanted = 'keys' in selection ? selection.keys : selection.salesforceIds;
  if (wanted.length === 0) return [];
  const rows = await readRows(session, mapping, selection, { which: 'published', access });
  // A row that has moved into a table that inherits is not published any more, and it is not gone.
  if (rows.length < wanted.length && mapping.tableFacts?.hasChildren === true) {
    rows.push(...(await readRows(session, mapping, selection, { which: 'inherited', access })));
  }
  if (access === 'lock' && rows.length < wanted.length) await throwIfLocked(session, mapping, selection, rows);
  const parentIds = await readParents(session, configuration, mapping, rows);
  const keys = rows.map(([rowKey]) => rowKey);
  const places = await readPlaces(session, mapping, (await tableColumns(session, mapping)).types, keys);
  const parents = lookupsOf(mapping).map(({ references }) => references);
  await compareTables(
    session,
    mapping,
    [...new Set(parents)].map((object) => mappingOf(configuration, object)),
  );
  return rows.map(([rowKey, salesforceId, edited, deleted, lock, ...cells]) => {
    let fields: RowValues | undefined;
    const place = places?.get(rowKey);
    const isOthers = place === "others'";
    return {
      key: rowKey,
      salesforceId: salesforceId ?? undefined,
      editedAt: parseInstant(asInstant(edited ?? '', mapping.zone)),
      changedAt: edited ?? undefined,
      lockVersion: mapping.lockVersionColumn === undefined ? undefined : Number(lock ?? 0),
      softDeleted: deleted !== null,
      outside: outsideAt(place),
      isOthers,
      // Converted when they are looked at: by then the server has something else to do.
      get fields() {
        fields ??= isOthers ? NOTHING_READ : readValues(mapping, cells, parentIds);
        return fields;
      },
    };
  });
}

function outsideAt(place: Place | undefined): StoredRow['outside'] {
  return place === undefined || place === 'unknown' ? place : place !== 'inside';
}

/** Key, Salesforce id and marks of a row, as texts, and then a cell for each field: of a lookup to several objects as `pointerText`. */
type RowCells = readonly [
  key: string,
  salesforceId: string | null,
  edited: string | null,
  deleted: string | null,
  lock: string | null,
  ...cells: Cell[],
];

async function readRows(
  session: Session,
  mapping: InForceMapping,
  selection: RowSelection,
  { which, access }: { readonly which: 'published' | 'inherited'; readonly access: RowAccess },
): Promise<RowCells[]> {
  const key = keyOf(mapping, 't');
  const chosen = await chosenBy(session, mapping, selection);
  const [table, further] =
    which === 'published'
      ? [rowsOf(mapping), '']
      : [tableOf(mapping), `and t.tableoid <> ${Number(mapping.tableFacts?.oid)}`];
  const { shapes, types } = await tableColumns(session, mapping);
  const texts = (fields: readonly FieldMapping[]) => fields.map((field) => `, ${cellText(field, shapes)}`).join('');
  const read = (fields: readonly FieldMapping[]) =>
    queryTuples<[string, string | null, string | null, string | null, string | null, ...(string | null)[]]>(
      session,
      `select ${key}, t.${name(mapping.salesforceIdColumn)}, ${marks(mapping)}${texts(fields)}
         from ${table} t where ${chosen} ${further} order by ${keyColumnsOf(mapping, 't')} ${access === 'lock' ? 'for no key update of t skip locked' : ''}`,
      ['keys' in selection ? selection.keys : selection.salesforceIds],
    );
  const stored = storedFields(mapping);
  if (!hasUnreadable(session, mapping)) {
    const found = await orRemember(session, mapping, () => read(stored));
    return stored === mapping.fields ? found : found.map((row) => withPointers(mapping, row));
  }
  const rows = await read([]);
  const cells = await readCells(
    session,
    stored,
    rows.map(([rowKey]) => rowKey),
    (fields, keys) => {
      const sql = `select ${key}${texts(fields)} from ${table} t where ${amongKeys(mapping, types, 't', '$1')} ${further}`;
      return queryTuples<[string, ...(string | null)[]]>(session, sql, [keys]);
    },
  );
  return rows.flatMap((row): RowCells[] => {
    const found = cells.get(row[0]);
    return found === undefined ? [] : [withPointers(mapping, [row[0], row[1], row[2], row[3], row[4], ...found])];
  });
}

/** The row with one cell for each field, in place of one for each of its columns. */
function withPointers({ fields }: ObjectMapping, [key, id, edited, deleted, lock, ...given]: RowCells): RowCells {
  let at = 0;
  const cells = fields.map((field) => {
    const { targets } = field;
    const parts = given.slice(at, at + storedIn(field).length);
    at += parts.length;
    if (targets === undefined) return parts[0] ?? null;
    if (parts.some(isUnsendable)) return UNREADABLE;
    const pointer = pointerIn(targets, parts.map(textOf));
    return pointer === 'unknown' ? UNREADABLE : pointer === undefined ? null : pointerText(pointer);
  });
  return [key, id, edited, deleted, lock, ...cells];
}

/** The text of a field's column; of a lookup by several columns, that of the parent's key. */
function cellText(field: FieldMapping, shapes: TableColumns['shapes']): string {
  const { column, type, shared } = field;
  if (shared === undefined) return type.columnText(`t.${name(column)}`, shapes.get(column));
  return lookupText(field, 't');
}

async function chosenBy(session: Session, mapping: ObjectMapping, selection: RowSelection): Promise<string> {
  return 'keys' in selection
    ? amongKeys(mapping, (await tableColumns(session, mapping)).types, 't', '$1')
    : `t.${name(mapping.salesforceIdColumn)} = any ($1::text[])`;
}

/** Of the rows that were passed over, those that there are all the same. */
async function throwIfLocked(
  session: Session,
  mapping: InForceMapping,
  selection: RowSelection,
  found: readonly RowCells[],
): Promise<void> {
  const there = new Set(found.map(([key, id]) => ('keys' in selection ? key : id)));
  const missing = ('keys' in selection ? selection.keys : selection.salesforceIds).filter((each) => !there.has(each));
  if (missing.length === 0) return;
  const chosen = await chosenBy(session, mapping, selection);
  const passedOver = await queryTuples<[string, string | null]>(
    session,
    `select ${keyOf(mapping, 't')}, t.${name(mapping.salesforceIdColumn)} from ${tableOf(mapping)} t where ${chosen}`,
    [missing],
  );
  if (passedOver.length === 0) return;
  const table = spelledTable(mapping);
  throw new RowsLockedError(
    table,
    passedOver.flatMap(([key, id]) => (id === null ? [key] : [key, id])),
  );
}

/** The columns of a locked row that come before its fields. */
const MARKS = 5;

/** Of each lookup field the Salesforce ids of the rows that it points to, by their keys. */
type ParentIds = ReadonlyMap<string, ReadonlyMap<string, string | null>>;

/** Of locked rows. */
async function readParents(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  rows: readonly RowCells[],
): Promise<ParentIds> {
  const found = new Map<string, ReadonlyMap<string, string | null>>();
  const places = new Map(mapping.fields.map(({ field }, i) => [field, MARKS + i]));
  for (const lookup of lookupsOf(mapping)) {
    const { field, column, references, namedBy, isOneOfSeveral } = lookup;
    const texts = new Set(rows.flatMap((row) => textOf(row[places.get(field) ?? 0]) ?? []));
    const asText = (key: string) => (isOneOfSeveral === true ? pointerText({ object: references, key }) : key);
    const keys = isOneOfSeveral
      ? [...texts].flatMap((text) => {
          const pointer = readPointer(text);
          return pointer?.object === references ? pointer.key : [];
        })
      : [...texts];
    const parent = parentOf(configuration, lookup);
    const { among } = namedBy ?? {};
    const meant = among === undefined ? '' : `and p.${name(among.column)} = ${pg.escapeLiteral(among.value)}`;
    const type = (await tableColumns(session, mapping)).types.get(column) ?? 'text';
    const isSimple = parent.keyColumns.length === 1;
    const isParent = isSimple ? `p.${keyColumnsOf(parent)} = x.key` : hasKey(parent, 'p', 'x.key');
    const ids =
      keys.length === 0
        ? []
        : await queryTuples<[string, string | null]>(
            session,
            // Looked up one by one, by the index: a join may read the whole table where its statistics are old.
            `select x.key::text, found.id from unnest($1::${isSimple ? type : 'text'}[]) as x (key) cross join lateral (
               select p.${name(parent.salesforceIdColumn)} as id from ${rowsOf(parent)} p
                where ${isParent} ${meant} offset 0) found`,
            [keys],
          );
    const named = ids.map(([key, id]) => [asText(key), id] as const);
    found.set(field, new Map([...(found.get(field) ?? []), ...named]));
  }
  return found;
}

function textOf(cell: Cell | undefined): string | null {
  return cell === undefined || isUnsendable(cell) ? null : cell;
}

/** `cells`: one for each field, of a lookup that of the parent's key. */
function readValues(mapping: ObjectMapping, cells: readonly Cell[], parents: ParentIds): RowValues {
  const fields: Record<string, RowValue> = wholeRecord(mapping);
  mapping.fields.forEach((field, i) => {
    const cell = cells[i];
    if (isUnsendable(cell)) {
      fields[field.field] = cell;
      return;
    }
    const text = cell ?? null;
    const ids = parents.get(field.field);
    fields[field.field] =
      ids === undefined || text === null ? readValue(field, text) : readLookup(field, text, ids.get(text) ?? null);
  });
  return fields;
}

function marks(mapping: ObjectMapping): string {
  const { updatedAtColumn, deletedAtColumn, lockVersionColumn } = mapping;
  const column = (named: string | undefined) => (named === undefined ? 'null' : `t.${name(named)}::text`);
  return [updatedAtColumn, deletedAtColumn, lockVersionColumn].map(column).join(', ');
}

function readValue({ type, field }: FieldMapping, text: string | null): RowValue {
  try {
    return fromPostgres(type, text, field);
  } catch (error) {
    if (error instanceof RejectedRecordError) return UNREADABLE;
    throw error;
  }
}

/** A lookup is compared as the parent's Salesforce id, which the parent's row carries. `key`: of that row. */
function readLookup(field: FieldMapping, key: string, parentId: string | null): RowValue {
  return parentId === null ? { unlinked: key } : readValue(field, parentId);
}

/**
 * A value per field; for lookups the parent's key, of one to several objects with its object (`pointerText`); null while the parent has
 * no row.
 */
export interface RowWrite {
  readonly key: string;
  readonly fields: FieldValues;
}

/** More combinations of changed fields than this in one set are cheaper in one statement that can do them all. */
const MAX_STATEMENTS = 20;

/**
 * Writes changed fields. Rows that change the same fields go in one statement. Answers by key what is left in the columns that sfsync
 * fills by itself, where that is of use later.
 */
export async function updateRows(
  session: Session,
  mapping: ObjectMapping,
  writes: readonly RowWrite[],
): Promise<ReadonlyMap<string, Left>> {
  const groups = Map.groupBy(writes, ({ fields }) => Object.keys(fields).sort().join());
  groups.delete('');
  if (groups.size > MAX_STATEMENTS) return updateMixed(session, mapping, writes);
  const { types, shapes } = await tableColumns(session, mapping);
  const touched = await touches(session, mapping);
  const left = leftIn(mapping);
  const found: LeftRow[] = [];
  for (const group of groups.values()) {
    const changed = storedFields(mapping).filter(({ field }) => field in (group[0]?.fields ?? {}));
    const values = changed.map((_, i) => `c${i + 1}`);
    const set = changed.map(({ column }, i) => `${name(column)} = x.${values[i]}::${types.get(column)}`);
    const { rows, rowCount } = await query<LeftRow>(
      session,
      `update ${rowsOf(mapping)} t set ${[...set, ...touched].join(', ')}
         from unnest(${['key', ...values].map((_, i) => `$${i + 1}::text[]`).join(', ')}) as x (${['key', ...values].join(', ')})
        where ${isKey(mapping, types, 't', 'x.key')} ${left === undefined ? '' : `returning ${left}`}`,
      [
        group.map((write) => write.key),
        ...changed.map((field) => group.map(({ fields }) => ownText(field, fields[field.field] ?? null, shapes))),
      ],
    );
    if (rowCount !== group.length) throw new RowIgnoredError(tableOf(mapping), 'update');
    await holdTogether(session, mapping, group);
    if (left !== undefined) found.push(...rows);
  }
  return readLeft(found);
}

/** Each row's own fields over what it holds. To a trigger `update of` a column, all of the set's columns are updated. */
async function updateMixed(
  session: Session,
  mapping: ObjectMapping,
  writes: readonly RowWrite[],
): Promise<ReadonlyMap<string, Left>> {
  const changed = storedFields(mapping).filter(({ field }) => writes.some(({ fields }) => field in fields));
  const columns = changed.map(({ column }) => name(column)).join(', ');
  const { shapes, types } = await tableColumns(session, mapping);
  const documents = writes.map(({ fields }) => JSON.stringify(columnsOf(mapping, fields, shapes)));
  const set = `(${columns}) = (select ${columns} from jsonb_populate_record(t.*, x.fields))`;
  const left = leftIn(mapping);
  const { rows, rowCount } = await query<LeftRow>(
    session,
    `update ${rowsOf(mapping)} t set ${[set, ...(await touches(session, mapping))].join(', ')}
       from unnest($1::text[], $2::jsonb[]) as x (key, fields) where ${isKey(mapping, types, 't', 'x.key')} ${left === undefined ? '' : `returning ${left}`}`,
    [writes.map((write) => write.key), documents],
  );
  if (rowCount !== writes.length) throw new RowIgnoredError(tableOf(mapping), 'update');
  await holdTogether(session, mapping, writes);
  return readLeft(left === undefined ? [] : rows);
}

/** Keys for rows that are to be inserted; undefined when the table has no default that makes them. */
export async function newKeys(session: Session, mapping: ObjectMapping, count: number): Promise<string[] | undefined> {
  const { keyDefault } = await tableColumns(session, mapping);
  if (keyDefault === undefined) return undefined;
  // One value: thousands of result rows would cost more than the keys.
  const sql = `select json_agg((${keyDefault})::text) as keys from generate_series(1, $1)`;
  return (await query<{ keys: string[] }>(session, sql, [count])).rows[0]?.keys ?? [];
}

export interface RowInsert {
  /** From `newKeys`; undefined: the table makes it. */
  readonly key: string | undefined;
  readonly salesforceId: string;
  readonly fields: FieldValues;
}

/** Inserts new rows. Answers the keys that the table made, by Salesforce id. */
export async function insertRows(
  session: Session,
  mapping: ObjectMapping,
  inserts: readonly RowInsert[],
): Promise<Map<string, string>> {
  if (inserts.length === 0) return new Map();
  const given = storedFields(mapping).filter(({ direction }) => direction !== 'to-salesforce');
  const keyed = inserts.every(({ key }) => key !== undefined);
  const { shapes, hasInsertTriggers } = await tableColumns(session, mapping);
  const copied: CopyColumn<RowInsert>[] = [
    { name: mapping.salesforceIdColumn, of: ({ salesforceId }) => salesforceId },
    ...given.map((field) => ({
      name: field.column,
      of: ({ fields }: RowInsert) => ownText(field, fields[field.field] ?? null, shapes),
    })),
  ];
  const own = await newRowValues(session, mapping, inserts.length);
  const places = new Map(own.columns.length === 0 ? [] : inserts.map((insert, i) => [insert, own.rows[i]]));
  const shared = new Map(inserts.map((insert) => [insert, sharedValues(mapping, insert.fields)]));
  copied.push(
    ...own.columns.map((column, i) => ({
      name: column,
      of: (insert: RowInsert) => shared.get(insert)?.[column] ?? places.get(insert)?.[i] ?? null,
    })),
  );
  const keys = new Map(keyed ? inserts.map((insert) => [insert, keyDocument(mapping, insert.key ?? '')]) : []);
  if (keyed) {
    const column = (each: string) => ({ name: each, of: (insert: RowInsert) => keys.get(insert)?.[each] ?? null });
    copied.unshift(...mapping.keyColumns.map(column));
  }
  const copies = await copyRows(session, tableOf(mapping), copied, inserts);
  if (copies !== inserts.length) throw new RowIgnoredError(tableOf(mapping), 'insert');
  if (keyed && !hasInsertTriggers) return new Map();
  const id = `t.${name(mapping.salesforceIdColumn)}`;
  const made = await queryTuples<[string, string]>(
    session,
    `select ${id}, ${keyOf(mapping, 't')} from ${rowsOf(mapping)} t where ${id} = any ($1::text[])`,
    [inserts.map(({ salesforceId }) => salesforceId)],
  );
  const found = new Map(made);
  const isThere = (insert: RowInsert) =>
    insert.key === undefined ? found.has(insert.salesforceId) : found.get(insert.salesforceId) === insert.key;
  if (!inserts.every(isThere)) throw new RowIgnoredError(tableOf(mapping), 'insert');
  return keyed ? new Map() : found;
}

/** What a field's own column gets; of a lookup by several columns, the last part of the parent's key. */
function ownText(field: FieldMapping, value: CanonicalValue, shapes: TableColumns['shapes']): string | boolean | null {
  return toPostgres(field.type, ownValue(field, value), shapes.get(field.column));
}

function ownJson(field: FieldMapping, value: CanonicalValue, shapes: TableColumns['shapes']): unknown {
  return toPostgresJson(field.type, ownValue(field, value), shapes.get(field.column));
}

function ownValue(field: FieldMapping, value: CanonicalValue): CanonicalValue {
  if (field.shared === undefined || typeof value !== 'string') return value;
  return keyParts(value, lookupColumns(field).length)?.at(-1) ?? value;
}

/** Values as `jsonb_populate_recordset` takes them, by column. */
export function columnsOf(
  mapping: ObjectMapping,
  fields: FieldValues,
  shapes: TableColumns['shapes'],
): Record<string, unknown> {
  return Object.fromEntries(
    storedFields(mapping)
      .filter(({ field }) => fields[field] !== undefined)
      .map((field) => [field.column, ownJson(field, fields[field.field] ?? null, shapes)]),
  );
}
