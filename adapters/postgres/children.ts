/** Children whose parent row had no Salesforce id: what they would send names nobody, so they wait until it has one. */
import pg from 'pg';
import type { ObjectMapping, SyncConfiguration } from '../../core/configuration.ts';
import { mappingOf } from '../../core/configuration.ts';
import type { RowVersion } from '../../core/link.ts';
import { lookupsToWake, unlinkedParents } from '../../core/references.ts';
import type { Session } from './connection.ts';
import { query } from './connection.ts';
import { tableOf } from './rows.ts';

const name = pg.escapeIdentifier;

/** Makes the children of rows that have got their Salesforce id due; in the transaction that has written the id. */
export async function wakeChildren(
  session: Session,
  configuration: SyncConfiguration,
  parent: ObjectMapping,
  parentKeys: readonly string[],
): Promise<void> {
  if (parentKeys.length === 0) return;
  const keys = JSON.stringify(parentKeys.map((key) => ({ [parent.keyColumn]: key })));
  for (const { child, lookup } of lookupsToWake(configuration, parent.object)) {
    const { rows } = await query<{ key: string }>(
      session,
      `select c.${name(child.keyColumn)}::text as key
         from jsonb_populate_recordset(null::${tableOf(parent)}, $1::jsonb) p
         join ${tableOf(child)} c on c.${name(lookup.column)} = p.${name(parent.keyColumn)}`,
      [keys],
    );
    await markChildren(
      session,
      child.object,
      rows.map(({ key }) => key),
    );
  }
}

async function markChildren(session: Session, object: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await query(
    session,
    `with due as (select id from sfsync.link l
                   where object = $1 and row_key = any ($2::text[]) order by salesforce_id for update)
     update sfsync.link l
        set dirty = true, dirty_since = coalesce(l.dirty_since, clock_timestamp()), revision = l.revision + 1
       from due where l.id = due.id`,
    [object, keys],
  );
  await query(
    session,
    `update sfsync.insertion i set dirty = true, dirty_since = coalesce(i.dirty_since, clock_timestamp())
      where object = $1 and row_key = any ($2::text[])`,
    [object, keys],
  );
}

/**
 * Whether a parent of the row has got its Salesforce id since the row was read. Waits for whoever is writing one: he has
 * woken the children that were there, and this one may have come a moment later.
 */
export async function anyParentLinked(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  row: RowVersion | undefined,
): Promise<boolean> {
  for (const { object, key } of unlinkedParents(mapping, row)) {
    const parent = mappingOf(configuration, object);
    const { rows } = await query<{ id: string | null }>(
      session,
      `select p.${name(parent.salesforceIdColumn)} as id
         from jsonb_populate_recordset(null::${tableOf(parent)}, $1::jsonb) x
         join ${tableOf(parent)} p on p.${name(parent.keyColumn)} = x.${name(parent.keyColumn)} for share of p`,
      [JSON.stringify([{ [parent.keyColumn]: key }])],
    );
    if (rows.some(({ id }) => id !== null)) return true;
  }
  return false;
}
