/**
 * `sfsync.tombstone`: what Salesforce deletes goes there first, as it stands, so that an undelete brings the row back with its
 * key and the columns that Salesforce never had.
 */
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import { RowIgnoredError } from '../session/server-errors.ts';
import { keyColumnsOf, keyDocuments, keyOf, sameKey } from '../tables/key-columns.ts';
import { type RowRestore, reinsertRows, unmarkDeleted } from '../tables/restore.ts';
import { rowsOf, tableOf } from '../tables/rows.ts';

export interface RowRemoval {
  readonly key: string;
  readonly salesforceId: string;
  /** The record that it was merged into. */
  readonly survivor: string | undefined;
}

/** Locks rows that go against new children, in key order. */
export async function lockDoomed(
  session: Session,
  mapping: ObjectMapping,
  removals: readonly RowRemoval[],
): Promise<void> {
  const key = keyColumnsOf(mapping);
  await query(
    session,
    `select from ${rowsOf(mapping)} t join jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x using (${key})
      order by ${key} for update of t`,
    [keysOf(mapping, removals)],
  );
}

/** Moves rows to the tombstones. */
export async function buryRows(
  session: Session,
  mapping: ObjectMapping,
  removals: readonly RowRemoval[],
): Promise<void> {
  const { rowCount } = await query(
    session,
    `with doomed as (select * from jsonb_to_recordset($2::jsonb) as x (key text, id text)),
          gone as (delete from ${rowsOf(mapping)} t
                    using jsonb_populate_recordset(null::${tableOf(mapping)}, $3::jsonb) x
                    where ${sameKey(mapping, 't', 'x')} returning ${keyOf(mapping, 't')} as key, to_jsonb(t.*) as "row")
     insert into sfsync.tombstone (object, salesforce_id, row_key, "row")
     select $1, doomed.id, gone.key, gone."row" from gone join doomed using (key)
     on conflict (object, salesforce_id)
     do update set row_key = excluded.row_key, "row" = excluded."row", deleted_at = excluded.deleted_at`,
    [
      mapping.object,
      JSON.stringify(removals.map(({ key: rowKey, salesforceId }) => ({ key: rowKey, id: salesforceId }))),
      keysOf(mapping, removals),
    ],
  );
  if (rowCount !== removals.length) throw new RowIgnoredError(tableOf(mapping), 'delete');
}

function keysOf(mapping: ObjectMapping, removals: readonly RowRemoval[]): string {
  return keyDocuments(
    mapping,
    removals.map(({ key }) => key),
  );
}

/** Brings rows back under their key: what the tombstone kept, with the mapped columns as given. */
export async function restoreRows(
  session: Session,
  mapping: ObjectMapping,
  restores: readonly RowRestore[],
): Promise<void> {
  const { deletedAtColumn, object } = mapping;
  const missing =
    deletedAtColumn === undefined ? restores : await unmarkDeleted(session, mapping, deletedAtColumn, restores);
  if (missing.length === 0) return;
  const ids = missing.map(({ salesforceId }) => salesforceId);
  await reinsertRows(session, mapping, missing, await takeTombstones(session, object, ids));
}

/** Removes tombstones and answers the rows that they kept, by Salesforce id. */
async function takeTombstones(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
): Promise<Map<string, Readonly<Record<string, unknown>>>> {
  const { rows } = await query<{ id: string; row: Readonly<Record<string, unknown>> }>(
    session,
    `delete from sfsync.tombstone where object = $1 and salesforce_id = any ($2::text[])
     returning salesforce_id as id, "row"`,
    [object, salesforceIds],
  );
  return new Map(rows.map(({ id, row }) => [id, row]));
}
