/** The row filter of an object, in SQL. It is an expression over the table's columns that the configuration brings along. */
import pg from 'pg';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { queryTuples, type Session } from '../session/connection.ts';
import { bisect } from '../session/savepoint.ts';
import { amongKeys, keyOf } from './key-columns.ts';

const name = pg.escapeIdentifier;

/**
 * Whether the row is outside the object's filter, as an SQL expression; `row`: the alias of the table in the statement. The
 * columns in the filter are those of the row, whatever else the statement names. undefined: the object has no filter.
 */
export function outsideFilter({ filter }: ObjectMapping, row: string): string | undefined {
  return filter && `(select ((${filter.where}\n)) is not true from (select ${row}.*) as "the row")`;
}

/** Whether the row is one of the object's, by the values that its filter names, as an SQL expression. */
export function isOfObject({ filter }: ObjectMapping, row: string): string {
  const values = Object.entries(filter?.values ?? {});
  // The literal takes the column's own type.
  const same = values.map(([column, value]) => `${row}.${name(column)} = ${pg.escapeLiteral(String(value))}`);
  return same.length === 0 ? 'true' : `(${same.join(' and ')})`;
}

/**
 * By key, whether locked rows are outside the object's filter. A filter may fail for one row, as a cast in it does: that row alone is
 * unknown. undefined: the object has no filter.
 */
export async function readOutside(
  session: Session,
  mapping: ObjectMapping,
  types: ReadonlyMap<string, string>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, boolean | 'unknown'> | undefined> {
  const outside = outsideFilter(mapping, 't');
  if (outside === undefined) return undefined;
  const found = new Map<string, boolean | 'unknown'>(keys.map((each) => [each, 'unknown']));
  // Nothing is locked or written in its savepoints.
  await bisect(
    session,
    keys,
    async (part) => {
      const sql = `select ${keyOf(mapping, 't')}, ${outside} from ${name(mapping.schema)}.${name(mapping.table)} t where ${amongKeys(mapping, types, 't', '$1')}`;
      for (const [rowKey, isOutside] of await queryTuples<[string, boolean]>(session, sql, [part])) {
        found.set(rowKey, isOutside);
      }
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
      [JSON.stringify(values)],
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
