/** Which links' rows have been inside the row filter of their object: only such a row can leave it. */
import type pg from 'pg';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import { bisect } from '../session/savepoint.ts';
import { outsideFilter } from '../tables/row-filter.ts';
import { hasKey, rowsOf } from '../tables/rows.ts';

/**
 * Notes of links whose row is inside that it was. In SQL, as the filter is: the configuration brings it along as an expression
 * over the table's columns.
 */
export async function noteInside(
  session: Session,
  mapping: ObjectMapping,
  salesforceIds: readonly string[],
): Promise<void> {
  if (outsideFilter(mapping, 't') === undefined || mapping.filter?.leaving !== 'delete') return;
  // A row for which the filter fails is left as it is.
  await bisect(
    session,
    salesforceIds,
    (part) => noteAllInside(session, mapping, part),
    () => undefined,
  );
}

/** The same in one statement. `salesforceIds`: of these links; undefined: of all. Answers how many were noted. */
export async function noteAllInside(
  session: pg.ClientBase,
  mapping: ObjectMapping,
  salesforceIds: readonly string[] | undefined,
): Promise<number> {
  const outside = outsideFilter(mapping, 't');
  if (outside === undefined || mapping.filter?.leaving !== 'delete' || salesforceIds?.length === 0) return 0;
  const some = salesforceIds === undefined ? '' : 'and l.salesforce_id = any ($2::text[])';
  const { rowCount } = await query(
    session,
    `with inside as (select l.id from sfsync.link l join ${rowsOf(mapping)} t on ${hasKey(mapping, 't', 'l.row_key')}
                      where l.object = $1 and not l.was_inside ${some} and not ${outside}
                      order by l.salesforce_id for update of l)
     update sfsync.link l set was_inside = true from inside where l.id = inside.id`,
    [mapping.object, ...(salesforceIds === undefined ? [] : [salesforceIds])],
  );
  return rowCount ?? 0;
}
