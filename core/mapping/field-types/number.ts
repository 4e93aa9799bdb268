import { Decimal } from 'decimal.js';
import type { ColumnShape, FieldType } from './field-type.ts';

/** Whole numbers and fractions without sign characters, exponent or leading zeros, which is how both sides spell nearly all. */
const PLAIN_DECIMAL = /^(-?(?:0|[1-9]\d{0,99}))(?:\.(\d{0,100}?)0*)?$/;
/** decimal.js also reads hexadecimal and octal text, which neither side writes. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** PostgreSQL's numeric has at most 131,072 digits before the point; a larger exponent would only fill the memory. */
const MAX_EXPONENT = 131_072;
const INTEGERS = ['int2', 'int4', 'int8'];
/** Digits that each number of the type keeps. */
const KEPT_DIGITS: Readonly<Record<string, number>> = { float4: 6, float8: 15 };
/** Digits that Salesforce keeps in any case. */
const STORED_DIGITS = 15;

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
  isStoredAs,

  columnTypes: ['numeric', 'int2', 'int4', 'int8', 'float4', 'float8'],
  columnHolds: {
    'numeric(p,s)': 'rounded to s decimals; more than p-s digits before the point refused',
    int2: 'fractions, and more than 32,767, refused',
    int4: 'fractions, and more than 2,147,483,647, refused',
    int8: 'fractions, and more than 19 digits, refused',
    float4: 'rounded to 6 digits',
    float8: 'rounded to 15 digits',
  },
  instead: { money: 'make the column numeric: the text of money depends on the settings of the server' },
  takesEnums: false,
  isExact,
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: (text) => text,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  matching: (column) => ({ value: `(${column}::numeric)`, type: 'numeric' }),
  narrowness: ({ scale, precision }, { type, modifier = -1 }) => {
    if (type === 'float4') {
      const inSalesforce = 'may have more than 6 digits';
      return { inSalesforce, inColumn: 'keeps 6 and rounds', change: 'make the column numeric' };
    }
    const isRounding = type === 'numeric' && modifier !== -1;
    const places = isRounding ? wholeDigits(modifier) : undefined;
    if (places !== undefined && (precision ?? 0) - scale > places) {
      const inSalesforce = `has ${(precision ?? 0) - scale} digits before the point`;
      return { inSalesforce, inColumn: `holds ${places} and refuses more`, change: 'make the column numeric' };
    }
    const held = isRounding ? scaleOf(modifier) : 0;
    if (scale <= held || !(isRounding || INTEGERS.includes(type))) return undefined;
    const inColumn = held > 0 ? `holds ${held} and rounds` : 'none';
    return { inSalesforce: `has ${scale} decimals`, inColumn, change: 'make the column numeric' };
  },
  excess: ({ scale, precision }, { type, modifier = -1 }) => {
    if (type !== 'numeric' || modifier === -1 || !precision) return undefined;
    const [ours, theirs] = [wholeDigits(modifier), precision - scale];
    if (ours <= theirs) return undefined;
    return `takes ${ours} digits before the point, and Salesforce ${theirs}: a larger number is refused; limit the column, or widen the field`;
  },
} as const satisfies FieldType;

/**
 * Numbers of Salesforce have 64 bits, and what is beyond some fifteen digits is rounded (SOAP API Developer Guide, double; Help
 * 000394530). Decimal places beyond those of the field are kept (Help 000387302).
 */
function isStoredAs(given: string, stored: string): boolean {
  if (!DECIMAL.test(given) || !DECIMAL.test(stored)) return false;
  const [ours, theirs] = [new Decimal(given), new Decimal(stored)];
  if (ours.isZero()) return theirs.isZero();
  const lastKept = new Decimal(10).pow(ours.e - STORED_DIGITS + 1);
  return ours.minus(theirs).abs().lte(lastKept.dividedBy(2));
}

/** A fraction is refused by a column of integers, and a number that is too large by every one. */
function isExact({ type, modifier }: ColumnShape, value: string | boolean): boolean {
  const text = String(value);
  if (type === 'numeric') return modifier === -1 || decimals(text) <= scaleOf(modifier);
  const digits = KEPT_DIGITS[type];
  if (digits !== undefined) return text.replace(/[-.]/g, '').replace(/^0+/, '').length <= digits;
  return INTEGERS.includes(type) || type === 'text' || type === 'varchar';
}

function decimals(text: string): number {
  const point = text.indexOf('.');
  return point === -1 ? -trailingZeros(text) : text.length - point - 1;
}

/** Of a whole number: a negative scale rounds to tens. */
function trailingZeros(text: string): number {
  return text === '0' ? Number.POSITIVE_INFINITY : (/0*$/.exec(text)?.[0].length ?? 0);
}

/** How many digits numeric(p,s) has before the point: p is in the upper bits of the modifier. */
function wholeDigits(modifier: number): number {
  return (((modifier - 4) >> 16) & 0xffff) - scaleOf(modifier);
}

/** The scale in the modifier of numeric(p,s): eleven bits, with a sign since PostgreSQL 15 (numeric.c, numeric_typmod_scale). */
function scaleOf(modifier: number): number {
  return (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
}
