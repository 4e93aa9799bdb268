/** What people have to know of: conflicts with both values, and rejected records with their reason. */
import type { z } from 'zod';
import type { Conflict } from '../../core/agreement/merge.ts';
import type { readLine } from '../../core/contracts/inbound-tasks.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';

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

export interface Reject {
  /** undefined when the line of a file did not tell. */
  readonly salesforceId: string | undefined;
  readonly rowKey: string | undefined;
  readonly field: string | undefined;
  readonly code: string;
  readonly reason: string;
  readonly line: number | undefined;
}

/** A reject from what was found; most know neither the row nor a line. */
export function rejectOf(
  { id, code, reason, field }: { id?: string | undefined; code: string; reason: string; field?: string | undefined },
  line?: number,
): Reject {
  return { salesforceId: id, rowKey: undefined, field, code, reason, line };
}

/** A record that a fresh read does not find was purged, or is hidden from our user: never a reason to delete a row. */
export const NOT_VISIBLE = {
  code: 'NOT_VISIBLE',
  reason: 'The record is neither live nor in the recycle bin, or the connected user may not see it.',
};

/** Rejects of the records that a fresh read did not find, or could not convert. */
export function rejectsOfReads(reads: readonly z.output<typeof readLine>[]): Reject[] {
  return reads.flatMap(({ id, version, rejected }) =>
    version === undefined ? [rejectOf({ ...NOT_VISIBLE, ...rejected, id })] : [],
  );
}

export interface RejectContext {
  readonly object: string;
  readonly direction: 'to-postgres' | 'to-salesforce';
  /** Key of the file, or what else the record came from. */
  readonly source: string;
  readonly execution: string;
}

/** Lists rejects. Working on the same input again lists nothing twice: an open reject of the same record is replaced. */
export async function reportRejects(
  session: Session,
  { object, direction, source, execution }: RejectContext,
  rejects: readonly Reject[],
): Promise<void> {
  if (rejects.length === 0) return;
  const rows = JSON.stringify(
    rejects.map(({ salesforceId, rowKey, field, code, reason, line }) => ({
      salesforce_id: salesforceId ?? null,
      row_key: rowKey ?? null,
      field: field ?? null,
      code,
      reason,
      line: line ?? null,
    })),
  );
  await query(
    session,
    `with incoming as (select * from jsonb_to_recordset($5::jsonb)
            as x (salesforce_id text, row_key text, field text, code text, reason text, line int)),
          replaced as (delete from sfsync.rejected_record r using incoming x
             where r.object = $1 and r.direction = $2 and r.resolved_at is null
               and (r.salesforce_id = x.salesforce_id
                    or (x.salesforce_id is null and r.salesforce_id is null
                        and (r.source = $3 and r.line = x.line or r.row_key = x.row_key))))
     insert into sfsync.rejected_record
       (object, salesforce_id, row_key, field, direction, source, line, code, reason, execution)
     select $1, x.salesforce_id, x.row_key, x.field, $2, $3, x.line, x.code, x.reason, $4 from incoming x`,
    [object, direction, source, execution, rows],
  );
}

/** Lists rejects, and answers those that are news: that were not listed with this reason before. */
export async function reportNews(
  session: Session,
  context: RejectContext,
  rejects: readonly Reject[],
): Promise<Reject[]> {
  if (rejects.length === 0) return [];
  const { rows } = await query<{ id: string | null; key: string | null; field: string | null; code: string }>(
    session,
    `select salesforce_id as id, row_key as key, field, code from sfsync.rejected_record
      where object = $1 and direction = $2 and resolved_at is null
        and (salesforce_id = any ($3::text[]) or salesforce_id is null and row_key = any ($4::text[]))`,
    [
      context.object,
      context.direction,
      rejects.flatMap(({ salesforceId }) => salesforceId ?? []),
      rejects.flatMap(({ rowKey }) => rowKey ?? []),
    ],
  );
  const known = new Set(rows.map(({ id, key, field, code }) => `${id ?? key} ${field ?? ''} ${code}`));
  await reportRejects(session, context, rejects);
  return rejects.filter(
    ({ salesforceId, rowKey, field, code }) => !known.has(`${salesforceId ?? rowKey} ${field ?? ''} ${code}`),
  );
}

/** Closes the open rejects of records that went through after all. */
export async function resolveRejects(
  session: Session,
  object: string,
  direction: RejectContext['direction'],
  salesforceIds: readonly string[],
): Promise<void> {
  if (salesforceIds.length === 0) return;
  await query(
    session,
    `update sfsync.rejected_record set resolved_at = now()
      where object = $1 and direction = $2 and salesforce_id = any ($3::text[]) and resolved_at is null`,
    [object, direction, salesforceIds],
  );
}

/** Closes the open rejects of new rows, which now are records. */
export async function resolveRowRejects(session: Session, object: string, rowKeys: readonly string[]): Promise<void> {
  if (rowKeys.length === 0) return;
  await query(
    session,
    `update sfsync.rejected_record set resolved_at = now()
      where object = $1 and direction = 'to-salesforce' and salesforce_id is null and row_key = any ($2::text[])
        and resolved_at is null`,
    [object, rowKeys],
  );
}
