/**
 * Deleting and restoring whole rows. What Salesforce deletes goes to `sfsync.tombstone` first, as it stands, so that an
 * undelete brings it back with its key and the columns that Salesforce never had.
 */
import pg from 'pg';
import type { FieldValues } from '../../core/canonical.ts';
import type { ObjectMapping, SyncConfiguration } from '../../core/configuration.ts';
import type { Session } from './connection.ts';
import { query } from './connection.ts';
import { columnsOf, tableOf } from './rows.ts';

const name = pg.escapeIdentifier;

export interface RowRemoval {
  readonly key: string;
  readonly salesforceId: string;
}

/** Moves rows to the tombstones. Children that point to them wait for them from now on (see `releaseChildren`). */
export async function buryRows(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  removals: readonly RowRemoval[],
): Promise<void> {
  if (removals.length === 0) return;
  await releaseChildren(session, configuration, mapping, removals);
  const key = name(mapping.keyColumn);
  await query(
    session,
    `with doomed as (select * from jsonb_to_recordset($2::jsonb) as x (key text, id text)),
          gone as (delete from ${tableOf(mapping)} t
                    using jsonb_populate_recordset(null::${tableOf(mapping)}, $3::jsonb) x
                    where t.${key} = x.${key} returning t.${key}::text as key, to_jsonb(t) as "row")
     insert into sfsync.tombstone (object, salesforce_id, row_key, "row")
     select $1, doomed.id, gone.key, gone."row" from gone join doomed using (key)
     on conflict (object, salesforce_id)
     do update set row_key = excluded.row_key, "row" = excluded."row", deleted_at = excluded.deleted_at`,
    [
      mapping.object,
      JSON.stringify(removals.map(({ key: rowKey, salesforceId }) => ({ key: rowKey, id: salesforceId }))),
      JSON.stringify(removals.map(({ key: rowKey }) => ({ [mapping.keyColumn]: rowKey }))),
    ],
  );
}

/**
 * Salesforce deletes a parent with its children, and their files arrive in any order. A child row that still points to a
 * buried parent gets a null lookup and waits for the parent, as one does that came too early; an undelete joins them again.
 * A lookup that the application had just changed to this parent is no longer what Salesforce has: the link becomes due.
 */
async function releaseChildren(
  session: Session,
  configuration: SyncConfiguration,
  parent: ObjectMapping,
  removals: readonly RowRemoval[],
): Promise<void> {
  for (const child of configuration.objects) {
    for (const { field, column, references } of child.fields) {
      if (references !== parent.object) continue;
      await query(
        session,
        `with doomed as (select x.key, x.id from jsonb_to_recordset($2::jsonb) as x (key text, id text)),
              released as (update ${tableOf(child)} t set ${name(column)} = null
                             from (select p.${name(parent.keyColumn)} as key, doomed.id
                                     from doomed
                                     join ${tableOf(parent)} p on p.${name(parent.salesforceIdColumn)} = doomed.id) gone
                            where t.${name(column)} = gone.key
                           returning t.${name(child.keyColumn)}::text as key, gone.id)
         update sfsync.link l
            set waiting = case when l.base ->> $3 = released.id
                               then l.waiting || jsonb_build_object($3::text, released.id) else l.waiting end,
                dirty = l.dirty or l.base ->> $3 is distinct from released.id,
                dirty_since = coalesce(l.dirty_since,
                                       case when l.base ->> $3 is distinct from released.id then clock_timestamp() end),
                revision = l.revision + 1
           from released where l.object = $1 and l.row_key = released.key`,
        [child.object, JSON.stringify(removals.map(({ key, salesforceId }) => ({ key, id: salesforceId }))), field],
      );
    }
  }
}

export interface RowRestore {
  readonly salesforceId: string;
  readonly key: string;
  readonly fields: FieldValues;
}

/** Brings rows back under their key: what the tombstone kept, with the mapped columns as given. */
export async function restoreRows(
  session: Session,
  mapping: ObjectMapping,
  restores: readonly RowRestore[],
): Promise<void> {
  if (restores.length === 0) return;
  const kept = await query<{ id: string; row: Record<string, unknown> }>(
    session,
    `delete from sfsync.tombstone where object = $1 and salesforce_id = any ($2::text[])
     returning salesforce_id as id, "row"`,
    [mapping.object, restores.map(({ salesforceId }) => salesforceId)],
  );
  const tombstones = new Map(kept.rows.map(({ id, row }) => [id, row]));
  const writable = await writableColumns(session, mapping);
  for (const { salesforceId, key, fields } of restores) {
    const given = {
      [mapping.keyColumn]: key,
      [mapping.salesforceIdColumn]: salesforceId,
      ...columnsOf(mapping, fields),
    };
    const row = { ...tombstones.get(salesforceId), ...given };
    const columns = Object.keys(row)
      .filter((column) => writable.has(column))
      .map(name)
      .join(', ');
    await query(
      session,
      `insert into ${tableOf(mapping)} (${columns}) overriding system value
       select ${columns} from jsonb_populate_record(null::${tableOf(mapping)}, $1::jsonb)`,
      [JSON.stringify(row)],
    );
  }
}

/** A tombstone may hold columns that are generated, or that no longer exist. */
async function writableColumns(session: Session, mapping: ObjectMapping): Promise<ReadonlySet<string>> {
  const { rows } = await query<{ column: string }>(
    session,
    `select attname as column from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [tableOf(mapping)],
  );
  return new Set(rows.map(({ column }) => column));
}
