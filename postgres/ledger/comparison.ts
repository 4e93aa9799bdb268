/** `sfsync.comparison`: the objects of which something may have been skipped, and how far their comparison has come. */
import type pg from 'pg';
import type { ComparisonReason } from '../../core/contracts/comparison.ts';
import { query } from '../session/connection.ts';
import { hasTable } from '../session/names.ts';

export interface Comparison {
  readonly object: string;
  readonly reasons: readonly string[];
  readonly orderedAt: Date;
  /** The order that is worked off. */
  readonly order: string;
  readonly stage: 'links' | 'rows' | 'records';
  /** Id of the last link, or key of the last row, that was looked at. */
  readonly after: string | null;
  readonly looked: number;
  readonly marked: number;
  /** Transactions are open that are older than the order. */
  readonly waits: boolean;
  readonly finishedAt: Date | null;
  readonly finishedBy: string | null;
}

/** Transaction ids are those of the whole server: one of another database is not waited for. Of a prepared one it is not known. */
const OLDER = `exists (
  select from pg_locks t left join pg_stat_activity a on a.pid = t.pid
   where t.locktype = 'transactionid' and t.mode = 'ExclusiveLock' and t.granted
     and (a.pid is null or a.datname = current_database()) and age(t.transactionid) >= age(ordered_by::xid))`;

const COLUMNS = `object, reasons, ordered_at as "orderedAt", orders::text as "order", stage, after,
  looked::float8 as looked, marked::float8 as marked, finished_at as "finishedAt", finished_by as "finishedBy",
  pg_snapshot_xmin(pg_current_snapshot()) <= ordered_by and ${OLDER} as waits`;

/**
 * Something of the object may have been skipped. One comparison makes up for all orders before it; one that is under way begins
 * anew. `records`: the records in Salesforce are compared, too.
 */
export async function orderComparison(
  session: pg.ClientBase,
  object: string,
  reason: ComparisonReason,
  { records = false }: { readonly records?: boolean } = {},
): Promise<void> {
  await query(
    session,
    `insert into sfsync.comparison as c (object, reasons, records) values ($1, array[$2], $3)
     on conflict (object) do update
       set reasons = case when c.finished_at is null and not c.reasons @> excluded.reasons then c.reasons || excluded.reasons
                          when c.finished_at is null then c.reasons else excluded.reasons end,
           records = excluded.records or (c.finished_at is null and c.records),
           marked = case when c.finished_at is null then c.marked else 0 end,
           ordered_at = excluded.ordered_at, ordered_by = excluded.ordered_by, orders = c.orders + 1,
           stage = 'links', after = null, looked = 0, swept_by = null, finished_at = null, finished_by = null`,
    [object, reason, records],
  );
}

/** The last comparison of the object, finished or not; undefined: there was none. */
export async function readComparison(session: pg.ClientBase, object: string): Promise<Comparison | undefined> {
  const { rows } = await query<Comparison & pg.QueryResultRow>(
    session,
    `select ${COLUMNS} from sfsync.comparison where object = $1`,
    [object],
  );
  return rows[0];
}

/** Comparisons that are due, by object. */
export async function dueComparisons(session: pg.ClientBase): Promise<Comparison[]> {
  if (!(await hasTable(session, 'comparison'))) return [];
  const { rows } = await query<Comparison & pg.QueryResultRow>(
    session,
    `select ${COLUMNS} from sfsync.comparison where finished_at is null order by object`,
  );
  return rows;
}

export interface ComparedPage {
  readonly looked: number;
  readonly marked: number;
  /** Where the next page begins; undefined: the stage is done. */
  readonly after: string | undefined;
}

/** Saves how far the comparison has come, unless it began anew, or another execution has come as far. */
export async function saveComparison(
  session: pg.ClientBase,
  { object, order, stage, after }: Comparison,
  page: ComparedPage,
  execution: string,
): Promise<void> {
  await query(
    session,
    `update sfsync.comparison
        set looked = looked + $5, marked = marked + $6, after = $7::text,
            stage = case when $7::text is not null then stage when stage = 'links' then 'rows'
                         when records then 'records' else stage end,
            finished_at = case when $7::text is null and stage = 'rows' and not records then clock_timestamp() end,
            finished_by = case when $7::text is null and stage = 'rows' then $8 end
      where object = $1 and orders = $2::bigint and stage = $3 and after is not distinct from $4 and finished_at is null`,
    [object, order, stage, after, page.looked, page.marked, page.after ?? null, execution],
  );
}

/** A full sweep begins. Answers whether a comparison has come so far that it waits for one. */
export async function beginRecords(session: pg.ClientBase, object: string, execution: string): Promise<boolean> {
  const { rowCount } = await query(
    session,
    `update sfsync.comparison set swept_by = $2 where object = $1 and stage = 'records' and finished_at is null`,
    [object, execution],
  );
  return (rowCount ?? 0) > 0;
}

/** The full sweep has come to its end. */
export async function finishRecords(session: pg.ClientBase, object: string, execution: string): Promise<void> {
  await query(
    session,
    `update sfsync.comparison set finished_at = clock_timestamp()
      where object = $1 and stage = 'records' and finished_at is null and swept_by = $2`,
    [object, execution],
  );
}

/** Records and rows are linked: so there has been a slot, and one that is missing has left a gap. */
export async function hasLinks(client: pg.ClientBase): Promise<boolean> {
  if (!(await hasTable(client, 'link'))) return false;
  const { rows } = await client.query<{ linked: boolean }>('select exists (select from sfsync.link) as linked');
  return rows[0]?.linked === true;
}
