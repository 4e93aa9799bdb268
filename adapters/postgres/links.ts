/** Rows of `sfsync.link`. Links are always locked in the order of their id, before any row of a mapped table. */
import { z } from 'zod';
import type { Base, Link, OpenPush } from '../../core/link.ts';
import type { Session } from './connection.ts';
import { query } from './connection.ts';

/** A link with its place in the table. */
export interface StoredLink {
  readonly linkId: string;
  readonly link: Link;
}

const value = z.union([z.string(), z.boolean(), z.null()]);
const values = z.record(z.string(), value);
const instant = z.date().transform((date) => date.getTime());

const linkRow = z
  .object({
    id: z.string(),
    salesforce_id: z.string(),
    row_key: z.string().nullable(),
    base: values.nullable(),
    base_deleted: z.boolean().nullable(),
    high_water: instant.nullable(),
    revision: z.string().transform(Number),
    dirty: z.boolean(),
    applied_at: instant.nullable(),
    reread_due: z.boolean(),
    waiting: z.record(z.string(), z.string()),
    push_id: z.string().nullable(),
    sent_at: instant.nullable(),
    push_delivery: z.enum(['appflow', 'api']).nullable(),
    sent: z.record(z.string(), z.object({ value, filler: z.boolean() })).nullable(),
    sent_deleted: z.boolean().nullable(),
    seen: z.record(z.string(), z.object({ value, sure: z.boolean() })).nullable(),
    refused: values,
    refused_deleted: z.boolean().nullable(),
  })
  .transform(
    (row): StoredLink => ({
      linkId: row.id,
      link: {
        salesforceId: row.salesforce_id,
        rowKey: row.row_key ?? undefined,
        base: baseOf(row.base, row.base_deleted),
        highWater: row.high_water ?? undefined,
        revision: row.revision,
        dirty: row.dirty,
        appliedAt: row.applied_at ?? undefined,
        rereadDue: row.reread_due,
        waiting: row.waiting,
        push: pushOf(row),
        refused: { fields: row.refused, deleted: row.refused_deleted ?? undefined },
      },
    }),
  );

function baseOf(fields: Base['fields'] | null, deleted: boolean | null): Base | undefined {
  return fields === null ? undefined : { fields, deleted: deleted === true };
}

interface PushColumns {
  push_id: string | null;
  sent_at: number | null;
  push_delivery: OpenPush['delivery'] | null;
  sent: OpenPush['sent'] | null;
  sent_deleted: boolean | null;
  seen: OpenPush['seen'] | null;
}

function pushOf(row: PushColumns): OpenPush | undefined {
  if (row.push_id === null) return undefined;
  return {
    id: row.push_id,
    sentAt: row.sent_at ?? 0,
    delivery: row.push_delivery ?? 'api',
    sent: row.sent ?? {},
    sentDeleted: row.sent_deleted ?? undefined,
    seen: row.seen ?? {},
  };
}

const COLUMNS = `id::text, salesforce_id, row_key, base, base_deleted, high_water, revision::text, dirty, applied_at,
  reread_due, waiting, push_id, sent_at, push_delivery, sent, sent_deleted, seen, refused, refused_deleted`;

/** Makes links for records that have none. Of two transactions that claim one record, the second waits for the first. */
export async function claimLinks(session: Session, object: string, salesforceIds: readonly string[]): Promise<void> {
  await query(
    session,
    `insert into sfsync.link (object, salesforce_id)
     select $1, id from unnest($2::text[]) as claimed (id)
      where not exists (select from sfsync.link l where l.object = $1 and l.salesforce_id = claimed.id)
      order by id on conflict do nothing`,
    [object, salesforceIds],
  );
}

/** Locks the links of the records and reads them, by Salesforce id. */
export async function lockLinks(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
): Promise<Map<string, StoredLink>> {
  const { rows } = await query(
    session,
    `select ${COLUMNS} from sfsync.link where object = $1 and salesforce_id = any ($2::text[]) order by link.id for update`,
    [object, salesforceIds],
  );
  return new Map(
    rows.map((row) => {
      const stored = linkRow.parse(row);
      return [stored.link.salesforceId, stored];
    }),
  );
}

/** Writes links back as they are. `dirty_since` is kept while a link stays dirty: the oldest goes first. */
export async function saveLinks(session: Session, links: readonly StoredLink[]): Promise<void> {
  if (links.length === 0) return;
  await query(
    session,
    `update sfsync.link l
        set row_key = x.row_key, base = x.base, base_deleted = x.base_deleted,
            high_water = to_timestamp(x.high_water), revision = x.revision, dirty = x.dirty,
            dirty_since = case when x.dirty then coalesce(l.dirty_since, clock_timestamp()) end,
            applied_at = to_timestamp(x.applied_at), reread_due = x.reread_due, waiting = x.waiting,
            push_id = x.push_id, sent_at = to_timestamp(x.sent_at), push_delivery = x.push_delivery, sent = x.sent,
            sent_deleted = x.sent_deleted, seen = x.seen, refused = x.refused, refused_deleted = x.refused_deleted
       from jsonb_to_recordset($1::jsonb) as x (
            id bigint, row_key text, base jsonb, base_deleted boolean, high_water float8, revision bigint, dirty boolean,
            applied_at float8, reread_due boolean, waiting jsonb, push_id text, sent_at float8, push_delivery text,
            sent jsonb, sent_deleted boolean, seen jsonb, refused jsonb, refused_deleted boolean)
      where l.id = x.id`,
    [JSON.stringify(links.map(columnsOf))],
  );
}

function columnsOf({ linkId, link }: StoredLink) {
  const seconds = (instant: number | undefined) => (instant === undefined ? null : instant / 1000);
  return {
    id: linkId,
    row_key: link.rowKey ?? null,
    base: link.base?.fields ?? null,
    base_deleted: link.base?.deleted ?? null,
    high_water: seconds(link.highWater),
    revision: link.revision,
    dirty: link.dirty,
    applied_at: seconds(link.appliedAt),
    reread_due: link.rereadDue,
    waiting: link.waiting,
    push_id: link.push?.id ?? null,
    sent_at: seconds(link.push?.sentAt),
    push_delivery: link.push?.delivery ?? null,
    sent: link.push?.sent ?? null,
    sent_deleted: link.push?.sentDeleted ?? null,
    seen: link.push?.seen ?? null,
    refused: link.refused.fields,
    refused_deleted: link.refused.deleted ?? null,
  };
}

/** Removes links that never got a row, such as a claim whose record turned out to be deleted. */
export async function dropLinks(session: Session, linkIds: readonly string[]): Promise<void> {
  if (linkIds.length === 0) return;
  await query(session, 'delete from sfsync.link where id = any ($1::bigint[])', [linkIds]);
}
