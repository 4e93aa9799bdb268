/** Which links' rows have been inside the row filter of their object: only such a row can leave it. */
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { inTransaction, query, type Session } from '../session/connection.ts';
import { bisect } from '../session/savepoint.ts';
import { asRefusal } from '../session/server-errors.ts';
import { hasKey } from '../tables/key-columns.ts';
import { outsideFilter } from '../tables/row-filter.ts';
import { rowsOf } from '../tables/rows.ts';
import { nextLinkIds } from './selections.ts';

/**
 * Notes of links whose row is inside that it was. In SQL, as the filter is: the configuration brings it along as an expression
 * over the table's columns. Answers how many were noted.
 */
export async function noteInside(
  session: Session,
  mapping: ObjectMapping,
  salesforceIds: readonly string[],
): Promise<number> {
  if (outsideFilter(mapping, 't') === undefined || mapping.filter?.leaving !== 'delete') return 0;
  // A row for which the filter fails is left as it is.
  const noted = await bisect(
    session,
    salesforceIds,
    (part) => noteTogether(session, mapping, part),
    () => undefined,
  );
  return noted.reduce((sum, each) => sum + each, 0);
}

/** Links in one transaction, where the filter fails for some row. */
const PAGE = 10_000;

/** The same of all links of the object. Not within a transaction. */
export async function noteAllInside(session: Session, mapping: ObjectMapping): Promise<number> {
  try {
    return await noteTogether(session, mapping, undefined);
  } catch (error) {
    if (asRefusal(error) === undefined) throw error;
  }
  let all = 0;
  for (let after: string | undefined; ; ) {
    const { noted, last } = await inTransaction(session, async () => {
      const page = await nextLinkIds(session, mapping.object, after, PAGE);
      return { noted: await noteInside(session, mapping, page.ids), last: page.last };
    });
    all += noted;
    if (last === undefined) return all;
    after = last;
  }
}

/** In one statement. `salesforceIds`: of these links; undefined: of all. */
async function noteTogether(
  session: Session,
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
