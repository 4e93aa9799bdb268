/** Under which names a connection finds what `sfsync prepare` made: those of its deployment. */
import type pg from 'pg';
import { type DatabaseNames, DEFAULT_NAMES } from '../../core/contracts/database-names.ts';

/** Statements are written for this schema. */
const WRITTEN = DEFAULT_NAMES.schema;
/** The schema before a name in it, in text constants such as those of to_regclass too; and where it is created. */
const MENTIONS = new RegExp(`\\b${WRITTEN}(?=\\.[a-z_])|(?<=\\bschema if not exists )${WRITTEN}\\b`, 'g');

export function namesOf(client: pg.ClientBase & { readonly names?: DatabaseNames | undefined }): DatabaseNames {
  return client.names ?? DEFAULT_NAMES;
}

/** The statement for the schema of a deployment. What is quoted, as the names of the application are, stays as it is. */
export function inSchema(statement: string, schema: string): string {
  return schema === WRITTEN ? statement : statement.replace(MENTIONS, schema);
}
