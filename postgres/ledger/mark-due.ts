/** The verb that makes records due, by a selection and a reason. */
import type { DueReason } from '../../core/agreement/due.ts';
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';
import { type LinksOf, selectionOf } from './links.ts';
import { updateNoting } from './note-due.ts';
import type { Carrier } from './row-keys.ts';

/** As `becomesDue` says of one link. The base is neither read nor written, so that this serves sets of any size. */
const BECOMES_DUE: Readonly<Record<DueReason, string>> = {
  'row changed': 'dirty = true, revision = l.revision + 1',
  'read again': 'reread_due = true, revision = l.revision + 1',
  'written by us': 'dirty = true',
};

/** The oldest is chosen first: a record that is due already keeps its place. */
const KEEPS_ITS_PLACE = 'dirty_since = coalesce(l.dirty_since, clock_timestamp())';

/** Makes links due. Answers how many. */
export async function markLinksDue(
  session: Session,
  object: string,
  which: LinksOf,
  reason: DueReason,
): Promise<number> {
  const selection = selectionOf(which);
  if (selection === undefined) return 0;
  const sql = `with due as (select l.id from sfsync.link l
                   where l.object = $1 and ${selection.where} order by l.salesforce_id for update of l)
     update sfsync.link l set ${BECOMES_DUE[reason]}, ${KEEPS_ITS_PLACE} from due where l.id = due.id`;
  return byIndex(session, () => updateNoting(session, sql, [object, ...selection.values]));
}

/**
 * Links records to the rows that carry their ids, for which there is room. A record without a link gets one, and is read from
 * Salesforce first.
 */
export async function linkRows(session: Session, object: string, carriers: readonly Carrier[]): Promise<void> {
  if (carriers.length === 0) return;
  await query(
    session,
    `insert into sfsync.link as l (object, salesforce_id, row_key, reread_due, dirty_since)
     select $1, x.id, x.key, true, clock_timestamp() from jsonb_to_recordset($2::jsonb) as x (key text, id text)
      order by x.id
     on conflict (object, salesforce_id) do update set row_key = excluded.row_key`,
    [object, JSON.stringify(carriers)],
  );
}

/** Which insertions of an object: by their row keys, all of them, or those that Salesforce has refused. */
export type InsertionsOf = { readonly rowKeys: readonly string[] } | 'all' | 'refused';

/** Makes insertions due: each row is looked at again, and dropped where it is gone. Answers how many. */
export async function markInsertionsDue(session: Session, object: string, which: InsertionsOf): Promise<number> {
  if (typeof which === 'object' && which.rowKeys.length === 0) return 0;
  const chosen =
    typeof which === 'object'
      ? 'l.row_key = any ($2::text[])'
      : `not l.dirty${which === 'refused' ? ' and l.refused is not null' : ''}`;
  const { rowCount } = await query(
    session,
    `with due as (select l.id from sfsync.insertion l where l.object = $1 and ${chosen} order by l.id for update)
     update sfsync.insertion l set dirty = true, ${KEEPS_ITS_PLACE} from due where l.id = due.id`,
    typeof which === 'object' ? [object, which.rowKeys] : [object],
  );
  return rowCount ?? 0;
}

/** Rows that shall become records: by their keys, or by a query for keys, whose `$1` is the object. */
export type NewRowsOf =
  | { readonly rowKeys: readonly string[] }
  | { readonly select: string; readonly values: readonly unknown[] };

/**
 * Makes insertions of new rows, due from the start. What is known of those that have one stays; `known: 'due'` makes these
 * due, too. Answers how many are due now, or were made.
 */
export async function addInsertions(
  session: Session,
  object: string,
  which: NewRowsOf,
  { known }: { readonly known: 'due' | 'left' },
): Promise<number> {
  if ('rowKeys' in which && which.rowKeys.length === 0) return 0;
  const { select, values } =
    'rowKeys' in which ? { select: 'select distinct unnest($2::text[])', values: [which.rowKeys] } : which;
  const { rowCount } = await query(
    session,
    `insert into sfsync.insertion as l (object, row_key)
     select $1, key from (${select}) as wanted (key) order by key
     on conflict (row_key, object) do ${known === 'due' ? `update set dirty = true, ${KEEPS_ITS_PLACE}` : 'nothing'}`,
    [object, ...values],
  );
  return rowCount ?? 0;
}
