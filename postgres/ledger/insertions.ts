/** Rows of `sfsync.insertion`. They are locked in the order of their id, after links and before rows of a mapped table. */
import type { Insertion, UnlinkedRow } from '../../core/agreement/insertion.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { lockRows, type RowAccess } from '../tables/rows.ts';

export interface StoredInsertion {
  readonly insertionId: string;
  readonly insertion: Insertion;
  readonly row: UnlinkedRow | undefined;
}

interface InsertionRow {
  readonly id: string;
  readonly row_key: string;
  readonly revision: string;
  readonly dirty: boolean;
  readonly push_id: string | null;
  readonly sent_at: string | null;
  readonly sent: FieldValues | null;
  readonly refused: FieldValues | null;
  readonly due_after: string | null;
  readonly retries: number;
}

/** Locks the insertions of the row keys, then their rows, and reads both. By row key. */
export async function lockInsertions(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  rowKeys: readonly string[],
  access: RowAccess = 'lock',
): Promise<Map<string, StoredInsertion>> {
  const stored = await lockStored(session, mapping.object, rowKeys);
  const keys = stored.map(({ insertion }) => insertion.rowKey);
  const rows = new Map(
    (await lockRows(session, configuration, mapping, { keys }, access)).map((row) => [row.key, row]),
  );
  return new Map(
    stored.map((each) => {
      const row = rows.get(each.insertion.rowKey);
      return [each.insertion.rowKey, { ...each, row: row?.softDeleted ? undefined : row }];
    }),
  );
}

/**
 * Locks the insertions of the row keys, asks the rule of each, and saves what it makes of them. For sets: all of them are in
 * memory at once. Answers the keys of those that there are.
 */
export async function changeInsertions(
  session: Session,
  object: string,
  rowKeys: readonly string[],
  rule: (insertion: Insertion) => Insertion,
): Promise<readonly string[]> {
  const stored = await lockStored(session, object, rowKeys);
  await saveInsertions(
    session,
    stored.map(({ insertionId, insertion }) => ({ insertionId, insertion: rule(insertion) })),
  );
  return stored.map(({ insertion }) => insertion.rowKey);
}

async function lockStored(session: Session, object: string, rowKeys: readonly string[]): Promise<InsertionWrite[]> {
  if (rowKeys.length === 0) return [];
  const { rows } = await query<InsertionRow>(
    session,
    `select id::text, row_key, revision, dirty, push_id, extract(epoch from sent_at) * 1000 as sent_at, sent, refused,
            extract(epoch from due_after) * 1000 as due_after, retries
       from sfsync.insertion i where object = $1 and row_key = any ($2::text[]) order by i.id for update`,
    [object, rowKeys],
  );
  return rows.map((row) => ({ insertionId: row.id, insertion: insertionOf(row) }));
}

function insertionOf({ row_key, revision, dirty, push_id, sent_at, sent, refused, ...row }: InsertionRow): Insertion {
  return {
    rowKey: row_key,
    revision: Number(revision),
    dirty,
    push: push_id === null ? undefined : { id: push_id, sentAt: Number(sent_at), sent: sent ?? {} },
    refused: refused ?? undefined,
    dueAfter: row.due_after === null ? undefined : Number(row.due_after),
    retries: row.retries,
  };
}

export interface InsertionWrite {
  readonly insertionId: string;
  readonly insertion: Insertion;
}

export async function saveInsertions(session: Session, writes: readonly InsertionWrite[]): Promise<void> {
  if (writes.length === 0) return;
  const rows = writes.map(({ insertionId, insertion: { revision, dirty, push, refused, dueAfter, retries } }) => ({
    id: insertionId,
    revision,
    dirty,
    push_id: push?.id ?? null,
    sent_at: push === undefined ? null : new Date(push.sentAt).toISOString(),
    sent: push?.sent ?? null,
    refused: refused ?? null,
    due_after: dueAfter === undefined ? null : new Date(dueAfter).toISOString(),
    retries,
  }));
  await query(
    session,
    `update sfsync.insertion i
        set revision = x.revision, dirty = x.dirty, push_id = x.push_id, sent_at = x.sent_at, sent = x.sent, refused = x.refused,
            due_after = x.due_after, retries = x.retries,
            dirty_since = case when x.dirty then coalesce(i.dirty_since, clock_timestamp()) end
       from jsonb_to_recordset($1::jsonb) as x (id bigint, revision bigint, dirty boolean, push_id text, sent_at timestamptz, sent jsonb, refused jsonb, due_after timestamptz, retries integer)
      where i.id = x.id`,
    [JSON.stringify(rows)],
  );
}

export async function dropInsertions(session: Session, insertionIds: readonly string[]): Promise<void> {
  if (insertionIds.length === 0) return;
  await query(session, 'delete from sfsync.insertion where id = any ($1::bigint[])', [insertionIds]);
}
