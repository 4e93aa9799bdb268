/**
 * Fields that have another API name than before. What both sides last agreed on lies in the links under the former name. It is moved, not
 * copied, link by link: a link has it under one name only, the one under which it was merged last. So a deployment that is taken back, or
 * functions of the former one that still run, move it back, and what is done twice changes nothing.
 */
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';
import type { LookedColumn } from './mapped-columns.ts';
import { markLinksDue } from './mark-due.ts';
import { NEWEST_LIVE } from './selections.ts';

export interface RenamedField {
  readonly field: string;
  /** The field that had its column before, and meant the same. */
  readonly former: string;
}

/**
 * Which of these fields take the place of another one: that left the mapping after they did, or they are new; it had the same
 * column and the same meaning; and the mapping says so, or it was the other way round before. One whose base is being forgotten has none.
 */
export async function renamedFields(session: Session, columns: readonly LookedColumn[]): Promise<RenamedField[]> {
  if (columns.length === 0) return [];
  const { rows } = await query<RenamedField>(
    session,
    `select distinct on (x.field) x.field, s.field as former
       from jsonb_to_recordset($1::jsonb) as x (object text, field text, "table" text, number integer, meaning jsonb, formerly text)
       join sfsync.mapped_column s on s.object = x.object and s.field <> x.field
        and s.table_oid = x."table"::oid and s.attnum = x.number and s.meaning = x.meaning
       left join sfsync.mapped_column k on k.object = x.object and k.field = x.field
      where s.left_at is not null and s.joining is distinct from 'forgetting'
        and (s.field = x.formerly or s.formerly = x.field) and (k.object is null or k.left_at < s.left_at)
      order by x.field, s.left_at desc`,
    [JSON.stringify(columns)],
  );
  return rows;
}

/**
 * The fields are left out from now on, until a read has shown that Salesforce has each in place of its former one, and the links
 * are gone through. What lists a field for people names the new one. One record is due, so that Salesforce is asked. In a transaction.
 */
export async function beginRename(
  session: Session,
  object: string,
  renamed: readonly RenamedField[],
  columns: readonly LookedColumn[],
): Promise<void> {
  const given = JSON.stringify(
    renamed.map((each) => ({ ...columns.find(({ field }) => field === each.field), ...each })),
  );
  const sql = `insert into sfsync.mapped_column as k (object, field, table_oid, attnum, column_name, meaning, joining, formerly)
     select object, field, "table"::oid, number, "column", meaning, 'renaming', former
       from jsonb_to_recordset($1::jsonb) as x (object text, field text, "table" text, number integer, "column" text, meaning jsonb, former text)
      order by object, field
     on conflict (object, field) do update
       set table_oid = excluded.table_oid, attnum = excluded.attnum, column_name = excluded.column_name, meaning = excluded.meaning,
           joining = excluded.joining, formerly = excluded.formerly, join_after = null, join_records = 0, left_at = null,
           vanished_at = null, seen_by = null, refused_at = null, refusal_seen_by = null`;
  await byIndex(session, () => query(session, sql, [given]));
  const names = 'jsonb_to_recordset($2::jsonb) as x (field text, former text)';
  await query(
    session,
    `with closed as (
       update sfsync.drift d set closed_at = now() from ${names} where d.object = $1 and d.field = x.former and d.closed_at is null)
     insert into sfsync.drift as d (object, field, seen_by, change)
     select $1, field, 'formerly', 'takes the place of ' || former || ', and Salesforce is still to be asked whether that is gone'
       from ${names} order by field
     on conflict (object, field) do update
       set seen_by = excluded.seen_by, first_seen = now(), closed_at = null, change = excluded.change, asked_at = null`,
    [object, given],
  );
  for (const table of ['conflict', 'rejected_record']) {
    await query(
      session,
      `update sfsync.${table} t set field = x.field from ${names} where t.object = $1 and t.field = x.former and t.resolved_at is null`,
      [object, given],
    );
  }
  for (const { field, former } of renamed) {
    await query(
      session,
      `update sfsync.insertion i set sent = ${moved('i.sent')}, refused = ${moved('i.refused')}
        where i.object = $1 and (i.sent ? $3::text or i.refused ? $3::text)`,
      [object, field, former],
    );
  }
  await markLinksDue(session, object, NEWEST_LIVE, 'read again');
}

/** The fields that are still to take the place of another one, with its name. */
export async function renamingFields(session: Session, object: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await query<RenamedField>(
    session,
    `select field, formerly as former from sfsync.mapped_column
      where object = $1 and joining = 'renaming' and left_at is null and formerly is not null`,
    [object],
  );
  return new Map(rows.map(({ field, former }) => [field, former]));
}

/** The document with the member under its new name ($2), where it has it under the former one ($3). */
function moved(document: string): string {
  return `case when ${document} ? $3::text then (${document} - $3::text) || jsonb_build_object($2::text, ${document} -> $3::text) else ${document} end`;
}

/** What a link knows of single fields, beside the base. */
const BY_FIELD = ['waiting', 'sent', 'seen', 'refused', 'inexact'];

/** Puts what links know of the former field under the name of the new one. Links are in order, and are locked in it. */
export async function renameInLinks(
  session: Session,
  object: string,
  { field, former }: RenamedField,
  { after, last }: { readonly after: string; readonly last: string },
): Promise<void> {
  const has = [
    ...BY_FIELD.map((name) => `l.${name} ? $3::text`),
    '(l.base -> $3::text) is not null',
    `l.written -> 'replaced' ? $3::text`,
  ];
  await query(
    session,
    `with known as (
       select l.id from sfsync.link l
        where l.object = $1 and l.salesforce_id > $4 and l.salesforce_id <= $5 and (${has.join(' or ')})
        order by l.salesforce_id for update of l)
     update sfsync.link l
        set base = case when (l.base -> $3::text) is null then l.base else (
              select json_object_agg(case when e.key = $3::text then $2::text else e.key end, e.value)
                from json_each(l.base) e where e.key <> $2::text) end,
            written = case when l.written -> 'replaced' ? $3::text
              then jsonb_set(l.written, '{replaced}', ${moved(`(l.written -> 'replaced')`)}) else l.written end,
            ${BY_FIELD.map((name) => `${name} = ${moved(`l.${name}`)}`).join(', ')},
            revision = l.revision + 1
       from known where l.id = known.id`,
    [object, field, former, after, last],
  );
}
