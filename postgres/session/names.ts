/** Under which names a connection finds what `sfsync prepare` made: those of its deployment. */
import type pg from 'pg';
import { type DatabaseNames, DEFAULT_NAMES } from '../../core/contracts/database-names.ts';

/** Statements are written for this schema. */
const WRITTEN = DEFAULT_NAMES.schema;
/**
 * What a statement consists of, as far as it matters here: texts (with E before them, too), quoted names and comments, which stay as
 * they are, and the schema before a name in it or where it is created. In dollar quotes there are only statements.
 */
const PARTS = new RegExp(
  [
    String.raw`\b[eE]'(?:[^'\\]|\\.|'')*'`,
    `'(?:[^']|'')*'`,
    `"(?:[^"]|"")*"`,
    String.raw`--[^\n]*`,
    String.raw`/\*[\s\S]*?\*/`,
    String.raw`\b${WRITTEN}(?=\.[a-z_])`,
    String.raw`(?<=\bschema if not exists )${WRITTEN}\b`,
  ].join('|'),
  'g',
);

export function namesOf(client: pg.ClientBase & { readonly names?: DatabaseNames | undefined }): DatabaseNames {
  return client.names ?? DEFAULT_NAMES;
}

/** The statement for the schema of a deployment. What is quoted, be it a text or a name of the application, stays as it is. */
export function inSchema(statement: string, schema: string): string {
  if (schema === WRITTEN) return statement;
  return statement.replace(PARTS, (part) => (part === WRITTEN ? schema : part));
}

/** Whether the schema of the client's deployment has the table. */
export async function hasTable(client: pg.ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
    `${namesOf(client).schema}.${table}`,
  ]);
  return rows[0]?.there === true;
}
