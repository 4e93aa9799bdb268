/** `sfsync.mapped_table`: the mapped tables as they were last seen; what differs leaves a comparison due. */
import type { ComparisonReason } from '../../core/contracts/comparison.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { portraitChanges, type TablePortrait, tablePortrait } from '../../core/stream/table-portrait.ts';
import { inTransaction, query, type Session } from '../session/connection.ts';
import { type LookedTable, lookAtTables } from '../tables/portraits.ts';
import { orderComparison } from './comparison.ts';

export interface NotedTables {
  readonly tables: readonly LookedTable[];
  /** What was found to differ, by object. */
  readonly changed: ReadonlyMap<string, readonly ComparisonReason[]>;
}

/**
 * Looks at the mapped tables. What was changed since they were last looked at leaves a comparison due, in the same transaction.
 * `first`: why one is due of a table that was never looked at; undefined: none is.
 */
export async function noteTables(
  session: Session,
  configuration: SyncConfiguration,
  first?: ComparisonReason,
): Promise<NotedTables> {
  const tables = await lookAtTables(session, configuration);
  const seen = await readPortraits(session);
  if (tables.every(({ object, portrait }) => isSame(seen.get(object), portrait))) return { tables, changed: new Map() };
  return inTransaction(session, async () => {
    // The streamer and `sfsync prepare` look at the same time, perhaps: the second one finds what the first has noted.
    await query(session, 'lock table sfsync.mapped_table in share row exclusive mode');
    return note(session, await lookAtTables(session, configuration), first);
  });
}

async function note(
  session: Session,
  tables: readonly LookedTable[],
  first: ComparisonReason | undefined,
): Promise<NotedTables> {
  const seen = await readPortraits(session);
  const changed = new Map<string, readonly ComparisonReason[]>();
  for (const { object, portrait } of tables) {
    const before = seen.get(object);
    if (isSame(before, portrait)) continue;
    const reasons = before === undefined ? [first ?? []].flat() : portraitChanges(before, portrait);
    for (const reason of reasons) await orderComparison(session, object, reason);
    if (reasons.length > 0) changed.set(object, reasons);
    await query(
      session,
      `insert into sfsync.mapped_table as m (object, portrait) values ($1, $2)
       on conflict (object) do update
         set portrait = excluded.portrait, seen_at = clock_timestamp(), former_types = m.former_types || ${CHANGED_TYPES}`,
      [object, JSON.stringify(portrait)],
    );
  }
  return { tables, changed };
}

/**
 * The types of columns that have another one now, behind those that they had before; and those that one may have had in between
 * which has the same again. As in the portrait: number, type, modifier.
 */
const CHANGED_TYPES = `coalesce((
  select jsonb_object_agg(name, coalesce(m.former_types -> name, '[]') || types)
    from jsonb_each_text(m.portrait -> 'columns') as before (name, text)
    cross join lateral (select string_to_array(before.text, '/'), string_to_array(excluded.portrait -> 'columns' ->> name, '/')) as c (was, now)
    join pg_type y on y.oid = was[2]::oid
    cross join lateral (select case
      when was[2:3] <> now[2:3] then to_jsonb(array[format_type(y.oid, was[3]::int)])
      when m.portrait ->> 'file' <> excluded.portrait ->> 'file'
           and m.portrait -> 'altered' ->> name <> excluded.portrait -> 'altered' ->> name
        then to_jsonb(sfsync.types_in_between(y.oid, was[3]::int)) end) as found (types)
   where types <> '[]'), '{}')`;

/**
 * All links of the object were compared: what former types of its columns have made of values is in the links. Not so when the
 * comparison was ordered anew, as a further change does. In a statement of its own, for `note` locks the portraits first.
 */
export async function forgetFormerTypes(
  session: Session,
  { object, order }: { readonly object: string; readonly order: string },
): Promise<void> {
  await query(
    session,
    `update sfsync.mapped_table m set former_types = '{}'
      where object = $1 and former_types <> '{}'
        and exists (select from sfsync.comparison c where c.object = m.object and c.orders = $2::bigint)`,
    [object, order],
  );
}

async function readPortraits(session: Session): Promise<Map<string, TablePortrait>> {
  const { rows } = await query<{ object: string; portrait: unknown }>(
    session,
    'select object, portrait from sfsync.mapped_table',
  );
  return new Map(rows.map(({ object, portrait }) => [object, tablePortrait.parse(portrait)]));
}

function isSame(before: TablePortrait | undefined, now: TablePortrait): boolean {
  return before !== undefined && text(before) === text(now);
}

/** jsonb keeps keys in an order of its own. */
function text(portrait: TablePortrait): string {
  return JSON.stringify(portrait, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
