import { trimmed } from '../canonical.ts';
import type { ColumnShape, FieldType } from './field-type.ts';

const JSON_TYPES = ['jsonb', 'json'];
const TEXTS = ['text', 'varchar', 'citext'];

/**
 * Sets of picklist values, sorted and joined by ';'. The empty set is null. A column holds them as an array, as an array of JSON,
 * or as Salesforce spells them.
 */
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

  columnTypes: ['_text', '_varchar', '_citext', ...JSON_TYPES, ...TEXTS],
  columnHolds: {
    'varchar(n)': 'longer texts refused',
    '_varchar(n)': 'longer values refused',
    _enum: 'values that are none of the enum refused',
  },
  takesEnums: true,
  // An array of a type that changes its elements is none of the types above.
  isExact: () => true,
  columnForm: 'set',
  columnText: (column, shape) => {
    const form = formOf(shape);
    if (form === 'array') return `array_to_string(${column}, ';')`;
    // Of another type it would fail, and not be taken for a set.
    if (form === 'text') return `btrim(${column})`;
    return `(select string_agg(one, ';') from jsonb_array_elements_text(nullif(${column}::jsonb, 'null')) as one)`;
  },
  spelledInColumn: (text) => text,
  toPostgres: (value, shape) => {
    const form = formOf(shape);
    if (form === 'array') return `{${valuesOf(value).map(quoted).join()}}`;
    return form === 'json' ? JSON.stringify(valuesOf(value)) : value;
  },
  toPostgresJson: (value, shape) => (formOf(shape) === 'text' ? value : valuesOf(value)),
  emptyInColumn: (shape) => {
    const form = formOf(shape);
    if (form === 'text') return { text: '', json: '' };
    return { text: form === 'array' ? '{}' : '[]', json: [] };
  },
  matching: undefined,
  narrowness: () => undefined,
} as const satisfies FieldType;

function formOf(shape: Pick<ColumnShape, 'type'> | undefined): 'array' | 'json' | 'text' {
  if (shape === undefined || shape.type.startsWith('_')) return 'array';
  return JSON_TYPES.includes(shape.type) ? 'json' : 'text';
}

function valuesOf(value: string | boolean): readonly string[] {
  return String(value).split(';');
}

/** As an element of an array's text. */
function quoted(item: string): string {
  return `"${item.replace(/[\\"]/g, '\\$&')}"`;
}
