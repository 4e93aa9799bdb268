import type { FieldType } from './field-type.ts';

const TEXTS = ['text', 'varchar', 'bpchar', 'citext'];

/**
 * Texts, and picklists by their API values. Salesforce trims ASCII white space and never stores an empty string; `\r\n` is
 * `\n`. It is also the type of a lookup whose object is not mapped: the id as it is.
 */
export const text = {
  name: 'text',

  blank: null,
  // All of them at once, so that the canonical form of a canonical value is that value.
  canonical: (value) => (value.includes('\r') ? value.replace(/\r+\n/g, '\n') : value),

  describedTypes: [
    ...['string', 'textarea', 'email', 'phone', 'url', 'picklist', 'combobox', 'encryptedstring'],
    ...['id', 'reference', 'anyType'],
  ],
  readsOtherTypes: true,
  appflowType: 'string',
  toSalesforce: (value) => value,
  toCsv: String,

  instead: { ...codes('number', ['int2', 'int4', 'int8']), ...codes('boolean', ['bool']) },
  columnTypes: [...TEXTS, 'uuid'],
  columnHolds: {
    'varchar(n)': 'longer texts refused',
    'bpchar(n)': 'longer texts refused',
    enum: 'texts that are no value of it refused',
    uuid: 'written in lower case with hyphens; other texts refused',
  },
  takesEnums: true,
  // A text that is too long is refused, unless only blanks are cut off.
  isExact: ({ type, kind }) => kind === 'e' || [...TEXTS, 'json'].includes(type),
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: (value) => value,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  // An application that has no such default may have no use for an empty text.
  emptyInColumn: ({ type, emptyByDefault = false }) =>
    TEXTS.includes(type) && emptyByDefault ? { text: '', json: '' } : undefined,
  // A text with a carriage return in it is found by `sfsync load` only.
  matching: (column) => ({ value: `btrim(${column}::text, E' \\t\\n\\x0B\\f\\r')`, type: 'text' }),
  narrowness: ({ length }, { maxLength }) => {
    if (maxLength === null || length <= maxLength) return undefined;
    return { inSalesforce: `takes ${length} characters`, inColumn: `${maxLength}`, change: 'make the column text' };
  },
  excess: ({ length }, { maxLength }) =>
    maxLength === null || length === 0 || maxLength <= length
      ? undefined
      : `takes ${maxLength} characters, and Salesforce ${length}: a longer text is refused; limit the column, or widen the field`,
} as const satisfies FieldType;

/** `other`: what else a field with such a column may be. */
function codes(other: string, columnTypes: readonly string[]): Record<string, string> {
  const change = `say what it holds for each value: picklist('column', { values: { ... } }), or, if the field in Salesforce is one, map it as ${other}`;
  return Object.fromEntries(columnTypes.map((type) => [type, change]));
}
