/** `sfsync.mapped_column`: the columns of mapped fields, as they were when they were last in force. */
import type pg from 'pg';
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';

/** What the values of a field depend on, beside the column. */
export type Meaning = Readonly<Record<string, string | null | Readonly<Record<string, string>>>>;

/** A field's column, and where it is looked for. */
export interface WantedColumn {
  readonly object: string;
  readonly field: string;
  readonly schema: string;
  readonly name: string;
  readonly column: string;
  readonly meaning: Meaning;
  /** The API name that the field had before, as the mapping says. */
  readonly formerly?: string | undefined;
  /** The object cannot be used without it. */
  readonly needed: boolean;
  /** Of a lookup to several objects: its further columns. The field is in force with all of them. */
  readonly beside?: readonly string[] | undefined;
  /** What its type has to be, and for a lookup the parent's key. */
  readonly form?: string | undefined;
  readonly parent_schema?: string | undefined;
  readonly parent_name?: string | undefined;
  readonly key?: string | undefined;
}

export interface LookedColumn {
  readonly object: string;
  readonly field: string;
  readonly column: string;
  readonly table: string | null;
  /** Of several columns a number that is another one when one of these is. null: one is not there. */
  readonly number: number | null;
  /** The numbers of its columns, by name. */
  readonly numbers: Readonly<Record<string, number>> | null;
  /** What rows hold that were there before the column was added with a constant default (pg_attribute.attmissingval). */
  readonly initial: string | null;
  /** new: not known yet, or of a table that took the place of another. returned: it was gone, or is another column now. */
  readonly state: 'in force' | 'new' | 'gone' | 'returned';
  /** returned: it is another column than the one that was in force, so it is empty. */
  readonly empty: boolean;
  readonly needed: boolean;
  readonly meaning: Meaning;
  readonly formerly: string | null;
  /** The field was mapped before. */
  readonly known: boolean;
  /** It means something else than before, or the mapping names another column for it. */
  readonly changed: boolean;
  /** Its `values` have entries that they never had. */
  readonly widened: boolean;
  /** What is remembered of it is not what it is now, and means the same. */
  readonly stale: boolean;
  /** The mapping was without it. */
  readonly back: boolean;
  /** What both sides agreed on is being taken out of the links, or put under the field's new name there. */
  readonly forgetting: boolean;
}

/**
 * Values of other types are read and written as texts, so what does not fit is refused row by row. A column for a set that can
 * hold none, or for a lookup that cannot be compared with the parent's key, fails the statement: it counts as gone.
 */
const FITS = `case w.form
  when 'set' then (
    select y.typcategory in ('A', 'S') or coalesce(nullif(y.typbasetype, 0), y.oid) in ('json'::regtype, 'jsonb'::regtype)
      from pg_type y where y.oid = a.atttypid)
  when 'parent key' then coalesce((
    select y.typcategory = ky.typcategory from pg_type y, pg_namespace kn
      join pg_class kt on kt.relnamespace = kn.oid
      join pg_attribute k on k.attrelid = kt.oid and not k.attisdropped
      join pg_type ky on ky.oid = k.atttypid
     where y.oid = a.atttypid and kn.nspname = w.parent_schema and kt.relname = w.parent_name and k.attname = w.key), true)
  else true end`;

/**
 * The field means something else. `values` that only have entries more, or less, do not contradict those before: what a row holds
 * still means what it did, if it means anything.
 */
const CONTRADICTS = `case when k.meaning = w.meaning then false else
  k.meaning - 'values' <> w.meaning - 'values' or k.meaning ? 'values' <> w.meaning ? 'values' or exists (
    select from jsonb_each_text(k.meaning -> 'values') as before join jsonb_each_text(w.meaning -> 'values') as now
      on (before.key = now.key) <> (before.value = now.value)) end`;

/** Compares the columns that there are with those that were in force. */
export async function lookAtColumns(session: Session, wanted: readonly WantedColumn[]): Promise<LookedColumn[]> {
  const { rows } = await query<LookedColumn>(
    session,
    `select w.object, w.field, w.column, t.oid::text as table, p.attnum::int as number, p.numbers,
            case when a.atthasmissing then (a.attmissingval::text::text[])[1] end as initial,
            k.attnum is distinct from p.attnum or k.table_oid is distinct from t.oid as empty,
            w.needed, w.meaning, w.formerly, k.object is not null as known,
            coalesce(p.attnum is not null and (${CONTRADICTS} or (k.column_name <> w.column and k.attnum <> p.attnum)), false) as changed,
            coalesce(not ${CONTRADICTS} and not (k.meaning -> 'values' @> (w.meaning -> 'values')), false) as widened,
            k.object is not null and (k.meaning is null or k.column_name is distinct from w.column) as stale,
            k.left_at is not null as back, coalesce(k.joining in ('forgetting', 'renaming'), false) as forgetting,
            case when t.oid is null or (p.attnum is null and w.needed) then 'in force'
                 when p.attnum is null then 'gone'
                 when k.object is null or (k.table_oid <> t.oid and k.vanished_at is null) then 'new'
                 when k.vanished_at is null and k.attnum = p.attnum then 'in force'
                 else 'returned' end as state
       from jsonb_to_recordset($1::jsonb) as w (object text, field text, schema text, name text, "column" text, needed boolean,
            meaning jsonb, formerly text, beside text[], form text, parent_schema text, parent_name text, key text)
       left join (pg_class t join pg_namespace n on n.oid = t.relnamespace) on n.nspname = w.schema and t.relname = w.name
       left join pg_attribute a on a.attrelid = t.oid and a.attname = w.column and a.attnum > 0 and not a.attisdropped
        and ${FITS}
       cross join lateral (
         select case when count(*) filter (where c.attnum is null) > 0 then null
                     when count(*) = 1 then min(c.attnum)::int
                     else hashtext(string_agg(c.attnum::text, ',' order by c.place)) end as attnum,
                json_object_agg(c.name, c.attnum) filter (where c.attnum is not null) as numbers
           from (select 0 as place, w.column as name, a.attnum
                 union all
                 select o.place, o.name, ao.attnum from unnest(w.beside) with ordinality as o (name, place)
                   left join pg_attribute ao on ao.attrelid = t.oid and ao.attname = o.name and ao.attnum > 0 and not ao.attisdropped) c) p
       left join sfsync.mapped_column k on k.object = w.object and k.field = w.field`,
    [JSON.stringify(wanted)],
  );
  return rows;
}

const GIVEN = `jsonb_to_recordset($1::jsonb) as x (object text, field text, "table" text, number integer, "column" text, meaning jsonb)`;

/** Remembers columns that were not known, or not as they are. A field of which no link knows anything yet begins to join. */
export async function registerColumns(session: Session, columns: readonly LookedColumn[]): Promise<void> {
  if (columns.length === 0) return;
  const sql = `insert into sfsync.mapped_column as k (object, field, table_oid, attnum, column_name, meaning, joining)
     select object, field, "table"::oid, number, "column", meaning,
            case when exists (select from (select l.base from sfsync.link l where (l.object || '') = x.object and l.base is not null
                                  order by l.salesforce_id limit 1) linked) then 'lacking' end
       from ${GIVEN} order by object, field
     on conflict (object, field) do update
       set table_oid = excluded.table_oid, attnum = excluded.attnum, column_name = excluded.column_name, meaning = excluded.meaning
       where k.vanished_at is null and (k.table_oid <> excluded.table_oid or k.meaning is null or k.column_name is distinct from excluded.column_name)`;
  await byIndex(session, () => query(session, sql, [JSON.stringify(columns)]));
}

/** The fields mean something else from now on: what both sides agreed on is no base of that. */
export async function changeMeaning(session: Session, columns: readonly LookedColumn[]): Promise<void> {
  if (columns.length === 0) return;
  await query(
    session,
    `update sfsync.mapped_column k
        set table_oid = x."table"::oid, attnum = x.number, column_name = x."column", meaning = x.meaning,
            vanished_at = null, seen_by = null, refused_at = null, refusal_seen_by = null, left_at = null,
            joining = 'forgetting', join_after = null, join_records = 0
       from ${GIVEN} where k.object = x.object and k.field = x.field`,
    [JSON.stringify(columns)],
  );
}

/** The fields' `values` have more entries from now on; those that they have lost are remembered. */
export async function widenMeaning(session: Session, columns: readonly LookedColumn[]): Promise<void> {
  if (columns.length === 0) return;
  await query(
    session,
    `update sfsync.mapped_column k
        set meaning = jsonb_set(k.meaning, '{values}', (k.meaning -> 'values') || (x.meaning -> 'values'))
       from ${GIVEN} where k.object = x.object and k.field = x.field`,
    [JSON.stringify(columns)],
  );
}

/** Answers the fields that this step saw first: also when it is tried again, for its report may have been lost. */
export async function noteVanished(
  session: Session,
  gone: readonly LookedColumn[],
  step: string | undefined,
): Promise<string[]> {
  if (gone.length === 0) return [];
  const { rows } = await query<{ field: string }>(
    session,
    `with noted as (
       insert into sfsync.mapped_column as k (object, field, table_oid, vanished_at, seen_by)
       select object, field, "table"::oid, now(), $2 from jsonb_to_recordset($1::jsonb) as x (object text, field text, "table" text)
        order by object, field
       on conflict (object, field) do update
         set vanished_at = coalesce(k.vanished_at, now()), seen_by = coalesce(k.seen_by, excluded.seen_by)
         where k.vanished_at is null or (k.seen_by is null and excluded.seen_by is not null)
       returning k.field, k.seen_by)
     select field from noted where seen_by = $2
     union select k.field from sfsync.mapped_column k join jsonb_to_recordset($1::jsonb) as x (object text, field text) using (object, field)
      where k.seen_by = $2 and k.vanished_at is not null`,
    [JSON.stringify(gone), step ?? null],
  );
  return rows.map(({ field }) => field).sort();
}

/** A column that refuses a value is left out; after this long it is tried again. */
const TRY_AGAIN = '5 minutes';

/** Where a column lies: its table and its number there (pg_attribute). */
export interface ColumnPlace {
  readonly table: string | null;
  readonly number: number | null;
}

/** Of a column that has returned. due: it is to be filled. refused: it took its values not, a short while ago. */
export async function columnState(
  session: Session,
  object: string,
  field: string,
  { table, number }: ColumnPlace,
): Promise<'in force' | 'refused' | 'due'> {
  const { rows } = await query<{ state: 'in force' | 'refused' | 'due' }>(
    session,
    `select case when vanished_at is null and attnum = $3 and table_oid = $4::oid then 'in force'
                 when refused_at > now() - interval '${TRY_AGAIN}' then 'refused' else 'due' end as state
       from sfsync.mapped_column where object = $1 and field = $2`,
    [object, field, number, table],
  );
  return rows[0]?.state ?? 'due';
}

/** The column is in force from now on. */
export async function takeColumn(
  session: Session,
  object: string,
  field: string,
  { table, number }: ColumnPlace,
): Promise<void> {
  await query(
    session,
    `update sfsync.mapped_column
        set table_oid = $3::oid, attnum = $4, left_at = null, vanished_at = null, seen_by = null, refused_at = null, refusal_seen_by = null
      where object = $1 and field = $2`,
    [object, field, table, number],
  );
}

/**
 * The column does not take its values; `isNew`: it was tried just now. Answers whether this step reports it: it is the first
 * that can, or is tried again.
 */
export async function noteColumnRefusal(
  session: Session,
  object: string,
  field: string,
  { step, isNew }: { readonly step: string | undefined; readonly isNew: boolean },
): Promise<boolean> {
  const { rows } = await query<{ seen_by: string | null }>(
    session,
    `update sfsync.mapped_column
        set refused_at = case when $4 then now() else refused_at end, vanished_at = coalesce(vanished_at, now()),
            refusal_seen_by = coalesce(refusal_seen_by, $3)
      where object = $1 and field = $2 returning refusal_seen_by as seen_by`,
    [object, field, step ?? null, isNew],
  );
  return step !== undefined && rows[0]?.seen_by === step;
}

/** Columns that came back and are left out, for they do not take their values; for operators. */
export async function listRefusing(
  session: pg.ClientBase,
): Promise<readonly { readonly object: string; readonly field: string; readonly since: Date }[]> {
  const { rows } = await query<{ object: string; field: string; since: Date }>(
    session,
    `select object, field, refused_at as since from sfsync.mapped_column
      where refused_at is not null and vanished_at is not null order by 1, 2`,
  );
  return rows;
}
