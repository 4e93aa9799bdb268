import { Decimal } from 'decimal.js';
import type { FieldType } from './field-type.ts';

/** Whole numbers and fractions without sign characters, exponent or leading zeros, which is how both sides spell nearly all. */
const PLAIN_DECIMAL = /^(-?(?:0|[1-9]\d{0,99}))(?:\.(\d{0,100}?)0*)?$/;
/** decimal.js also reads hexadecimal and octal text, which neither side writes. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** PostgreSQL's numeric has at most 131,072 digits before the point; a larger exponent would only fill the memory. */
const MAX_EXPONENT = 131_072;
const INTEGERS = ['int2', 'int4', 'int8'];

/** Numbers by value, as decimal text without exponent and trailing zeros: 100.0 = 1E2 = '100'. */
export const number = {
  name: 'number',

  blank: null,
  canonical: (text) => {
    const plain = PLAIN_DECIMAL.exec(text);
    if (plain !== null) {
      const [, whole = '', fraction] = plain;
      if (fraction) return `${whole}.${fraction}`;
      return whole === '-0' ? '0' : whole;
    }
    if (!DECIMAL.test(text)) return undefined;
    const value = new Decimal(text);
    if (!value.isFinite() || Math.abs(value.e) > MAX_EXPONENT) return undefined;
    return value.isZero() ? '0' : value.toFixed();
  },

  describedTypes: ['int', 'long', 'double', 'currency', 'percent'],
  readsOtherTypes: false,
  appflowType: 'double',
  /** A number that JavaScript cannot hold exactly stays text, which Salesforce converts. */
  toSalesforce: (value) => {
    const number = Number(value);
    return new Decimal(number).toFixed() === value ? number : value;
  },
  toCsv: String,

  columnTypes: ['numeric', 'int2', 'int4', 'int8', 'float4', 'float8'],
  takesEnums: false,
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: (text) => text,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  matching: (column) => ({ value: `(${column}::numeric)`, type: 'numeric' }),
  narrowness: ({ scale }, { type }) => {
    if (scale === 0 || !INTEGERS.includes(type)) return undefined;
    return { inSalesforce: `has ${scale} decimals`, inColumn: 'none', change: 'make the column numeric' };
  },
} as const satisfies FieldType;
