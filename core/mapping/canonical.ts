/**
 * Canonical values: the one form in which values of both sides are compared and the base is kept. Two values that are
 * equal here are never written over each other, so everything that Salesforce normalises by itself must vanish here.
 *
 *   text           ASCII white space trimmed, CR LF = LF, '' = null (Salesforce never stores an empty string)
 *   number         decimal text without exponent and trailing zeros: 100.0 = 1E2 = '100'
 *   boolean        null = false (a checkbox is never null)
 *   date           'YYYY-MM-DD'
 *   datetime       'YYYY-MM-DDThh:mm:ssZ', cut to the second (Salesforce keeps no more)
 *   time           'hh:mm:ss.sss', without a zone
 *   multipicklist  the set of values, sorted and joined by ';', empty = null
 *   reference      18-character id of the parent, or `unlinked:<row key>` (see UNLINKED)
 */
import { Decimal } from 'decimal.js';
import { RejectedRecordError } from '../errors.ts';
import { toId18 } from './salesforce-id.ts';

export type FieldType = 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'time' | 'multipicklist' | 'reference';

export type CanonicalValue = string | boolean | null;

/** Canonical values by Salesforce field name. An absent field means "no information", never null. */
export type FieldValues = Readonly<Record<string, CanonicalValue>>;

/**
 * A lookup column may name a parent row that Salesforce does not have. Its canonical value is this prefix and the
 * parent's row key: it differs from every id, so the merge sees the edit, and it is never pushed.
 */
export const UNLINKED = 'unlinked:';

/**
 * A column may hold what Salesforce cannot: NaN, infinity, a year beyond 9999. Its canonical value is this prefix and the
 * field: it differs from everything that Salesforce holds, is never pushed, and its record is listed as rejected.
 */
export const UNREADABLE = 'unreadable:';

/** Whether a row's value has no counterpart in Salesforce, so that it is compared but never sent. */
export function isUnsendable(value: CanonicalValue | undefined): boolean {
  return typeof value === 'string' && (value.startsWith(UNLINKED) || value.startsWith(UNREADABLE));
}

/** Whole numbers and fractions without sign characters, exponent or leading zeros, which is how both sides spell nearly all. */
const PLAIN_DECIMAL = /^(-?(?:0|[1-9]\d{0,99}))(?:\.(\d{0,100}?)0*)?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
/** In UTC and a time of the day: nothing has to be computed. */
const PLAIN_DATETIME = /^(\d{4}-\d{2}-\d{2})[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d+)?(?:Z|[+-]00(?::?00)?)$/;
const DATETIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?\s*(Z|[+-]\d{2}(?::?\d{2})?)$/;
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?$/;

/** PostgreSQL's numeric has at most 131,072 digits before the point; a larger exponent would only fill the memory. */
const MAX_EXPONENT = 131_072;

/**
 * From what Salesforce or AppFlow spelled (JSON value or CSV cell); REST and Bulk spellings give the same value.
 * Throws RejectedRecordError when the value does not fit the type; the message never holds the value.
 */
export function fromSalesforce(type: FieldType, value: unknown, field: string): CanonicalValue {
  if (value === null || value === undefined || value === '') return type === 'boolean' ? false : null;
  if (typeof value === 'object') throw unfit(type, field);
  return canonical(type, typeof value === 'string' ? value : String(value), field);
}

/**
 * From the text output of a column, in a session with `DateStyle ISO`, `TimeZone UTC`; arrays joined by ';'. A `timestamp
 * without time zone` holds UTC, as web frameworks store it. Throws RejectedRecordError as `fromSalesforce` does.
 */
export function fromPostgres(type: FieldType, text: string | null, field: string): CanonicalValue {
  if (text === null) return type === 'boolean' ? false : null;
  const isLocal = (type === 'datetime' || type === 'date') && WITHOUT_ZONE.test(text);
  return canonical(type, isLocal ? `${text}Z` : text, field);
}

function canonical(type: FieldType, raw: string, field: string): CanonicalValue {
  const text = trimmed(raw);
  switch (type) {
    case 'text':
      // All of them at once, so that the canonical form of a canonical value is that value.
      return text === '' ? null : text.includes('\r') ? text.replace(/\r+\n/g, '\n') : text;
    case 'number':
      return text === '' ? null : decimal(text, field);
    case 'boolean':
      return boolean(text, field);
    case 'date':
      return text === '' ? null : date(text, field);
    case 'datetime':
      return text === '' ? null : datetime(text, field);
    case 'time':
      return text === '' ? null : time(text, field);
    case 'multipicklist': {
      const values = new Set(text.split(';').map((value) => trimmed(value)));
      values.delete('');
      return values.size === 0 ? null : [...values].sort().join(';');
    }
    case 'reference':
      return text === '' ? null : reference(text, field);
    default:
      return type satisfies never;
  }
}

/** Without ASCII white space at its ends. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Tab, line feed, vertical tab, form feed, carriage return; space. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function decimal(text: string, field: string): string {
  const plain = PLAIN_DECIMAL.exec(text);
  if (plain !== null) {
    const [, whole = '', fraction] = plain;
    if (fraction) return `${whole}.${fraction}`;
    return whole === '-0' ? '0' : whole;
  }
  // decimal.js also reads hexadecimal and octal text, which neither side writes.
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw unfit('number', field);
  const value = new Decimal(text);
  if (!value.isFinite() || Math.abs(value.e) > MAX_EXPONENT) throw unfit('number', field);
  return value.isZero() ? '0' : value.toFixed();
}

function boolean(text: string, field: string): boolean {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 't') return true;
  if (lower === 'false' || lower === 'f' || lower === '') return false;
  throw unfit('boolean', field);
}

function date(text: string, field: string): string {
  const day = DATETIME.test(text) ? text.slice(0, 10) : text;
  if (!isDay(day)) throw unfit('date', field);
  return day;
}

/** A day of the calendar: `Date.parse` takes 30 February for 2 March. */
function isDay(text: string): boolean {
  const parts = DATE.exec(text);
  if (parts === null) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0));
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function datetime(text: string, field: string): string {
  const plain = PLAIN_DATETIME.exec(text);
  if (plain !== null && isDay(plain[1] ?? '')) return `${plain[1]}T${plain[2]}Z`;
  const instant = parseInstant(text);
  const canonicalText = instant === undefined ? '' : formatInstant(instant);
  // The offset may lead out of the years that have four digits.
  if (!DATETIME.test(canonicalText)) throw unfit('datetime', field);
  return canonicalText;
}

/** Salesforce writes `10:11:12.345Z`, whose Z means nothing. Finer parts of a second than it keeps are cut. */
function time(text: string, field: string): string {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?Z?$/.exec(text);
  if (parts === null) throw unfit('time', field);
  const [, hours, minutes, seconds = '00', fraction = ''] = parts;
  return `${hours}:${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`;
}

function reference(text: string, field: string): string {
  if (text.startsWith(UNLINKED)) return text;
  const id = toId18(text);
  if (id === undefined) throw unfit('reference', field);
  return id;
}

function unfit(type: FieldType, field: string): RejectedRecordError {
  return new RejectedRecordError('UNREADABLE_VALUE', `The value of ${field} is no ${type}.`, field);
}

/** Milliseconds since 1970 of a Salesforce or Postgres timestamp with offset, cut to the second; undefined if it is none. */
export function parseInstant(text: string): number | undefined {
  const parts = DATETIME.exec(text);
  if (parts === null) return undefined;
  const [, day = '', time, , zone = 'Z'] = parts;
  if (!isDay(day)) return undefined;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.replace(':', '').slice(3) || '00'}`;
  const instant = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(instant) ? undefined : instant;
}

/** `YYYY-MM-DDThh:mm:ssZ`; fractions of a second are cut. */
export function formatInstant(instant: number): string {
  return `${new Date(Math.floor(instant / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** As the REST API takes it. A number that JavaScript cannot hold exactly stays text, which Salesforce converts. */
export function toSalesforce(type: FieldType, value: CanonicalValue): string | number | boolean | null {
  if (value === null || typeof value === 'boolean') return value;
  if (type === 'time') return `${value}Z`;
  if (type !== 'number') return value;
  const number = Number(value);
  return new Decimal(number).toFixed() === value ? number : value;
}

/**
 * As a CSV cell, in the spelling of the REST API. null is the empty cell: a caller for whom "empty" and "null" differ
 * must not send null this way.
 */
export function toCsv(type: FieldType, value: CanonicalValue): string {
  if (value === null) return '';
  return type === 'time' ? `${value}Z` : String(value);
}

/** As a JSON value for `jsonb_populate_recordset`, which hands it to the column type's own input function. */
export function toPostgres(type: FieldType, value: CanonicalValue): string | boolean | readonly string[] | null {
  if (type === 'multipicklist') return typeof value === 'string' ? value.split(';') : null;
  return value;
}
