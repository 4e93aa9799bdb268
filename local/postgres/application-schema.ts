import { readFile } from 'node:fs/promises';
import pg from 'pg';

/** What the borrower portal connects as: its tables only, nothing of sfsync's. */
export const APPLICATION_ROLE = 'lender';

/** The tables of `lender.sql`. */
const TABLES = ['public.lenders', 'public.borrowers', 'public.loan_applications'];

/**
 * Makes the lender's role and tables, as the application's own migrations would. Where all of its tables are there
 * nothing is changed but the role's password.
 */
export async function applyApplicationSchema(client: pg.ClientBase, password: string): Promise<void> {
  const role = pg.escapeIdentifier(APPLICATION_ROLE);
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [APPLICATION_ROLE]);
  const verb = rowCount === 0 ? 'create' : 'alter';
  await client.query(`${verb} role ${role} login password ${pg.escapeLiteral(password)}`);
  const { rows } = await client.query<{ missing: boolean }>(
    'select bool_or(to_regclass(name) is null) as missing from unnest($1::text[]) as name',
    [TABLES],
  );
  if (rows[0]?.missing !== true) return;
  await client.query(await readFile(new URL('../../examples/lender/schema.sql', import.meta.url), 'utf8'));
}
