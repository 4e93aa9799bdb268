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
      `insert into sfsync.mapped_table (object, portrait) values ($1, $2)
       on conflict (object) do update set portrait = excluded.portrait, seen_at = clock_timestamp()`,
      [object, JSON.stringify(portrait)],
    );
  }
  return { tables, changed };
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
