/** `sfsync.conflict`: edits of the same field on both sides, with both values. */
import type { Conflict } from '../../core/agreement/merge.ts';
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
  const { rows } = await query<OpenConflict>(
    session,
    `select id::text, object, salesforce_id as "salesforceId", row_key as "rowKey", field, reason, winner, execution,
            created_at as "createdAt",
            jsonb_build_object('base', base, 'salesforce', salesforce_value, 'postgres', postgres_value) as "values"
       from sfsync.conflict where resolved_at is null and ($1::text is null or object = $1)
      order by conflict.id limit $2`,
    [object ?? null, limit ?? null],
  );
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
