/**
 * Deleting and restoring whole rows. What Salesforce deletes goes to `sfsync.tombstone` first, as it stands, so that an
 * undelete brings it back with its key and the columns that Salesforce never had.
 */
import pg from 'pg';
import type { Release } from '../../core/agreement/references.ts';
import { childLookups, release } from '../../core/agreement/references.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { columnsOf, tableOf, updateRows } from '../tables/rows.ts';
import { tableColumns } from '../tables/table-columns.ts';

const name = pg.escapeIdentifier;

export interface RowRemoval {
  readonly key: string;
  readonly salesforceId: string;
  /** The record that it was merged into. */
  readonly survivor: string | undefined;
}

/** Moves rows to the tombstones. Children that point to them wait for them from now on (see `releaseChildren`). */
export async function buryRows(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  removals: readonly RowRemoval[],
): Promise<void> {
  if (removals.length === 0) return;
  if (mapping.deletedAtColumn !== undefined) {
    await releaseChildren(
      session,
      configuration,
      mapping,
      removals.filter(({ survivor }) => survivor !== undefined),
    );
    await markDeleted(session, mapping, mapping.deletedAtColumn, removals);
    return;
  }
  // Children before the parent, as whoever writes a child has it: link, row, parent. Those that came in between are seen
  // once the parent is locked against new ones.
  await releaseChildren(session, configuration, mapping, removals);
  const key = name(mapping.keyColumn);
  const doomedKeys = JSON.stringify(removals.map(({ key: rowKey }) => ({ [mapping.keyColumn]: rowKey })));
  await query(
    session,
    `select from ${tableOf(mapping)} t join jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x using (${key})
      order by ${key} for update of t`,
    [doomedKeys],
  );
  await releaseChildren(session, configuration, mapping, removals);
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
      doomedKeys,
    ],
  );
}

/** `deleteRow: 'soft'`: the row stays, and its column tells since when it counts as gone. */
async function markDeleted(session: Session, mapping: ObjectMapping, column: string, removals: readonly RowRemoval[]) {
  const key = name(mapping.keyColumn);
  await query(
    session,
    `update ${tableOf(mapping)} t set ${name(column)} = now()
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x where t.${key} = x.${key}`,
    [JSON.stringify(removals.map(({ key: rowKey }) => ({ [mapping.keyColumn]: rowKey })))],
  );
}

/**
 * Salesforce deletes a parent with its children, and their files arrive in any order. A child row that still points to
 * a buried parent gets a null lookup and waits for the parent, as one does that came too early; an undelete joins them
 * again. The children of a record that was merged into another go to the survivor. A lookup whose column allows no null
 * is left alone (see required-parents.ts).
 */
async function releaseChildren(
  session: Session,
  configuration: SyncConfiguration,
  parent: ObjectMapping,
  removals: readonly RowRemoval[],
): Promise<void> {
  if (removals.length === 0) return;
  const doomed = JSON.stringify(
    removals.map(({ salesforceId, survivor }) => ({ id: salesforceId, survivor: survivor ?? null })),
  );
  for (const { child, lookup } of childLookups(configuration, parent.object)) {
    const released = await releaseColumn(session, parent, child, lookup, doomed);
    const judged = released.map(({ link_id, id, known, survivor, survivor_has_row }): JudgedChild => {
      const lost = { known: known === true, survivor: survivor ?? undefined, survivorHasRow: survivor_has_row };
      return { linkId: link_id, parent: id, survivor, release: release(child, lost) };
    });
    for (const alike of Map.groupBy(judged, (each) => JSON.stringify(each.release)).values()) {
      await saveReleased(session, lookup, alike);
    }
  }
}

interface ReleasedChild {
  readonly link_id: string;
  /** The parent that goes. */
  readonly id: string;
  readonly known: boolean | null;
  readonly survivor: string | null;
  readonly survivor_has_row: boolean;
}

interface JudgedChild {
  readonly linkId: string;
  readonly parent: string;
  readonly survivor: string | null;
  readonly release: Release;
}

/** Takes the lost parents' keys out of the column. Answers the links of the rows that held them. */
async function releaseColumn(
  session: Session,
  parent: ObjectMapping,
  child: ObjectMapping,
  { field, column }: FieldMapping,
  doomed: string,
): Promise<ReleasedChild[]> {
  const parentKey = name(parent.keyColumn);
  const parentId = name(parent.salesforceIdColumn);
  const required = (await tableColumns(session, child)).notNull.has(column);
  // As everywhere, links come before their rows.
  await query(
    session,
    `select from jsonb_to_recordset($2::jsonb) as d (id text)
       join ${tableOf(parent)} p on p.${parentId} = d.id
       join ${tableOf(child)} t on t.${name(column)} = p.${parentKey}
       join sfsync.link l on l.object = $1 and l.row_key = t.${name(child.keyColumn)}::text
      order by l.salesforce_id for update of l`,
    [child.object, doomed],
  );
  const { rows } = await query<ReleasedChild>(
    session,
    `with gone as (select p.${parentKey} as key, d.id, d.survivor, s.${parentKey} as survivor_key
                     from jsonb_to_recordset($2::jsonb) as d (id text, survivor text)
                     join ${tableOf(parent)} p on p.${parentId} = d.id
                     left join ${tableOf(parent)} s on s.${parentId} = d.survivor),
          released as (update ${tableOf(child)} t set ${name(column)} = gone.survivor_key
                         from gone where t.${name(column)} = gone.key ${required ? 'and gone.survivor_key is not null' : ''}
                       returning t.${name(child.keyColumn)}::text as key, gone.id, gone.survivor,
                                 gone.survivor_key is not null as survivor_has_row)
     select l.id as link_id, r.id, l.base ->> $3 = r.id as known, r.survivor, r.survivor_has_row
       from released r join sfsync.link l on l.object = $1 and l.row_key = r.key`,
    [child.object, doomed, field],
  );
  return rows;
}

/** Writes down what became of the links of children that were released alike. */
async function saveReleased(
  session: Session,
  { field }: FieldMapping,
  children: readonly JudgedChild[],
): Promise<void> {
  const [first] = children;
  if (first === undefined) return;
  const { waits, rereadDue, dirty, rebases } = first.release;
  await query(
    session,
    `update sfsync.link l
        set waiting = case when $4 then l.waiting || jsonb_build_object($3::text, j.parent) else l.waiting end,
            reread_due = l.reread_due or $5,
            dirty = l.dirty or $6,
            dirty_since = coalesce(l.dirty_since, case when $5 or $6 then clock_timestamp() end),
            base = case when $7 then jsonb_set(l.base::jsonb, array[$3::text], to_jsonb(j.survivor))::json else l.base end,
            revision = l.revision + 1
       from unnest($1::bigint[], $2::text[], $8::text[]) as j (link_id, parent, survivor) where l.id = j.link_id`,
    [
      children.map(({ linkId }) => linkId),
      children.map(({ parent }) => parent),
      field,
      waits,
      rereadDue,
      dirty,
      rebases,
      children.map(({ survivor }) => survivor),
    ],
  );
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
  const { deletedAtColumn } = mapping;
  const missing =
    deletedAtColumn === undefined ? restores : await unmarkDeleted(session, mapping, deletedAtColumn, restores);
  if (missing.length === 0) return;
  const kept = await query<{ id: string; row: Record<string, unknown> }>(
    session,
    `delete from sfsync.tombstone where object = $1 and salesforce_id = any ($2::text[])
     returning salesforce_id as id, "row"`,
    [mapping.object, missing.map(({ salesforceId }) => salesforceId)],
  );
  const tombstones = new Map(kept.rows.map(({ id, row }) => [id, row]));
  const writable = await writableColumns(session, mapping);
  for (const { salesforceId, key, fields } of missing) {
    const own = { [mapping.keyColumn]: key, [mapping.salesforceIdColumn]: salesforceId };
    // What Postgres owns comes from the tombstone, where there is one.
    const row = {
      ...columnsOf(mapping, fields),
      ...tombstones.get(salesforceId),
      ...columnsOf(mapping, taken(mapping, fields)),
      ...own,
    };
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

/** Brings marked rows back. Answers those that are not there any more, so that they have to be inserted. */
async function unmarkDeleted(
  session: Session,
  mapping: ObjectMapping,
  column: string,
  restores: readonly RowRestore[],
): Promise<readonly RowRestore[]> {
  const key = name(mapping.keyColumn);
  const { rows } = await query<{ key: string }>(
    session,
    `update ${tableOf(mapping)} t set ${name(column)} = null
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x where t.${key} = x.${key}
     returning t.${key}::text as key`,
    [JSON.stringify(restores.map((restore) => ({ [mapping.keyColumn]: restore.key })))],
  );
  const back = new Set(rows.map((row) => row.key));
  await updateRows(
    session,
    mapping,
    restores.filter((restore) => back.has(restore.key)),
  );
  return restores.filter((restore) => !back.has(restore.key));
}

/** The values that a row takes from Salesforce. */
function taken(mapping: ObjectMapping, fields: FieldValues): FieldValues {
  const owned = new Set(
    mapping.fields.filter(({ direction }) => direction === 'to-salesforce').map(({ field }) => field),
  );
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !owned.has(field)));
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
