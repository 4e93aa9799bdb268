/** Looks at the mapped tables in the catalogs, by any role, and without a lock on them. */
import { z } from 'zod';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { storedFields } from '../../core/mapping/lookups.ts';
import type { TableFault } from '../../core/stream/table-faults.ts';
import { type TablePortrait, tablePortrait } from '../../core/stream/table-portrait.ts';
import { query, type Session } from '../session/connection.ts';
import { namesOf } from '../session/names.ts';

export interface LookedTable {
  readonly object: string;
  readonly portrait: TablePortrait;
  /** Why its edits do not come through the slot. */
  readonly faults: readonly TableFault[];
}

const lookedRow = z.object({
  object: z.string(),
  portrait: tablePortrait,
  faults: z.array(z.string()).transform((faults) => faults as TableFault[]),
});

/** All mapped tables, as they are now. */
export async function lookAtTables(session: Session, { objects, settings }: SyncConfiguration): Promise<LookedTable[]> {
  const wanted = objects.map((mapping) => ({
    object: mapping.object,
    schema: mapping.schema,
    name: mapping.table,
    columns: watchedColumns(mapping),
  }));
  // wal2json goes by names, and by no publication.
  const publication = settings.plugin === 'pgoutput' ? namesOf(session).publication : null;
  const { rows } = await query(session, LOOK, [JSON.stringify(wanted), publication, namesOf(session).applyRole]);
  return rows.map((row) => lookedRow.parse(row));
}

function watchedColumns(mapping: ObjectMapping): string[] {
  const { keyColumns, salesforceIdColumn, updatedAtColumn, deletedAtColumn, lockVersionColumn, fields } = mapping;
  const marks = [updatedAtColumn, deletedAtColumn, lockVersionColumn];
  const own = [...keyColumns, salesforceIdColumn, ...marks].flatMap((column) => column ?? []);
  const shared = fields.flatMap((field) => field.shared ?? []);
  return [...new Set([...own, ...storedFields(mapping).map(({ column }) => column), ...shared])];
}

/** The expression of a generated column counts as it is stored: to print it, the server would lock the table. */
const COLUMN = `case when a.attnum is not null then
  concat_ws('/', a.attnum, a.atttypid, a.atttypmod, a.attcollation, a.attgenerated, case when a.attgenerated <> '' then (
    select md5(d.adbin::text) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum) end) end`;

const LOOK = `
with recursive wanted as (
  select w.object, w.columns, w.place, t.*
    from jsonb_array_elements($1::jsonb) with ordinality as e (value, place)
    cross join lateral (select e.value ->> 'object' as object, e.place,
                               array(select jsonb_array_elements_text(e.value -> 'columns')) as columns) w
    left join lateral (
      select c.oid, c.relfilenode, c.relkind, c.relpersistence, c.relreplident, c.relnamespace
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = e.value ->> 'schema' and c.relname = e.value ->> 'name') t on true),
parts (root, part, attached) as (
  select w.oid, i.inhrelid, i.xmin::text from wanted w join pg_inherits i on i.inhparent = w.oid where w.relkind = 'p'
  union all
  select p.root, i.inhrelid, i.xmin::text from parts p join pg_inherits i on i.inhparent = p.part),
publication as (
  select p.oid, p.xmin::text as changed, puballtables, pubviaroot, pubinsert and pubupdate and pubdelete and pubtruncate as complete
    from pg_publication p where p.pubname = $2),
looked as (
  select w.*,
         array(select concat(p.oid, '/', p.changed) from publication p
               union all select concat(r.oid, '/', r.xmin) from pg_publication_rel r join publication p on p.oid = r.prpubid where r.prrelid = w.oid
               union all select concat(n.oid, '/', n.xmin) from pg_publication_namespace n join publication p on p.oid = n.pnpubid where n.pnnspid = w.relnamespace
               order by 1) as published,
         exists (select from publication p where p.puballtables
                    or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = w.oid)
                    or exists (select from pg_publication_namespace n where n.pnpubid = p.oid and n.pnnspid = w.relnamespace)) as member
    from wanted w)
select l.object,
       jsonb_build_object(
         'table', l.oid::text, 'file', l.relfilenode::text, 'identity', l.relreplident::text,
         'parts', coalesce((select jsonb_object_agg(p.part::text, concat(c.relfilenode, '/', p.attached))
                              from parts p join pg_class c on c.oid = p.part where p.root = l.oid), '{}'),
         'published', to_jsonb(l.published),
         'columns', (select jsonb_object_agg(x.name, ${COLUMN}) from unnest(l.columns) as x (name)
                       left join pg_attribute a on a.attrelid = l.oid and a.attname = x.name and a.attnum > 0 and not a.attisdropped),
         'altered', (select jsonb_object_agg(x.name, a.xmin::text) from unnest(l.columns) as x (name)
                       left join pg_attribute a on a.attrelid = l.oid and a.attname = x.name and a.attnum > 0 and not a.attisdropped),
         'labels', coalesce((select jsonb_object_agg(e.oid::text, e.enumlabel) from pg_attribute a
                               join pg_type y on y.oid = a.atttypid
                               join pg_enum e on e.enumtypid in (y.oid, y.typelem, y.typbasetype)
                              where a.attrelid = l.oid and a.attname = any (l.columns) and not a.attisdropped), '{}')) as portrait,
       array_remove(case when l.oid is null then array['no table'] else array[
         case when l.relkind not in ('r', 'p') then 'not a table' end,
         case when exists (select from pg_roles where rolname = $3::text) and not (
           has_table_privilege($3::text, l.oid, 'select') and has_table_privilege($3::text, l.oid, 'update')) then 'no rights' end,
         case when l.relpersistence <> 'p' then 'not logged' end,
         case when $2::text is null then null
              when not exists (select from publication) then 'no publication'
              when not l.member then 'not published'
              when exists (select from publication where not complete) then 'operations left out' end,
         case when exists (select from pg_publication_rel r join publication p on p.oid = r.prpubid
                            where r.prrelid = l.oid and r.prqual is not null) then 'rows left out' end,
         case when l.relkind = 'p' and exists (select from publication where not pubviaroot) then 'not by its root' end] end, null) as faults
  from looked l order by l.place`;
