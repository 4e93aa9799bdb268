/** Taking up rejected records again: which ones, and what makes the outbound machine look at them afresh. */

import { claimLinks } from '../postgres/ledger/links.ts';
import type { RejectContext } from '../postgres/ledger/rejects.ts';
import { inTransaction, query, type Session } from '../postgres/session/connection.ts';

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
  const { rows } = await query<OpenReject>(
    session,
    `select id::text, object, salesforce_id as "salesforceId", row_key as "rowKey", field, direction, source, line, code,
            reason, execution, created_at as "createdAt"
       from sfsync.rejected_record
      where resolved_at is null and ($1::text is null or object = $1) and ($2::text is null or direction = $2)
        and ($3 or id = any ($4::bigint[]) or salesforce_id = any ($5::text[]))
      order by rejected_record.id limit $6`,
    [object ?? null, direction ?? null, anyId, ids ?? [], salesforceIds ?? [], limit ?? null],
  );
  return rows;
}

/** Records of one object, by either of their keys. */
export interface RecordKeys {
  readonly salesforceIds: readonly string[];
  readonly rowKeys: readonly string[];
}

/**
 * Makes records due on both sides: what was refused is forgotten, and the next execution reads the record afresh before
 * it decides anything, so that nothing newer on either side is undone. A record that was never applied gets a link. The
 * rejects stay open until that has gone well. Answers how many records are due now.
 */
export function takeUpAgain(session: Session, object: string, { salesforceIds, rowKeys }: RecordKeys): Promise<number> {
  return inTransaction(session, async () => {
    await claimLinks(session, object, [...new Set(salesforceIds)]);
    const { rowCount } = await query(
      session,
      `with chosen as (select id from sfsync.link
                        where object = $1 and (salesforce_id = any ($2::text[]) or row_key = any ($3::text[]))
                        order by salesforce_id for update)
       update sfsync.link l
          set refused = '{}', refused_deleted = null, reread_due = true, dirty = true,
              dirty_since = coalesce(l.dirty_since, clock_timestamp()), revision = l.revision + 1
         from chosen where l.id = chosen.id`,
      [object, salesforceIds, rowKeys],
    );
    const { rowCount: newRows } = await query(
      session,
      `update sfsync.insertion i
          set refused = null, dirty = true, dirty_since = coalesce(i.dirty_since, clock_timestamp())
        where object = $1 and row_key = any ($2::text[])`,
      [object, rowKeys],
    );
    return (rowCount ?? 0) + (newRows ?? 0);
  });
}

/** Closes rejects whose input is worked on again as a whole: what is still wrong with it will be listed anew. */
export async function closeRejects(session: Session, ids: readonly string[]): Promise<void> {
  const sql =
    'update sfsync.rejected_record set resolved_at = now() where id = any ($1::bigint[]) and resolved_at is null';
  await query(session, sql, [ids]);
}
