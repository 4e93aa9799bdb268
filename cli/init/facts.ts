/** What `sfsync init` has learned of the two sides; the proposal is made from nothing else. */

import type { DescribedObject } from '../../core/mapping/described-object.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { bare } from './names.ts';

export interface ColumnFacts {
  readonly name: string;
  /** Name of the type in pg_type: `int8`, `text`, `_text` for text[]. */
  readonly type: string;
  /** `e` for an enum (pg_type.typtype). */
  readonly kind: string;
  /** Of an enum, in its order. */
  readonly labels?: readonly string[] | null;
  /** Of an array, that of its elements. */
  readonly elementKind?: string | null;
  readonly maxLength: number | null;
  readonly notNull: boolean;
  /** Or an identity. */
  readonly hasDefault: boolean;
  /** Its default is an empty text. */
  readonly emptyByDefault?: boolean;
  readonly generated: boolean;
  /** Generated as identity. */
  readonly identity?: boolean;
}

export interface TableFacts {
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: `p` a partitioned table. Absent: a table that is to be made. */
  readonly kind?: string;
  readonly columns: readonly ColumnFacts[];
  readonly primaryKey: readonly string[];
  /** Absent: a table that is to be made. */
  readonly partitionKey?: readonly string[];
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Of all indexes. Absent: a table that is to be made. */
  readonly indexes?: readonly (readonly string[])[];
  /** Of one column each. */
  readonly foreignKeys: readonly { readonly column: string; readonly schema: string; readonly table: string }[];
  /** Sequences that may give its keys, by their names, without being a column's default. Absent: none. */
  readonly keySequences?: readonly string[];
}

/** An object as the org lists it. */
export interface ListedObject {
  readonly name: string;
  readonly label: string;
  readonly labelPlural: string;
}

/** What is to be kept in step with what. A table without columns does not exist yet. */
export interface Pair {
  readonly object: string;
  readonly described: DescribedObject;
  readonly table: TableFacts;
}

/** The columns that identify a row: the primary key, but for the columns by which the table is partitioned. None: nothing does. */
export function keyColumnsOf({ primaryKey, partitionKey = [] }: TableFacts): readonly string[] {
  const others = primaryKey.filter((column) => !partitionKey.includes(column));
  return others.length === 0 ? primaryKey : others;
}

/** What the column for the id of the record is called, unless the table has one of that name in other letters. */
export const SALESFORCE_ID = 'salesforce_id';
const IN_CAMEL_CASE = 'salesforceId';

/** The column for the id of the record: the one that the table has, or one in the way in which its columns are spelled. */
export function salesforceIdColumnOf({ columns }: TableFacts): string {
  const found = columns.find(({ name }) => bare(name) === bare(SALESFORCE_ID));
  if (found !== undefined) return found.name;
  const camels = columns.filter(({ name }) => /^[a-z]+[A-Z]/.test(name)).length;
  return camels > columns.filter(({ name }) => name.includes('_')).length ? IN_CAMEL_CASE : SALESFORCE_ID;
}

/** As sync.config.ts and SQL name it. */
export function tableText({ schema, name }: TableFacts): string {
  return spelledTable({ schema, table: name });
}

/** A table that is to be made. */
export function newTable(schema: string, name: string): TableFacts {
  return { schema, name, columns: [], primaryKey: [], uniqueKeys: [], foreignKeys: [] };
}

export function isNew({ columns }: TableFacts): boolean {
  return columns.length === 0;
}
