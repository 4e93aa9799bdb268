/**
 * Names of schemas, tables and columns. They are written as the catalogs of PostgreSQL have them, so `Loan` is what SQL calls
 * `"Loan"`: nothing is folded. Where a table is named in one text with its schema, each part may stand in double quotes, as in SQL.
 */

/** The longest name of PostgreSQL, in bytes (NAMEDATALEN - 1). */
const LONGEST = 63;

/** What is wrong with a name; undefined: nothing. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.includes('\0')) return 'has a zero byte, which no name of PostgreSQL has';
  const bytes = new TextEncoder().encode(name).length;
  return bytes > LONGEST ? `has ${bytes} bytes, and a name of PostgreSQL has at most ${LONGEST}` : undefined;
}

/** A table by its schema and name. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

const PART = `"(?:[^"]|"")+"|[^".]+`;
const TABLE = new RegExp(String.raw`^(?:(${PART})\.)?(${PART})$`);

/**
 * Reads `loans`, `crm.loans` or `"App"."Loan"`, of which the first is in schema public; undefined: it is none of these. Where the
 * `schema` is given, the text is the name of the table as it stands.
 */
export function readTableName(text: string, schema?: string): TableName | undefined {
  if (schema !== undefined) return { schema, table: text };
  const [, first = 'public', table] = TABLE.exec(text) ?? [];
  return table === undefined ? undefined : { schema: unquoted(first), table: unquoted(table) };
}

/** What is wrong with the text of a table's name; undefined: nothing. */
export function tableNameFault(text: string, schema?: string): string | undefined {
  const name = readTableName(text, schema);
  if (name === undefined) {
    return `is no name of a table, such as lenders, crm.lenders or "App"."Loan"; where the name has dots or quotes in it, name its schema by itself: { schema: 'public', table: 'a.b' }`;
  }
  return nameFault(name.schema) ?? nameFault(name.table);
}

function unquoted(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}

/** What is said of a column that is not there, where one is called alike but for case and punctuation. */
export function columnHint(column: string, names: readonly string[]): string {
  const alike = names.find((name) => bare(name) === bare(column));
  return alike === undefined ? '' : `; there is ${spelledName(alike)}: names are written as PostgreSQL has them`;
}

/** The same of a table. */
export function tableHint({ table }: TableName, others: readonly TableName[]): string {
  const alike = others.find((other) => bare(other.table) === bare(table));
  return alike === undefined ? '' : `; there is ${spelledTable(alike)}: write table: '${spelledTable(alike)}'`;
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** The name as SQL spells it: in quotes where it would be read as something else without them. */
export function spelledName(name: string): string {
  return isPlainName(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** The table with its schema, as SQL spells it: no two tables have the same. */
export function spelledTable({ schema, table }: TableName): string {
  return `${spelledName(schema)}.${spelledName(table)}`;
}

/** Whether SQL takes the name without quotes. */
export function isPlainName(name: string): boolean {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !RESERVED.has(name);
}

/** Key words that are no names (PostgreSQL manual, appendix C, "reserved" and "reserved (can be function or type)"). */
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently
   constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default
   deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in initially inner
   intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or
   order outer overlaps placing primary references returning right select session_user similar some symmetric system_user table
   tablesample then to trailing true union unique user using variadic verbose when where window with`.split(/\s+/),
);
