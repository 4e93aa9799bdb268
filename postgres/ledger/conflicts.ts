/** `sfsync.conflict`: edits of the same field on both sides, with both values. */
import { randomUUID } from 'node:crypto';
import type { Conflict } from '../../core/agreement/merge.ts';
import { CONFLICT_CODES, MAX_NAMED_RECORDS, type ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';

export interface ReportedConflict {
  readonly salesforceId: string;
  readonly rowKey: string | undefined;
  readonly conflict: Conflict;
}

export async function reportConflicts(
  session: Session,
  object: string,
  execution: string,
  conflicts: readonly ReportedConflict[],
): Promise<void> {
  if (conflicts.length === 0) return;
  const rows = conflicts.map(({ salesforceId, rowKey, conflict }) => ({
    salesforce_id: salesforceId,
    row_key: rowKey ?? null,
    field: conflict.field ?? null,
    reason: conflict.reason,
    base: conflict.base ?? null,
    salesforce_value: conflict.salesforce,
    postgres_value: conflict.postgres,
    winner: conflict.winner,
  }));
  await query(
    session,
    `insert into sfsync.conflict
       (object, salesforce_id, row_key, field, reason, base, salesforce_value, postgres_value, winner, execution)
     select $1, x.salesforce_id, x.row_key, x.field, x.reason, x.base, x.salesforce_value, x.postgres_value, x.winner, $2
       from jsonb_to_recordset($3::jsonb) as x (salesforce_id text, row_key text, field text, reason text, base jsonb,
            salesforce_value jsonb, postgres_value jsonb, winner text)`,
    [object, execution, JSON.stringify(rows)],
  );
}

/** After this no call runs any more that has listed a conflict and not reported it. */
const LONGEST_CALL = '15 minutes';

/**
 * Conflicts that this call of a step is to report, counted by field and winner, with some of the records: those that its execution has
 * listed and that nobody has reported yet, and what calls that died have left. A call that is tried again with the same input gets
 * the same ones again, for its answer was lost.
 */
export async function claimConflicts(
  session: Session,
  object: string,
  { execution, input = randomUUID() }: { readonly execution: string; readonly input?: string | undefined },
): Promise<ReasonCount[]> {
  const { rows } = await query<{
    winner: keyof typeof CONFLICT_CODES;
    field: string | null;
    count: number;
    ids: string[];
  }>(
    session,
    `with claimed as (
       update sfsync.conflict set reported_by = $3 where id = any (
         array(select id from sfsync.conflict
                where object = $1 and reported_by is null and execution = $2
                  for update skip locked) ||
         array(select id from sfsync.conflict
                where object = $1 and reported_by is null and created_at < statement_timestamp() - interval '${LONGEST_CALL}'
                  for update skip locked))
       returning winner, field, salesforce_id),
     all_of_it as (
       select * from claimed union all
       select winner, field, salesforce_id from sfsync.conflict where object = $1 and reported_by = $3)
     select winner, field, count(*)::int as count, (array_agg(distinct salesforce_id))[1:${MAX_NAMED_RECORDS}] as ids
       from all_of_it group by winner, field order by count desc, field`,
    [object, execution, input],
  );
  return rows.map(({ winner, field, count, ids }) => {
    return { code: CONFLICT_CODES[winner], count, ...(field === null ? {} : { field }), ids };
  });
}

/** A conflict that no operator has marked as seen. */
export interface OpenConflict {
  readonly id: string;
  readonly object: string;
  readonly salesforceId: string;
  readonly rowKey: string | null;
  /** null: the record as a whole, a delete against an edit. */
  readonly field: string | null;
  readonly reason: string;
  readonly winner: 'salesforce' | 'postgres';
  readonly execution: string | null;
  readonly createdAt: Date;
  /** Personal data: only for the operator who asked for it. */
  readonly values: { readonly base: unknown; readonly salesforce: unknown; readonly postgres: unknown };
}

/** Oldest first. */
export async function readOpenConflicts(
  session: Session,
  { object, limit }: { readonly object?: string | undefined; readonly limit?: number | undefined },
): Promise<OpenConflict[]> {
  const sql = `select id::text, object, salesforce_id as "salesforceId", row_key as "rowKey", field, reason, winner, execution,
            created_at as "createdAt",
            jsonb_build_object('base', base, 'salesforce', salesforce_value, 'postgres', postgres_value) as "values"
       from sfsync.conflict where resolved_at is null and ($1::text is null or object = $1)
      order by conflict.id limit $2`;
  const { rows } = await byIndex(session, () => query<OpenConflict>(session, sql, [object ?? null, limit ?? null]));
  return rows;
}

/** Marks conflicts as seen. Answers the ids of those that were open. */
export async function resolveConflicts(session: Session, ids: readonly string[]): Promise<string[]> {
  const { rows } = await query<{ id: string }>(
    session,
    `update sfsync.conflict set resolved_at = now() where id = any ($1::bigint[]) and resolved_at is null
     returning id::text`,
    [ids],
  );
  return rows.map(({ id }) => id);
}
