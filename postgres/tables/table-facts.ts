/**
 * What a mapped table is: what decides which rows a read sees. The rows of the children of a table (`inherits`) are seen by every
 * read of it, and published by no publication of it; so plain tables are read with `only`, and a row that has moved into a child
 * is not taken for deleted.
 */
import { ConfigurationError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';

export interface TableFacts {
  readonly oid: string;
  /** pg_class.relkind: a table, or a partitioned one, whose partitions are read with it. */
  readonly kind: 'r' | 'p';
  /** Other tables inherit from it. */
  readonly hasChildren: boolean;
}

interface Row {
  readonly object: string;
  readonly table: string;
  readonly oid: string;
  readonly kind: string;
  readonly children: boolean;
}

/**
 * The tables by object; a statement says it when one is not there. Throws ConfigurationError when one is something else: a view
 * may hide rows, which would look deleted.
 */
export async function lookAtTables(
  session: Session,
  mappings: readonly ObjectMapping[],
): Promise<ReadonlyMap<string, TableFacts>> {
  const { rows } = await query<Row>(
    session,
    `select w.object, w.schema || '.' || w.name as table, t.oid::text as oid, t.relkind as kind,
            t.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = t.oid) as children
       from jsonb_to_recordset($1::jsonb) as w (object text, schema text, name text)
       join pg_namespace n on n.nspname = w.schema join pg_class t on t.relnamespace = n.oid and t.relname = w.name`,
    [JSON.stringify(mappings.map(({ object, schema, table }) => ({ object, schema, name: table })))],
  );
  const other = rows.find(({ kind }) => kind !== 'r' && kind !== 'p');
  if (other !== undefined) {
    throw new ConfigurationError(
      'NOT_A_TABLE',
      `${other.table} is ${KINDS[other.kind] ?? 'no table'} now. It may hide rows, which would look deleted, and its changes are not published: map the table itself.`,
    );
  }
  return new Map(
    rows.map(({ object, oid, kind, children }) => [
      object,
      { oid, kind: kind === 'p' ? 'p' : 'r', hasChildren: children },
    ]),
  );
}

const KINDS: Readonly<Record<string, string>> = { v: 'a view', m: 'a materialized view', f: 'a foreign table' };
