/**
 * The key columns of a table in SQL. The key of a row is one text outside of its table (`core/mapping/row-key.ts`), and its columns'
 * values inside, by which the index is found. Nothing else knows how many columns there are.
 */
import pg from 'pg';
import { type FieldMapping, lookupColumns, type ObjectMapping } from '../../core/mapping/configuration.ts';
import { keyParts } from '../../core/mapping/row-key.ts';

const name = pg.escapeIdentifier;

type Keyed = Pick<ObjectMapping, 'keyColumns'>;
type Types = ReadonlyMap<string, string>;

/** The key of a row, as a text. `row`: the alias of the table in the statement. */
export function keyOf({ keyColumns }: Keyed, row: string): string {
  return spelledKey(keyColumns.map((column) => `${row}.${name(column)}`));
}

/** The text of the key whose columns have these values; null where one of them is. */
export function spelledKey(values: readonly string[]): string {
  const [only] = values;
  if (values.length === 1) return `${only}::text`;
  return `(${values.map((value) => `replace(replace(${value}::text, '~', '~0'), '/', '~1')`).join(` || '/' || `)})`;
}

/** The texts of the columns of a key; `key`: an expression for its text. */
export function keyPartsIn({ keyColumns }: Keyed, key: string): string[] {
  if (keyColumns.length === 1) return [key];
  return keyColumns.map((_, i) => `replace(replace(split_part(${key}, '/', ${i + 1}), '~1', '/'), '~0', '~')`);
}

/** For `order by` and `using`. */
export function keyColumnsOf({ keyColumns }: Keyed, row?: string): string {
  return keyColumns.map((column) => (row === undefined ? name(column) : `${row}.${name(column)}`)).join(', ');
}

/** Whether two rows have the same key, as an SQL expression. */
export function sameKey({ keyColumns }: Keyed, row: string, other: string): string {
  return keyColumns.map((column) => `${row}.${name(column)} = ${other}.${name(column)}`).join(' and ');
}

/**
 * Whether the row has the key, as an SQL expression; `key`: an expression for its text. It is turned into values of the columns' types,
 * for an index of these finds no texts.
 */
export function hasKey(mapping: ObjectMapping, row: string, key: string): string {
  const table = `${name(mapping.schema)}.${name(mapping.table)}`;
  const parts = keyPartsIn(mapping, key);
  return mapping.keyColumns
    .map((column, i) => {
      const record = `jsonb_build_object(${pg.escapeLiteral(column)}, ${parts[i]})`;
      return `${row}.${name(column)} = (jsonb_populate_record(null::${table}, ${record})).${name(column)}`;
    })
    .join(' and ');
}

/** The same, where the types of the columns are known. */
export function isKey(mapping: Keyed, types: Types, row: string, key: string): string {
  const values = keyValues(mapping, types, key);
  return mapping.keyColumns.map((column, i) => `${row}.${name(column)} = ${values[i]}`).join(' and ');
}

/** Whether the key of the row is one of an array of texts. `keys`: the parameter. */
export function amongKeys(mapping: Keyed, types: Types, row: string, keys: string): string {
  const [column = ''] = mapping.keyColumns;
  if (mapping.keyColumns.length === 1) return `${row}.${name(column)} = any (${keys}::${typeOf(types, column)}[])`;
  const values = keyValues(mapping, types, 'k.key').join(', ');
  return `(${keyColumnsOf(mapping, row)}) in (select ${values} from unnest(${keys}::text[]) as k (key))`;
}

/** Whether the row comes after the key, in the order of the key columns. */
export function afterKey(mapping: Keyed, types: Types, row: string, key: string): string {
  return `(${keyColumnsOf(mapping, row)}) > (${keyValues(mapping, types, `${key}::text`).join(', ')})`;
}

function keyValues(mapping: Keyed, types: Types, key: string): string[] {
  const parts = keyPartsIn(mapping, key);
  return mapping.keyColumns.map((column, i) => `${parts[i]}::${typeOf(types, column)}`);
}

function typeOf(types: Types, column: string): string {
  return types.get(column) ?? 'text';
}

/** The columns of a key with their texts, as `jsonb_populate_record` takes them. */
export function keyDocument({ keyColumns }: Keyed, key: string): Record<string, string> {
  const parts = keyParts(key, keyColumns.length) ?? [];
  return Object.fromEntries(keyColumns.map((column, i) => [column, parts[i] ?? '']));
}

/** The same of many, as the parameter of `jsonb_populate_recordset`. */
export function keyDocuments(mapping: Keyed, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => keyDocument(mapping, key)));
}

/** The key of the parent that a row names by a lookup, as a text; null: it names none. `row`: the alias of the child's table. */
export function lookupText(lookup: FieldMapping, row: string): string {
  return spelledKey(lookupColumns(lookup).map((column) => `${row}.${name(column)}`));
}

/** Whether two parents have the same values in the key columns that the lookup shares with others, as a further condition. */
export function sharedKey({ shared = [] }: FieldMapping, parent: Keyed, row: string, other: string): string {
  const columns = parent.keyColumns.slice(0, shared.length).map(name);
  return columns.map((column) => `and ${row}.${column} = ${other}.${column}`).join(' ');
}
