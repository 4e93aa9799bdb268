/** `sfsync.conflict`: edits of the same field on both sides, with both values. */
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
  if (session.transaction !== undefined) session.transaction.hasConflicts = true;
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

/** What the transaction has listed, counted by field and winner, with some of the records. */
export async function conflictReasons(session: Session, object: string, execution: string): Promise<ReasonCount[]> {
  if (session.transaction?.hasConflicts !== true) return [];
  const { rows } = await query<{
    winner: keyof typeof CONFLICT_CODES;
    field: string | null;
    count: number;
    ids: string[];
  }>(
    session,
    `select winner, field, count(*)::int as count,
            (array_agg(distinct salesforce_id))[1:${MAX_NAMED_RECORDS}] as ids
       from sfsync.conflict where object = $1 and created_at = transaction_timestamp() and execution = $2
      group by winner, field order by count desc, field`,
    [object, execution],
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
