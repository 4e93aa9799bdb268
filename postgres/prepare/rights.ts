/** What the Lambdas' role needs beside its tables, as far as the catalogs say it; what only a trigger knows, write-trial.ts finds. */
import type pg from 'pg';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { namesOf } from '../session/names.ts';

/**
 * Grants that the role lacks: to use the schemas of column types, of sequences and of functions in defaults, generated columns,
 * checks and indexes; these types and functions themselves, where not everyone may use them.
 */
export async function lackingGrants(client: pg.ClientBase, configuration: SyncConfiguration): Promise<string[]> {
  const { rows } = await client.query<{ statement: string }>(LACKING, [
    namesOf(client).applyRole,
    configuration.objects.map(({ schema }) => schema),
    configuration.objects.map(({ table }) => table),
  ]);
  return rows.map(({ statement }) => statement);
}

/** Rights to the tables themselves that the role lacks: nothing but `sfsync prepare` gives them. */
export async function lackingOnTables(client: pg.ClientBase, configuration: SyncConfiguration): Promise<string[]> {
  const { schema, applyRole } = namesOf(client);
  const { rows } = await client.query<{ name: string; lacks: string }>(
    `select c.oid::regclass::text as name, string_agg(p.privilege, ', ' order by p.place) as lacks
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join unnest(array['select', 'insert', 'update', 'delete']) with ordinality as p (privilege, place) on true
       join pg_roles r on r.rolname = $1
      where c.relkind in ('r', 'p')
        and (n.nspname = $2 or (n.nspname, c.relname) in (select * from unnest($3::text[], $4::text[])))
        and not has_table_privilege(r.oid, c.oid, p.privilege)
      group by 1 order by 1`,
    [
      applyRole,
      schema,
      configuration.objects.map((mapping) => mapping.schema),
      configuration.objects.map(({ table }) => table),
    ],
  );
  return rows.map(({ name, lacks }) => `${name}: ${applyRole} may not ${lacks}`);
}

/** A role that does not exist yet has what everyone has. */
const LACKING = `
with role as (select coalesce((select rolname::text from pg_roles where rolname = $1), 'public') as name),
tables as (
  select c.oid from unnest($2::text[], $3::text[]) as w (schema, name)
    join pg_namespace n on n.nspname = w.schema join pg_class c on c.relnamespace = n.oid and c.relname = w.name),
direct as (
  select t.oid, t.typelem, t.typbasetype from pg_attribute a join tables on tables.oid = a.attrelid join pg_type t on t.oid = a.atttypid
   where a.attnum > 0 and not a.attisdropped),
types as (
  select distinct t.oid, t.typnamespace, t.typname, n.nspname from direct d
    join pg_type t on t.oid in (d.oid, d.typelem, d.typbasetype) join pg_namespace n on n.oid = t.typnamespace
   where n.nspname <> 'pg_catalog'),
functions as (
  select distinct p.oid, p.pronamespace from pg_depend d join pg_proc p on p.oid = d.refobjid
   where d.refclassid = 'pg_proc'::regclass and (
     (d.classid = 'pg_attrdef'::regclass and d.objid in (select f.oid from pg_attrdef f join tables on tables.oid = f.adrelid))
     or (d.classid = 'pg_constraint'::regclass and d.objid in (select k.oid from pg_constraint k join tables on tables.oid = k.conrelid))
     or (d.classid = 'pg_class'::regclass and d.objid in (select i.indexrelid from pg_index i join tables on tables.oid = i.indrelid)))),
sequences as (
  select distinct s.oid, s.relnamespace from pg_depend d join pg_class s on s.relkind = 'S'
   where (d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refobjid in (select oid from tables))
      or (d.refobjid = s.oid and d.classid = 'pg_attrdef'::regclass
          and d.objid in (select f.oid from pg_attrdef f join tables on tables.oid = f.adrelid)))
select format('grant usage on schema %I to %I', n.nspname, $1::text) as statement, 1 as place
  from pg_namespace n, role
 where n.oid in (select typnamespace from types union select pronamespace from functions union select relnamespace from sequences)
   and not has_schema_privilege(role.name, n.oid, 'usage')
union
select format('grant usage on type %I.%I to %I', t.nspname, t.typname, $1::text), 2
  from types t, role where not has_type_privilege(role.name, t.oid, 'usage') and t.typname !~ '^_'
union
select format('grant execute on function %s to %I', f.oid::regprocedure, $1::text), 3
  from functions f, role where not has_function_privilege(role.name, f.oid, 'execute')
order by place, statement`;
