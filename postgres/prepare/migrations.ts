/** The files of `sql/`, applied once each and in the order of their names. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { hasTable } from '../session/names.ts';
import type { Preparation } from './preparation.ts';

const DIRECTORY = new URL('../../sql/', import.meta.url);

/** Applies what is missing, each file in a transaction of its own together with its entry in `sfsync.migration`. */
export async function applyMigrations(preparation: Preparation): Promise<void> {
  const { client } = preparation;
  const applied = await appliedMigrations(client);
  for (const name of await migrationNames()) {
    if (applied.has(name)) {
      preparation.note(`migration ${name}`, 'unchanged');
      continue;
    }
    const sql = await readFile(new URL(name, DIRECTORY), 'utf8');
    const entry = `insert into sfsync.migration (name) values (${pg.escapeLiteral(name)})`;
    // Statements that are sent in one simple query are one transaction.
    const statements = `${sql.trimEnd()}\n${entry}`;
    await preparation.execute(statements, { shown: `begin;\n${statements};\ncommit` });
    preparation.note(`migration ${name}`, 'created');
  }
}

/** Those of this version that the database lacks. */
export async function pendingMigrations(client: pg.ClientBase): Promise<string[]> {
  const applied = await appliedMigrations(client);
  return (await migrationNames()).filter((name) => !applied.has(name));
}

async function migrationNames(): Promise<string[]> {
  return (await readdir(fileURLToPath(DIRECTORY))).filter((name) => name.endsWith('.sql')).sort();
}

async function appliedMigrations(client: pg.ClientBase): Promise<ReadonlySet<string>> {
  if (!(await hasTable(client, 'migration'))) return new Set();
  const { rows } = await client.query<{ name: string }>('select name from sfsync.migration');
  return new Set(rows.map(({ name }) => name));
}
