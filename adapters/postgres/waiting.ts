/** Children that came before their parents. */
import pg from 'pg';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../core/configuration.ts';
import { mappingOf } from '../../core/configuration.ts';
import type { Session } from './connection.ts';
import { query } from './connection.ts';
import { tableOf } from './rows.ts';

const name = pg.escapeIdentifier;

/**
 * Joins waiting children of `object`, and children that wait for a record of `object`, to the parents that have landed.
 * Runs in a transaction of its own after the one that wrote: of a parent's and a child's transactions, whichever commits
 * last sees the other, so no pair is overlooked. Answers how many lookups were filled.
 */
export async function joinWaiting(session: Session, configuration: SyncConfiguration, object: string): Promise<number> {
  let joined = 0;
  for (const child of configuration.objects) {
    for (const field of child.fields) {
      if (field.references === undefined) continue;
      if (child.object === object || field.references === object) {
        joined += await joinField(session, child, field, mappingOf(configuration, field.references));
      }
    }
  }
  return joined;
}

async function joinField(session: Session, child: ObjectMapping, field: FieldMapping, parent: ObjectMapping) {
  const { rows } = await query<{ id: string; row_key: string; parent_key: string }>(
    session,
    `select l.id::text, l.row_key, p.${name(parent.keyColumn)}::text as parent_key
       from sfsync.link l
       join ${tableOf(parent)} p on p.${name(parent.salesforceIdColumn)} = l.waiting ->> $2
      where l.object = $1 and l.waiting <> '{}' and l.waiting ? $2
      order by l.salesforce_id for update of l for key share of p`,
    [child.object, field.field],
  );
  if (rows.length === 0) return 0;
  const key = name(child.keyColumn);
  const column = name(field.column);
  const filled = rows.map((row) => ({ [child.keyColumn]: row.row_key, [field.column]: row.parent_key }));
  await query(
    session,
    `update ${tableOf(child)} t set ${column} = x.${column}
       from jsonb_populate_recordset(null::${tableOf(child)}, $1::jsonb) x
      where t.${key} = x.${key} and t.${column} is null`,
    [JSON.stringify(filled)],
  );
  await query(
    session,
    // The lookup may be what the row filter looks at.
    `update sfsync.link
        set waiting = waiting - $2, dirty = dirty or $3, revision = revision + 1,
            dirty_since = case when dirty or $3 then coalesce(dirty_since, clock_timestamp()) else dirty_since end
      where id = any ($1::bigint[])`,
    [rows.map(({ id }) => id), field.field, child.filter !== undefined],
  );
  return rows.length;
}
