import type { FieldType } from './field-type.ts';

/** Checkboxes. One is never null in Salesforce, so null is false. */
export const boolean = {
  name: 'boolean',

  blank: false,
  canonical: (text) => {
    const lower = text.toLowerCase();
    if (lower === 'true' || lower === 't') return true;
    return lower === 'false' || lower === 'f' ? false : undefined;
  },

  describedTypes: ['boolean'],
  readsOtherTypes: false,
  appflowType: 'boolean',
  toSalesforce: (value) => value,
  toCsv: String,

  instead: Object.fromEntries(
    ['text', 'varchar', 'bpchar', 'int2', 'int4'].map((type) => [
      type,
      "say what it holds for each: boolean('column', { values: { true: ..., false: ... } })",
    ]),
  ),
  columnTypes: ['bool'],
  columnHolds: {},
  takesEnums: false,
  isExact: ({ type }) => ['bool', 'text', 'varchar'].includes(type),
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: (text) => text,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  matching: undefined,
  narrowness: () => undefined,
} as const satisfies FieldType;
