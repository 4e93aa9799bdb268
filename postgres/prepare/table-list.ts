/** All tables of the application, with what a mapping may be made of. */
import type pg from 'pg';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { type CatalogTable, readTables } from './table-catalog.ts';

export interface ListedTable extends CatalogTable {
  readonly schema: string;
  readonly name: string;
  /** Of one column each, and what they point to. */
  readonly foreignKeys: readonly { readonly column: string; readonly schema: string; readonly table: string }[];
}

/** Tables that can be published, of all schemas but the server's and those of deployments. */
export async function listTables(client: pg.ClientBase): Promise<ListedTable[]> {
  const { rows } = await client.query<Pick<ListedTable, 'schema' | 'name' | 'foreignKeys'>>(LIST);
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
  where k.conrelid = c.oid and k.contype = 'f' and cardinality(k.conkey) = 1) as "foreignKeys"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence = 'p' and not c.relispartition
  and n.nspname <> 'information_schema' and n.nspname !~ '^sfsync(_|$)' and n.nspname !~ '^pg_'
order by 1, 2`;
