/**
 * Columns move while steps are under way: a migration waits for the lock of one step, and the next one goes on with
 * another table than it had looked at. An empty column that was added again would look like edits to null. So what reads
 * rows, and with them locks the table against such changes, compares its columns with those of the look.
 */

import { RetryableError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { spelledName, spelledTable } from '../../core/mapping/identifiers.ts';
import { storedFields } from '../../core/mapping/lookups.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { quoteName } from '../session/quote.ts';
import type { TableFacts } from './table-facts.ts';

/** A mapping that was compared with its table. */
export interface InForceMapping extends ObjectMapping {
  /** Numbers (pg_attribute.attnum) by column, as the step has looked at them; undefined: it has not. */
  readonly columnNumbers?: ReadonlyMap<string, number> | undefined;
  /** undefined: the step has not looked at it, or it is not there. */
  readonly tableFacts?: TableFacts | undefined;
}

/** The code of the error of a look at the columns that is out of date. */
export const COLUMNS_MOVED = 'COLUMNS_MOVED';

/**
 * Once for each table and transaction, after its rows were read, with the tables of its lookups. Throws RetryableError when a mapped
 * column is another one, or the table: one that took its name may have other rows, or partitions.
 */
export async function compareTables(
  session: Session,
  mapping: InForceMapping,
  lookups: readonly InForceMapping[],
): Promise<void> {
  const { columnNumbers: numbers } = mapping;
  const compared = session.transaction?.compared;
  if (numbers === undefined || compared?.has(mapping.object)) return;
  const tables = [mapping, ...lookups];
  const { rows } = await query<{ place: number; oid: string; columns: Readonly<Record<string, number>> | null }>(
    session,
    `select w.place::int as place, w.name::regclass::oid::text as oid,
            case when w.place = 1 then (
              select json_object_agg(attname, attnum) from pg_attribute
               where attrelid = w.name::regclass and attnum > 0 and not attisdropped) end as columns
       from unnest($1::text[]) with ordinality as w (name, place)`,
    [tables.map(({ schema, table }) => `${quoteName(schema)}.${quoteName(table)}`)],
  );
  for (const { place, oid, columns } of rows) {
    const table = tables[place - 1] as InForceMapping;
    const name = spelledTable(table);
    if (table.tableFacts !== undefined && table.tableFacts.oid !== oid) {
      throw new RetryableError(COLUMNS_MOVED, `Another table got the name ${name} while a step was using it.`);
    }
    const moved = columns && storedFields(mapping).find(({ column }) => columns[column] !== numbers.get(column));
    if (moved) {
      const column = `${name}.${spelledName(moved.column)}`;
      throw new RetryableError(
        COLUMNS_MOVED,
        `Column ${column} was dropped, renamed or added while a step was using it.`,
      );
    }
  }
  compared?.add(mapping.object);
}
