/**
 * Whether the rows that a read of the table shows are those that there are, and those that are published. Each of these faults once
 * made live records look deleted, or edits stay where they were.
 */
import type pg from 'pg';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { spelledName, spelledTable } from '../../core/mapping/identifiers.ts';
import { namesOf } from '../session/names.ts';
import { quoteName } from '../session/quote.ts';
import { keyColumnsOf } from '../tables/key-columns.ts';
import type { ServerFacts } from './server-facts.ts';
import type { CatalogTable } from './table-catalog.ts';

export function visibilityFaults(table: CatalogTable, server: ServerFacts): string[] {
  return [...kindFaults(table), ...rowSecurityFaults(table, server), ...childFaults(table), ...ruleFaults(table)];
}

function kindFaults({ kind, persistence }: CatalogTable): string[] {
  if (kind === 'v' || kind === 'm') {
    return [': is a view, which may hide rows and cannot be published; map the table that it reads'];
  }
  if (kind !== 'r' && kind !== 'p') return [': is no table; only tables can be published'];
  if (persistence !== 'p') return [': is unlogged or temporary, so its changes are not in the WAL; make it logged'];
  return [];
}

/** A row that the policies hide would look deleted. A policy that shows all rows does not do: it may be changed at any time. */
function rowSecurityFaults(table: CatalogTable, server: ServerFacts): string[] {
  const { rowSecurity, forcedRowSecurity, hidesRowsFromUs, ownedByApply, owner, ownerIsSuperuser } = table;
  if (!rowSecurity) return [];
  const { applyRole } = server;
  const faults: string[] = [];
  if (!server.applyBypassesRowSecurity && (forcedRowSecurity || !ownedByApply)) {
    const verb = server.applyRoleExists ? 'alter role' : 'create role';
    const login = server.applyRoleExists ? '' : ' login';
    const orOwner = forcedRowSecurity || ownerIsSuperuser ? '' : `; or grant ${owner} to ${applyRole}`;
    faults.push(
      `: has row level security, which would hide rows from ${applyRole}, and a hidden row looks deleted; ${verb} ${applyRole}${login} bypassrls (as a superuser)${orOwner}`,
    );
  }
  if (hidesRowsFromUs) {
    faults.push(
      `: has row level security, which hides rows from ${server.ownRole}, who runs this command; run it as ${forcedRowSecurity ? 'a role with bypassrls' : owner}`,
    );
  }
  return faults;
}

function childFaults({ children }: CatalogTable): string[] {
  if (children.length === 0) return [];
  return [
    `: ${children.join(', ')} inherit(s) from it, and rows there are published by nothing: they stay out of sync; take them out (alter table ... no inherit), or partition the table by its key`,
  ];
}

function ruleFaults({ rules }: CatalogTable): string[] {
  if (rules.length === 0) return [];
  return [
    `: has rule(s) ${rules.join(', ')}: what is written to it becomes something else, and its copies are not; use a trigger instead`,
  ];
}

/** A partitioned table may have rows with one id: only one of them is kept in step. */
export async function copiedIds(
  client: pg.ClientBase,
  { objects }: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  for (const { object, schema, table: name, salesforceIdColumn } of objects) {
    const table = tables.get(object);
    if (table?.kind !== 'p' || table.hidesRowsFromUs) continue;
    if (!table.columns.some((column) => column.name === salesforceIdColumn)) continue;
    const [target, id] = [`${quoteName(schema)}.${quoteName(name)}`, quoteName(salesforceIdColumn)];
    const { rows } = await client.query<{ copied: number }>(
      `select count(*)::int as copied from (select from ${target} where ${id} is not null group by ${id} having count(*) > 1) as x`,
    );
    const copied = rows[0]?.copied ?? 0;
    if (copied > 0) {
      found.push(
        `${spelledTable({ schema, table: name })}.${spelledName(salesforceIdColumn)}: ${copied} id(s) stand in more than one row; the row that was linked first is kept in step, empty the others`,
      );
    }
  }
  return found;
}

/** What is beside the partition key in the primary key of a partitioned table is not unique of itself, and has to identify a row. */
export async function copiedKeys(
  client: pg.ClientBase,
  { objects }: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  for (const mapping of objects) {
    const table = tables.get(mapping.object);
    const { keyColumns } = mapping;
    if (table?.kind !== 'p' || table.hidesRowsFromUs || table.primaryKey.length === keyColumns.length) continue;
    if (!keyColumns.every((column) => table.primaryKey.includes(column))) continue;
    const [target, key] = [`${quoteName(mapping.schema)}.${quoteName(mapping.table)}`, keyColumnsOf(mapping)];
    const { rows } = await client.query<{ copied: number }>(
      `select count(*)::int as copied from (select from ${target} group by ${key} having count(*) > 1) as x`,
    );
    const copied = rows[0]?.copied ?? 0;
    if (copied === 0) continue;
    found.push(
      `${spelledTable(mapping)}.${keyColumns.map(spelledName).join(', ')}: ${copied} key(s) stand in more than one row, and a row is identified by it alone; give the others keys of their own`,
    );
  }
  return found;
}

/** Of our own tables. */
export async function ownVisibilityFaults(client: pg.ClientBase): Promise<string[]> {
  const { schema, applyRole } = namesOf(client);
  const { rows } = await client.query<{ tables: string[] | null }>(
    `select array_agg(c.relname::text order by c.relname) as tables from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind = 'r' and c.relrowsecurity
        and (row_security_active(c.oid)
             or not exists (select from pg_roles r where r.rolname = $2
                             and (r.rolbypassrls or (not c.relforcerowsecurity and pg_has_role(r.oid, c.relowner, 'usage')))))`,
    [schema, applyRole],
  );
  const { tables } = rows[0] ?? {};
  if (!tables) return [];
  return [
    `${schema}: ${tables.join(', ')} have row level security, which would hide what is due; alter table ... disable row level security`,
  ];
}
