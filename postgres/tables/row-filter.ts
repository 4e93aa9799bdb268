/** The row filter of an object, in SQL. It is an expression over the table's columns that the configuration brings along. */
import pg from 'pg';
import type { FilterValue, ObjectMapping } from '../../core/mapping/configuration.ts';
import { telling } from '../../core/mapping/shared-tables.ts';
import { queryTuples, type Session } from '../session/connection.ts';
import { bisect } from '../session/savepoint.ts';
import { amongKeys, keyOf } from './key-columns.ts';

const name = pg.escapeIdentifier;

/**
 * Whether the row is outside the object's filter, as an SQL expression; `row`: the alias of the table in the statement. The
 * columns in the filter are those of the row, whatever else the statement names. undefined: the object has no filter.
 */
export function outsideFilter(mapping: ObjectMapping, row: string): string | undefined {
  if (mapping.filter === undefined) return undefined;
  const isOutside = `(select ((${mapping.filter.where}\n)) is not true from (select ${row}.*) as "the row")`;
  // In this order: the expression may be meant for rows of the object only, and fail for others.
  return mapping.filter.values === undefined
    ? isOutside
    : `(case when ${isOfObject(mapping, row)} then ${isOutside} else true end)`;
}

/** Whether the row is one of the object's, by the values that its filter names, as an SQL expression; null counts as no. */
export function isOfObject({ filter }: ObjectMapping, row: string): string {
  const same = Object.entries(filter?.values ?? {}).map(([column, values]) => {
    // The literal takes the column's own type.
    const literals = values.flatMap((value) => (value === null ? [] : pg.escapeLiteral(String(value))));
    const at = `${row}.${name(column)}`;
    const conditions = [
      ...(literals.length === 0 ? [] : [`${at} in (${literals.join(', ')})`]),
      ...(literals.length === values.length ? [] : [`${at} is null`]),
    ];
    return `(${conditions.join(' or ')})`;
  });
  return same.length === 0 ? 'true' : `(${same.join(' and ')})`;
}

/** Where a row stands: others': it is a row of another object, or of none. unknown: the filter fails for it. */
export type Place = 'inside' | 'outside' | "others'" | 'unknown';

/**
 * By key, where locked rows stand. A filter may fail for one row, as a cast in it does: that row alone is
 * unknown. undefined: the object has no filter.
 */
export async function readPlaces(
  session: Session,
  mapping: ObjectMapping,
  types: ReadonlyMap<string, string>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Place> | undefined> {
  const outside = outsideFilter(mapping, 't');
  if (outside === undefined) return undefined;
  const found = new Map<string, Place>(keys.map((each) => [each, 'unknown']));
  const place = `case when (${isOfObject(mapping, 't')}) is not true then $2 when ${outside} then 'outside' else 'inside' end`;
  // Nothing is locked or written in its savepoints.
  await bisect(
    session,
    keys,
    async (part) => {
      const sql = `select ${keyOf(mapping, 't')}, ${place} from ${name(mapping.schema)}.${name(mapping.table)} t where ${amongKeys(mapping, types, 't', '$1')}`;
      const others: Place = "others'";
      for (const [rowKey, at] of await queryTuples<[string, Place]>(session, sql, [part, others]))
        found.set(rowKey, at);
    },
    () => undefined,
  );
  return found;
}

/**
 * What is wrong with the filter. It must depend on the row alone: what depends on the time, or on other tables, would
 * change without any change of the row that could be seen. PostgreSQL says whether it does, for an index asks for the same.
 */
export async function filterFault(client: pg.ClientBase, mapping: ObjectMapping): Promise<string | undefined> {
  if (mapping.filter === undefined) return undefined;
  const table = `${name(mapping.schema)}.${name(mapping.table)}`;
  const { where, values = {} } = mapping.filter;
  await client.query('begin');
  try {
    await client.query(`create temporary table sfsync_filter_check (like ${table}) on commit drop`);
    await client.query(`create index on sfsync_filter_check ((1)) where ((${where}\n))`);
    if (Object.keys(values).length === 0) return undefined;
    await client.query(`select from ${table} t where ${isOfObject(mapping, 't')} limit 0`);
    const { rows } = await client.query<{ outside: boolean }>(
      `select ((${where}\n)) is false as outside from jsonb_populate_record(null::${table}, $1) as "the row"`,
      [JSON.stringify(Object.fromEntries(Object.entries(values).map(([column, [first]]) => [column, first])))],
    );
    if (rows[0]?.outside !== true) return undefined;
    return `: the row filter of ${mapping.object} does not hold for a row with its values: what is new in Salesforce would be outside; make where and values agree`;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return `: the row filter of ${mapping.object} cannot be used: ${error.message}. It is an expression of type boolean over the columns of the row alone: no subquery, no now()`;
  } finally {
    await client.query('rollback');
  }
}

/**
 * What is wrong with two objects that have one table: values which are different texts may be one value of the column, as `1` and
 * `'01'` of an integer.
 */
export async function likenessFault(
  client: pg.ClientBase,
  one: ObjectMapping,
  other: ObjectMapping,
): Promise<string | undefined> {
  const table = `${name(one.schema)}.${name(one.table)}`;
  const columns = telling(one, other);
  const documents = (mapping: ObjectMapping, column: string) => {
    const values: readonly FilterValue[] = mapping.filter?.values?.[column] ?? [];
    return JSON.stringify(values.map((value) => ({ [column]: value })));
  };
  for (const column of columns) {
    try {
      const { rowCount } = await client.query(
        `select from jsonb_populate_recordset(null::${table}, $1) x join jsonb_populate_recordset(null::${table}, $2) y
           on x.${name(column)} is not distinct from y.${name(column)} limit 1`,
        [documents(one, column), documents(other, column)],
      );
      if (rowCount === 0) return undefined;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      // What is wrong with the value itself is said of its object.
      return undefined;
    }
  }
  return `: values of ${one.object} and ${other.object} are the same to column ${columns.join(', ')}, so a row would belong to both; make them differ`;
}
