/**
 * Columns that sfsync fills beside those of the fields: when a row was changed (`touch`) and made (`createdAt`), and what a new row gets
 * that Salesforce does not know (`onInsert`). Values are texts that the column's own input function reads.
 */
import pg from 'pg';
import { type Left, RAISE } from '../../core/agreement/written.ts';
import type { ColumnValue, ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import { keyOf } from './key-columns.ts';
import { sharedColumns } from './shared-columns.ts';
import { tableColumns } from './table-columns.ts';

const name = pg.escapeIdentifier;

/** This moment, for a column of the type. One that has no time zone holds the local times of the object's. */
export function moment(type: string | undefined, { zone }: Pick<ObjectMapping, 'zone'>): string {
  if (type !== 'timestamp without time zone') return 'clock_timestamp()';
  return `(clock_timestamp() at time zone ${pg.escapeLiteral(zone)})`;
}

/** What a column gets, as an SQL expression. */
export function insertExpression(given: ColumnValue): string {
  if ('sql' in given) return `(${given.sql}\n)`;
  return given.value === null ? 'null' : pg.escapeLiteral(String(given.value));
}

/** What is wrong with what a column of new rows gets. Nothing is evaluated: a sequence stays where it is. */
export async function insertFault(
  client: pg.ClientBase,
  { schema, table }: ObjectMapping,
  given: ColumnValue,
): Promise<string | undefined> {
  await client.query('begin');
  try {
    const { rows } = await client.query<{ type: string }>(
      `select format_type(atttypid, -1) as type from pg_attribute
        where attrelid = format('%I.%I', $1::text, $2::text)::regclass and attname = $3::text and not attisdropped`,
      [schema, table, given.column],
    );
    await client.query(
      `create temporary view sfsync_insert_check as select (${insertExpression(given)})::${rows[0]?.type ?? 'text'} as value`,
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    const what = 'sql' in given ? 'is an SQL expression that needs no row' : 'is a value as the column takes it';
    // Such a message holds the configuration's own value.
    return `.${given.column}: onInsert cannot be used: ${error.message}. It ${what}`;
  } finally {
    await client.query('rollback');
  }
}

/**
 * The assignments of an update of `t` beside those of the fields. The time of a change never goes back, and is another one after each:
 * caches and watches of the application go by it.
 */
export async function touches(session: Session, mapping: ObjectMapping): Promise<string[]> {
  const { touchColumn, lockVersionColumn } = mapping;
  const set: string[] = [];
  if (touchColumn !== undefined) {
    const { types } = await tableColumns(session, mapping);
    const column = name(touchColumn);
    set.push(
      `${column} = greatest(${moment(types.get(touchColumn), mapping)}, t.${column} + interval '1 microsecond')`,
    );
  }
  if (lockVersionColumn !== undefined) set.push(raised(lockVersionColumn, `t.${name(lockVersionColumn)}`));
  return set;
}

function raised(column: string, before: string): string {
  return `${name(column)} = coalesce(${before}, 0) + ${RAISE}`;
}

/** What a statement that changes rows `t` has left in them: key, lock version and time of change, where that is of use. */
export function leftIn(mapping: ObjectMapping): string | undefined {
  const { lockVersionColumn, updatedAtColumn, fields } = mapping;
  const touchedAt = fields.some(({ policy }) => policy === 'latest') ? updatedAtColumn : undefined;
  if (lockVersionColumn === undefined && touchedAt === undefined) return undefined;
  const text = (column: string | undefined) => (column === undefined ? 'null' : `t.${name(column)}::text`);
  return `${keyOf(mapping, 't')} as key, ${text(lockVersionColumn)} as lock_version, ${text(touchedAt)} as touched_at`;
}

export interface LeftRow {
  readonly key: string;
  readonly lock_version: string | null;
  readonly touched_at: string | null;
}

/** By key. */
export function readLeft(rows: readonly LeftRow[]): ReadonlyMap<string, Left> {
  return new Map(
    rows.map(({ key, lock_version: lock, touched_at: at }) => [
      key,
      { lockVersion: lock === null ? undefined : Number(lock), touchedAt: at ?? undefined },
    ]),
  );
}

/** Columns of new rows, and a text for each row in each of them. */
export interface NewRowValues {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

const NOTHING: NewRowValues = { columns: [], rows: [] };

/** The same for each row, by column. */
export async function newRowColumns(
  session: Session,
  mapping: ObjectMapping,
  count: number,
): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const { columns, rows } = await newRowValues(session, mapping, count);
  if (columns.length === 0) return Array.from({ length: count }, () => ({}));
  return rows.map((texts) => Object.fromEntries(columns.map((column, i) => [column, texts[i] ?? null])));
}

/** What so many new rows get; expressions are evaluated for each of them. The key is made apart (`newKeys`). */
export async function newRowValues(session: Session, mapping: ObjectMapping, count: number): Promise<NewRowValues> {
  const { touchColumn, createdAtColumn } = mapping;
  const { types, keyDefault, defaults } = await tableColumns(session, mapping);
  const times = [...new Set([touchColumn, createdAtColumn].flatMap((column) => column ?? []))];
  const { lockVersionColumn } = mapping;
  const filled: [string, string][] = [
    ...(lockVersionColumn === undefined ? [] : [[lockVersionColumn, '0'] as [string, string]]),
    ...times.map((column): [string, string] => [column, moment(types.get(column), mapping)]),
    ...[
      ...Object.entries(mapping.filter?.values ?? {}).map(([column, [value = null]]) => ({ column, value })),
      ...mapping.onInsert,
    ]
      .filter(({ column }) => keyDefault === undefined || !mapping.keyColumns.includes(column))
      .map((given): [string, string] => [given.column, insertExpression(given)]),
  ];
  for (const column of sharedColumns(mapping)) {
    if (!filled.some(([name]) => name === column)) filled.push([column, defaults.get(column) ?? 'null']);
  }
  if (filled.length === 0 || count === 0) return NOTHING;
  const values = filled.map(([column, expression]) => `(${expression})::${types.get(column) ?? 'text'}::text`);
  const { rows } = await query<{ made: (string | null)[][] }>(
    session,
    `select json_agg(json_build_array(${values.join(', ')})) as made from generate_series(1, $1)`,
    [count],
  );
  return { columns: filled.map(([column]) => column), rows: rows[0]?.made ?? [] };
}
