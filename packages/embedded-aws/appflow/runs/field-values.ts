/** A cell of a source file, ready to be sent: as a JSON token for the REST API, as text for a Bulk CSV. */
export interface FieldValue {
  readonly json: string;
  readonly text: string;
}

export type Conversion =
  | { readonly kind: 'value'; readonly value: FieldValue }
  | { readonly kind: 'absent' }
  | { readonly kind: 'fault'; readonly message: string };

const NUMBERS = new Set([
  'int',
  'integer',
  'long',
  'short',
  'byte',
  'bigint',
  'double',
  'float',
  'decimal',
  'number',
  'currency',
  'percent',
]);

/** Bulk API 2.0 clears a field with this text (Bulk API guide, valid CSV record rows). */
const BULK_NULL = '#N/A';

/**
 * Turns the text of a cell into what the destination's type asks for (DESTINATION_DATA_TYPE, lower case). Numbers keep
 * every digit. Types that JSON has no form for (dates, ids, picklists) travel as the text they are: Salesforce judges.
 */
export function convertCell(cell: unknown, type: string, blankCells: 'keep' | 'clear'): Conversion {
  const text =
    cell === null || cell === undefined ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  if (text === '') {
    return blankCells === 'keep' ? { kind: 'absent' } : { kind: 'value', value: { json: 'null', text: BULK_NULL } };
  }
  if (type === 'boolean') {
    const flag = text.trim().toLowerCase();
    if (flag !== 'true' && flag !== 'false') return { kind: 'fault', message: 'the cell is neither true nor false' };
    return { kind: 'value', value: { json: flag, text: flag } };
  }
  if (NUMBERS.has(type)) {
    const number = normalNumber(text.trim());
    if (number === undefined) return { kind: 'fault', message: `the cell is not a number (${type})` };
    return { kind: 'value', value: { json: number, text: number } };
  }
  return { kind: 'value', value: { json: JSON.stringify(text), text } };
}

/** The number as JSON spells it: no plus sign, no zeros in front, a digit before the point. */
function normalNumber(text: string): string | undefined {
  const parts = /^([+-]?)0*(\d*)(\.\d+)?\.?([eE][+-]?\d+)?$/.exec(text);
  if (!parts || !/\d/.test(text.replace(/[eE].*$/, ''))) return undefined;
  const [, sign, whole, fraction = '', exponent = ''] = parts;
  return `${sign === '-' ? '-' : ''}${whole === '' ? '0' : whole}${fraction}${exponent}`;
}
