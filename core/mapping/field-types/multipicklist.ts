import { trimmed } from '../canonical.ts';
import type { FieldType } from './field-type.ts';

/** Sets of picklist values, sorted and joined by ';'. The empty set is null. */
export const multipicklist = {
  name: 'multipicklist',

  blank: null,
  canonical: (text) => {
    const values = new Set(text.split(';').map((value) => trimmed(value)));
    values.delete('');
    return values.size === 0 ? null : [...values].sort().join(';');
  },

  describedTypes: ['multipicklist'],
  readsOtherTypes: false,
  appflowType: 'multipicklist',
  toSalesforce: (value) => value,
  toCsv: String,

  columnTypes: ['_text', '_varchar'],
  takesEnums: false,
  // An array of a type that changes its elements is none of the types above.
  isExact: () => true,
  columnForm: 'array',
  columnText: (column) => `array_to_string(${column}, ';')`,
  spelledInColumn: (text) => text,
  toPostgres: (value) => `{${valuesOf(value).map(quoted).join()}}`,
  toPostgresJson: (value) => valuesOf(value),
  matching: undefined,
  narrowness: () => undefined,
} as const satisfies FieldType;

function valuesOf(value: string | boolean): readonly string[] {
  return String(value).split(';');
}

/** As an element of an array's text. */
function quoted(item: string): string {
  return `"${item.replace(/[\\"]/g, '\\$&')}"`;
}
