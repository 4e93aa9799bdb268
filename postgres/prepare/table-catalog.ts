/** The mapped tables as the database describes them in its catalogs. */
import type pg from 'pg';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { TableName } from '../../core/mapping/identifiers.ts';
import { namesOf } from '../session/names.ts';
import { IS_EMPTY_TEXT } from '../tables/table-columns.ts';

export interface CatalogColumn {
  readonly name: string;
  /** Name of the type in pg_type, of a domain's base type: `int8`, `text`, `_text` for text[]. */
  readonly type: string;
  /** `e` for an enum (pg_type.typtype). */
  readonly kind: string;
  /** Of an enum, in its order. */
  readonly labels?: readonly string[] | null;
  /** Of an array, `pg_type.typtype` of its elements. */
  readonly elementKind?: string | null;
  /** The length limit of varchar(n) and char(n). */
  readonly maxLength: number | null;
  readonly notNull: boolean;
  readonly modifier?: number;
  readonly hasDefault: boolean;
  /** Its default is an empty text. */
  readonly emptyByDefault?: boolean;
  readonly generated: boolean;
  /** Generated as identity. */
  readonly identity?: boolean;
}

export interface CatalogTable {
  /** pg_class.relkind: `r` a table, `p` a partitioned one. */
  readonly kind: string;
  /** pg_class.relpersistence: `p` permanent, `u` unlogged, `t` temporary. */
  readonly persistence: string;
  readonly owner: string;
  readonly ownerIsSuperuser: boolean;
  /** The role of this session has the rights of the owner. */
  readonly isOurs: boolean;
  readonly rowSecurity: boolean;
  /** Of the owner, too. */
  readonly forcedRowSecurity: boolean;
  /** From the role of this session. */
  readonly hidesRowsFromUs: boolean;
  /** The Lambdas' role has the rights of the owner. */
  readonly ownedByApply: boolean;
  /** Tables that inherit from it; partitions are none. */
  readonly children: readonly string[];
  /** Rules for writes (CREATE RULE). */
  readonly rules: readonly string[];
  readonly columns: readonly CatalogColumn[];
  readonly primaryKey: readonly string[];
  /** Columns by which it is partitioned. */
  readonly partitionKey: readonly string[];
  /** Columns of the unique indexes that have no condition and no expression. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Unique indexes that are checked row by row: their constraint, if they have one, is not deferrable. */
  readonly strictKeys: readonly {
    readonly name: string;
    readonly columns: readonly string[];
    readonly nulls: boolean;
  }[];
  /** Columns of all indexes that have no condition and no expression. */
  readonly indexes: readonly (readonly string[])[];
  /** pg_class.relreplident: `d`efault, `f`ull, `i`ndex, `n`othing. */
  readonly replicaIdentity: string;
  /** The columns of the index under `replica identity using index`. */
  readonly identityColumns: readonly string[];
  /** Sequences that the columns' defaults and identities draw from, quoted. */
  readonly sequences: readonly string[];
}

/** The tables of the mappings by object; undefined for one that does not exist. */
export async function readTables(
  client: pg.ClientBase,
  mappings: readonly Pick<ObjectMapping, 'object' | 'schema' | 'table'>[],
): Promise<ReadonlyMap<string, CatalogTable | undefined>> {
  const { rows } = await client.query<{ object: string; found: CatalogTable | null }>(TABLES, [
    mappings.map(({ object }) => object),
    mappings.map(({ schema }) => schema),
    mappings.map(({ table }) => table),
    namesOf(client).applyRole,
  ]);
  return new Map(rows.map(({ object, found }) => [object, found ?? undefined]));
}

/** Tables whose names differ from those of mapped tables that do not exist in case and punctuation only. */
export async function tablesAlike(
  client: pg.ClientBase,
  mappings: readonly TableName[],
  found: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<readonly TableName[]> {
  if ([...found.values()].every((table) => table !== undefined)) return [];
  const bare = (name: string) => `regexp_replace(lower(${name}), '[^[:alnum:]]', '', 'g')`;
  const { rows } = await client.query<TableName>(
    `select n.nspname as schema, c.relname as "table" from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_'
        and ${bare('c.relname')} in (select ${bare('w')} from unnest($1::text[]) as w)
        -- That of the schema that was meant first.
      order by n.nspname = any ($2::text[]) desc, n.nspname = 'public' desc, 1, 2`,
    [mappings.map(({ table }) => table), mappings.map(({ schema }) => schema)],
  );
  return rows;
}

const TABLES = `
select wanted.object, case when c.oid is not null then jsonb_build_object(
  'kind', c.relkind, 'persistence', c.relpersistence, 'rowSecurity', c.relrowsecurity,
  'owner', pg_get_userbyid(c.relowner), 'ownerIsSuperuser', (select o.rolsuper from pg_roles o where o.oid = c.relowner),
  'isOurs', pg_has_role(c.relowner, 'usage'), 'forcedRowSecurity', c.relforcerowsecurity, 'hidesRowsFromUs', row_security_active(c.oid),
  'ownedByApply', coalesce((select pg_has_role(r.oid, c.relowner, 'usage') from pg_roles r where r.rolname = $4::text), false),
  'children', array(select i.inhrelid::regclass::text from pg_inherits i where i.inhparent = c.oid and c.relkind = 'r' order by 1),
  'rules', array(select r.rulename from pg_rewrite r where r.ev_class = c.oid and r.ev_type <> '1' order by 1),
  'replicaIdentity', c.relreplident,
  'columns', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'name', a.attname, 'type', base.typname, 'kind', base.typtype, 'elementKind', element.typtype,
      'labels', (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = base.oid),
      'modifier', base.modifier,
      'maxLength', case when base.typname in ('varchar', 'bpchar') and base.modifier > 4 then base.modifier - 4 end,
      'notNull', a.attnotnull or base.refuses_null, 'identity', a.attidentity <> '', 'hasDefault', a.atthasdef or a.attidentity <> '', 'generated', a.attgenerated <> '',
      'emptyByDefault', coalesce(${IS_EMPTY_TEXT}, false)
    ) order by a.attnum), '[]')
    from pg_attribute a
    cross join lateral (
      with recursive of as (
        select y.*, a.atttypmod as modifier, y.typnotnull as refuses_null from pg_type y where y.oid = a.atttypid
        union all
        select y.*, case when of.typtypmod = -1 then of.modifier else of.typtypmod end, of.refuses_null or y.typnotnull
          from of join pg_type y on y.oid = of.typbasetype where of.typtype = 'd')
      select * from of where typtype <> 'd') base
    left join pg_type element on element.oid = base.typelem
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
  'primaryKey', coalesce((select ${columnsOf('i')} from pg_index i where i.indrelid = c.oid and i.indisprimary), '[]'),
  'partitionKey', coalesce((
    select jsonb_agg(a.attname) from pg_partitioned_table p join pg_attribute a on a.attrelid = c.oid and a.attnum = any (p.partattrs)
    where p.partrelid = c.oid), '[]'),
  'uniqueKeys', (
    select coalesce(jsonb_agg(${columnsOf('i')}), '[]') from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null),
  'strictKeys', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'name', i.indexrelid::regclass::text, 'columns', ${columnsOf('i')},
      -- Nulls that count as equal (PostgreSQL 15) free no value.
      'nulls', to_jsonb(i) ->> 'indnullsnotdistinct' is distinct from 'true')), '[]')
    from pg_index i where i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indisvalid and not i.indisprimary),
  'indexes', (
    select coalesce(jsonb_agg(${columnsOf('i')}), '[]') from pg_index i
    where i.indrelid = c.oid and i.indisvalid and i.indpred is null and i.indexprs is null),
  'identityColumns', coalesce((select ${columnsOf('i')} from pg_index i where i.indrelid = c.oid and i.indisreplident), '[]'),
  'sequences', (
    select coalesce(jsonb_agg(distinct format('%I.%I', sn.nspname, s.relname)), '[]')
    from pg_depend p
    left join pg_attrdef d on p.classid = 'pg_attrdef'::regclass and d.oid = p.objid
    join pg_class s on s.relkind = 'S' and (
      (p.classid = 'pg_class'::regclass and p.objid = s.oid and p.refobjid = c.oid and p.deptype = 'i')
      or (p.refobjid = s.oid and d.adrelid = c.oid))
    join pg_namespace sn on sn.oid = s.relnamespace
    where p.refclassid = 'pg_class'::regclass)
) end as found
from unnest($1::text[], $2::text[], $3::text[]) as wanted (object, schema, name)
left join (pg_class c join pg_namespace n on n.oid = c.relnamespace)
  on n.nspname = wanted.schema and c.relname = wanted.name`;

function columnsOf(index: string): string {
  return `(select jsonb_agg(a.attname order by k.place)
    from unnest(${index}.indkey) with ordinality as k (number, place)
    join pg_attribute a on a.attrelid = ${index}.indrelid and a.attnum = k.number
    where k.place <= ${index}.indnkeyatts)`;
}
