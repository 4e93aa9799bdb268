/** All tables of the application, with what a mapping may be made of. */
import type pg from 'pg';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { type CatalogTable, readTables } from './table-catalog.ts';

export interface ListedTable extends CatalogTable {
  readonly schema: string;
  readonly name: string;
  /** Of one column each, and what they point to. */
  readonly foreignKeys: readonly { readonly column: string; readonly schema: string; readonly table: string }[];
  /** Sequences that no column has as its default and that may give its keys, by their names: those that Hibernate and JPA ask by themselves. */
  readonly keySequences: readonly string[];
}

/** Tables that can be published, of all schemas but the server's and those of deployments. */
export async function listTables(client: pg.ClientBase): Promise<ListedTable[]> {
  const { rows } = await client.query<Pick<ListedTable, 'schema' | 'name' | 'foreignKeys' | 'keySequences'>>(LIST);
  const wanted = rows.map(({ schema, name }) => ({
    object: spelledTable({ schema, table: name }),
    schema,
    table: name,
  }));
  const tables = await readTables(client, wanted);
  return rows.flatMap((row) => {
    const table = tables.get(spelledTable({ schema: row.schema, table: row.name }));
    return table === undefined ? [] : [{ ...table, ...row }];
  });
}

const LIST = `
select n.nspname as schema, c.relname as name, (
  select coalesce(jsonb_agg(jsonb_build_object('column', a.attname, 'schema', pn.nspname, 'table', p.relname)), '[]')
  from pg_constraint k
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
  join pg_class p on p.oid = k.confrelid
  join pg_namespace pn on pn.oid = p.relnamespace
  where k.conrelid = c.oid and k.contype = 'f' and cardinality(k.conkey) = 1) as "foreignKeys", (
  select coalesce(jsonb_agg(s.relname order by s.relname = 'hibernate_sequence', s.relname), '[]') from pg_class s
  where s.relnamespace = c.relnamespace and s.relkind = 'S'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i'))
    and not exists (select from pg_depend d where d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid and d.classid = 'pg_attrdef'::regclass)
    and (lower(s.relname) in ('hibernate_sequence', lower(c.relname) || '_seq', lower(c.relname) || '_sequence') or exists (
      select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
      where i.indrelid = c.oid and i.indisprimary and lower(s.relname) = lower(c.relname || '_' || a.attname || '_seq')))) as "keySequences"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence = 'p' and not c.relispartition
  and n.nspname <> 'information_schema' and n.nspname !~ '^sfsync(_|$)' and n.nspname !~ '^pg_'
order by 1, 2`;
