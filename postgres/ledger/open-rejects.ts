/** Rejects that are open, for operators and for their redrive. */
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';
import type { RejectContext } from './rejects.ts';

export interface RejectSelection {
  readonly object?: string | undefined;
  readonly direction?: RejectContext['direction'] | undefined;
  /** Ids of rejects. */
  readonly ids?: readonly string[] | undefined;
  /** 18 characters each. Where both kinds of id are given, either will do. */
  readonly salesforceIds?: readonly string[] | undefined;
}

export interface OpenReject {
  readonly id: string;
  readonly object: string;
  /** null where not even the id could be read. */
  readonly salesforceId: string | null;
  readonly rowKey: string | null;
  readonly field: string | null;
  readonly direction: RejectContext['direction'];
  /** Key of the file or batch that the record came in. */
  readonly source: string | null;
  readonly line: number | null;
  readonly code: string;
  readonly reason: string;
  readonly execution: string | null;
  readonly createdAt: Date;
}

/** Open rejects, oldest first. */
export async function readOpenRejects(
  session: Session,
  { object, direction, ids, salesforceIds }: RejectSelection,
  limit?: number,
): Promise<OpenReject[]> {
  const anyId = ids === undefined && salesforceIds === undefined;
  const sql = `select id::text, object, salesforce_id as "salesforceId", row_key as "rowKey", field, direction, source, line, code,
            reason, execution, created_at as "createdAt"
       from sfsync.rejected_record
      where coalesce(resolved_at, 'infinity') = 'infinity' and ($1::text is null or object = $1) and ($2::text is null or direction = $2)
        and ($3 or id = any ($4::bigint[]) or salesforce_id = any ($5::text[]))
      order by rejected_record.id limit $6`;
  const values = [object ?? null, direction ?? null, anyId, ids ?? [], salesforceIds ?? [], limit ?? null];
  const { rows } = await byIndex(session, () => query<OpenReject>(session, sql, values));
  return rows;
}
