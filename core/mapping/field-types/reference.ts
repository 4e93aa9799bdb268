import { toId18 } from '../salesforce-id.ts';
import type { FieldType } from './field-type.ts';

/**
 * Lookups: the id of the parent in Salesforce, the parent's key in PostgreSQL. Compared as the parent's id of 18 characters;
 * that of a parent row without one is no value (see `Unlinked`). Written to a row as the parent's key.
 */
export const reference = {
  name: 'reference',

  blank: null,
  canonical: toId18,

  describedTypes: ['reference'],
  readsOtherTypes: false,
  appflowType: 'reference',
  toSalesforce: (value) => value,
  toCsv: String,

  columnTypes: undefined,
  columnHolds: {},
  takesEnums: false,
  isExact: () => true,
  columnForm: 'parent key',
  columnText: (column) => `${column}::text`,
  spelledInColumn: (text) => text,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  // It would be matched before its parents are.
  matching: undefined,
  narrowness: () => undefined,
} as const satisfies FieldType;
