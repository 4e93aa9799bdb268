/** Types of key columns, and of columns that name a row by its key; names are those of pg_type. */

/** Types that PostgreSQL compares with each other by the index of the key. What does not fit a smaller one is refused with its row. */
const COMPARED: readonly (readonly string[])[] = [
  ['int2', 'int4', 'int8'],
  ['text', 'varchar'],
];

/** Whether a column of the type may name a row by a key of that type. */
export function canHoldKey(type: string, key: string): boolean {
  // A citext that names a text is compared as one, with its case; a text that names a citext finds no index.
  if (type === 'citext') return ['citext', 'text', 'varchar'].includes(key);
  return type === key || COMPARED.some((types) => types.includes(type) && types.includes(key));
}
