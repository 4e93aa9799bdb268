/** Conflicts that nobody has looked at yet. */
import { query, type Session } from '../session/connection.ts';

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
  /** Personal data: only for the eyes of whoever asked for it. */
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
