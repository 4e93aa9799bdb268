/**
 * Which row is a record's, where the application has changed keys, or moved Salesforce ids from row to row: the row that
 * carries the record's id. A link's key is only how it finds that row, and a row under it that carries the id of another
 * linked record is that record's row. (What else stands in the column, such as an empty text, is no other record.)
 */
import pg from 'pg';
import type { Link } from '../../core/agreement/link.ts';
import { newLink } from '../../core/agreement/link.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import type { StoredRow } from './rows.ts';
import { tableOf } from './rows.ts';

const name = pg.escapeIdentifier;

/** Of the rows that were found under the keys of links, the keys of those that are rows of other records. */
export async function keysOfOthers(
  session: Session,
  { object }: ObjectMapping,
  links: Iterable<Link>,
  rows: ReadonlyMap<string, StoredRow>,
): Promise<Set<string>> {
  const doubtful = [...links].flatMap(({ rowKey, salesforceId }) => {
    const row = rowKey === undefined ? undefined : rows.get(rowKey);
    return row?.salesforceId === undefined || row.salesforceId === salesforceId ? [] : [row];
  });
  if (doubtful.length === 0) return new Set();
  const { rows: linked } = await query<{ id: string }>(
    session,
    'select salesforce_id as id from sfsync.link where object = $1 and salesforce_id = any ($2::text[])',
    [object, doubtful.map(({ salesforceId }) => salesforceId)],
  );
  const others = new Set(linked.map(({ id }) => id));
  return new Set(doubtful.flatMap(({ key, salesforceId = '' }) => (others.has(salesforceId) ? key : [])));
}

/**
 * A link whose row was given to another record, while no row carries its own id. That its row was deleted nobody has said, so
 * its record is not: it is read as one of which nothing is known, and gets a row.
 */
export function withoutRow(link: Link): Link {
  if (link.base?.deleted === true) return { ...link, rowKey: undefined };
  const { revision, highWater, appliedAt } = link;
  const unknown = newLink(link.salesforceId, undefined);
  return { ...unknown, revision, highWater, appliedAt, dirty: true, rereadDue: true };
}

/** A row that is a record's by the id it carries. */
export interface Carrier {
  readonly key: string;
  readonly id: string;
}

/**
 * Makes room for links that are to get these keys: whichever of them, or other link, has one lets go of it. The others are
 * looked at again: their rows carry their ids under other keys, or they are without a row (as `withoutRow`).
 */
export async function freeKeys(session: Session, mapping: ObjectMapping, carriers: readonly Carrier[]): Promise<void> {
  if (carriers.length === 0) return;
  const { object, salesforceIdColumn } = mapping;
  const ids = carriers.map(({ id }) => id);
  await query(
    session,
    `update sfsync.link set row_key = null
      where object = $1 and salesforce_id = any ($2::text[]) and row_key is not null`,
    [object, ids],
  );
  await query(
    session,
    `with others as (
       select l.id, l.base_deleted is true
                    or exists (select from ${tableOf(mapping)} t where t.${name(salesforceIdColumn)} = l.salesforce_id) as known
         from sfsync.link l
        where l.object = $1 and l.row_key = any ($2::text[]) and l.salesforce_id <> all ($3::text[])
        order by l.salesforce_id for update of l)
     update sfsync.link l
        set row_key = null, dirty = true, dirty_since = coalesce(l.dirty_since, clock_timestamp()), revision = l.revision + 1,
            reread_due = l.reread_due or not known,
            base = case when known then l.base end, base_deleted = case when known then l.base_deleted end,
            push_id = case when known then l.push_id end, sent_at = case when known then l.sent_at end
       from others where l.id = others.id`,
    [object, carriers.map(({ key }) => key), ids],
  );
}
