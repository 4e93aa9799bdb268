import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { ConfigurationError } from '../../core/errors.ts';

/** What the application brings along: its tables, and the role that it connects as. */
export interface ApplicationSchema {
  /** SQL that makes the tables. Undefined: they have to be there. */
  readonly file: string | undefined;
  /** The mapped ones. */
  readonly tables: readonly { readonly schema: string; readonly table: string }[];
  /** Reads and writes the mapped tables, and what `file` grants to it besides; nothing of sfsync's. */
  readonly role: string;
}

/** A comment on roles that the local run has made: no other role gets its password. */
const OURS = 'made by sfsync dev';

/**
 * Makes the application's role, and its tables where one of the mapped ones is missing, as the application's own
 * migrations would. Where all are there, they are left as they are. Throws ConfigurationError when there is no file to
 * make them with, or when its SQL fails.
 */
export async function applyApplicationSchema(
  client: pg.ClientBase,
  { file, tables, role }: ApplicationSchema,
  password: string,
): Promise<void> {
  if (file !== undefined) await makeRole(client, role, password);
  const missing = await namesOf(client, tables, 'missing');
  if (missing.length === 0) return;
  if (file === undefined) {
    const names = missing.join(', ');
    throw new ConfigurationError(
      'NO_TABLES',
      `The database has no table ${names}: put the application's tables into schema.sql beside the configuration (or db/structure.sql, which Rails writes), or name a database that has them (DATABASE_URL).`,
    );
  }
  await run(client, file);
  await grantTables(client, tables, role);
}

/** A file of the team's own, such as a dump, knows nothing of a role that is called like the project. */
async function grantTables(client: pg.ClientBase, tables: ApplicationSchema['tables'], role: string): Promise<void> {
  const to = pg.escapeIdentifier(role);
  for (const schema of new Set(tables.map((each) => pg.escapeIdentifier(each.schema)))) {
    await client.query(`grant usage on schema ${schema} to ${to}`);
    await client.query(`grant usage on all sequences in schema ${schema} to ${to}`);
  }
  // One that the file does not make is a fault that `sfsync prepare` reports.
  const names = await namesOf(client, tables, 'there');
  if (names.length > 0) await client.query(`grant select, insert, update, delete on ${names.join(', ')} to ${to}`);
}

/** Quoted names of those tables that are there, or missing. */
async function namesOf(
  client: pg.ClientBase,
  tables: ApplicationSchema['tables'],
  which: 'there' | 'missing',
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', schema, name) as name from unnest($1::text[], $2::text[]) as mapped (schema, name)
      where (to_regclass(format('%I.%I', schema, name)) is null) = $3`,
    [tables.map(({ schema }) => schema), tables.map(({ table }) => table), which === 'missing'],
  );
  return rows.map(({ name }) => name);
}

async function makeRole(client: pg.ClientBase, name: string, password: string): Promise<void> {
  const role = pg.escapeIdentifier(name);
  const { rows } = await client.query<{ comment: string | null }>(
    "select shobj_description(oid, 'pg_authid') as comment from pg_roles where rolname = $1",
    [name],
  );
  const [found] = rows;
  if (found === undefined) {
    await client.query(`create role ${role} login password ${pg.escapeLiteral(password)}`);
    await client.query(`comment on role ${role} is ${pg.escapeLiteral(OURS)}`);
  } else if (found.comment === OURS) {
    await client.query(`alter role ${role} login password ${pg.escapeLiteral(password)}`);
  }
}

/** All statements or none, unless the file has transactions of its own. */
async function run(client: pg.ClientBase, file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  // psql's own commands, which pg_dump writes around a dump; the lines stay, so that they are counted as in the file.
  const sql = text.replace(/^\\(un)?restrict\b.*$/gm, '');
  try {
    await client.query(sql);
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError)) throw cause;
    const line = cause.position === undefined ? '' : `:${sql.slice(0, Number(cause.position)).split('\n').length}`;
    const again = cause.code === '42P07' ? ' Start with --fresh, or write `create table if not exists`.' : '';
    throw new ConfigurationError('SCHEMA', `${file}${line}: ${cause.message}.${again}`, { cause });
  }
}
