/** The children of records: links whose base names them, and how their rows stand. */
import pg from 'pg';
import type { NamingChild } from '../../core/agreement/references.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Lookup } from '../../core/mapping/lookups.ts';
import { query, type Session } from '../session/connection.ts';
import { inSavepoint } from '../session/savepoint.ts';
import { RowRefusedError } from '../session/server-errors.ts';
import { isKey } from '../tables/key-columns.ts';
import { namedKey } from '../tables/lookups.ts';
import { outsideFilter } from '../tables/row-filter.ts';
import { rowsOf } from '../tables/rows.ts';
import { tableColumns } from '../tables/table-columns.ts';

const name = pg.escapeIdentifier;

export interface FoundChild extends NamingChild {
  readonly salesforceId: string;
  readonly parent: string;
}

/** The live records that name one of these parents by the lookup. Locks nothing. */
export async function childrenOf(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  parents: readonly string[],
): Promise<FoundChild[]> {
  if (parents.length === 0) return [];
  const isOutside = child.filter?.leaving === 'delete' ? undefined : outsideFilter(child, 't');
  const read = (outside: string) => readChildren(session, child, lookup, parents, outside);
  if (isOutside === undefined) return read('false');
  // The filter may fail for one of the rows: then none is left out for its sake.
  const found = await inSavepoint(session, () => read(isOutside));
  return found instanceof RowRefusedError ? read('false') : found.result;
}

async function readChildren(
  session: Session,
  child: ObjectMapping,
  lookup: Lookup,
  parents: readonly string[],
  outside: string,
): Promise<FoundChild[]> {
  const { types } = await tableColumns(session, child);
  const marked = child.deletedAtColumn === undefined ? 'false' : `t.${name(child.deletedAtColumn)} is not null`;
  const isGone = `(t.${name(child.keyColumns[0] ?? '')} is null or ${marked})`;
  const { rows } = await query<FoundChild>(
    session,
    `select l.salesforce_id as "salesforceId", l.base ->> $2 as parent,
            (l.dirty or l.reread_due or l.push_id is not null) as "isDue", ${isGone} as "isGone",
            ${namedKey(lookup, 't')} as "pointsTo", l.waiting ? $2 as waits,
            case when ${isGone} then l.refused_deleted is true else l.refused ? $2 or ${outside} end as stays
       from sfsync.link l left join ${rowsOf(child)} t on ${isKey(child, types, 't', 'l.row_key')}
      where l.object = $1 and l.named ?| $3::text[] and not l.base_deleted and l.base ->> $2 = any ($3::text[])`,
    [child.object, lookup.field, parents],
  );
  return rows;
}
