import { SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition, FieldValue } from '../schema/object-definition.ts';
import { isDate, parseDatetime, toDatetime } from './instant.ts';
import { parseId } from './record-id.ts';
import { cleanedHtml } from './rich-text.ts';

/**
 * What a client sends becomes what the org holds: ASCII white space trimmed, empty is null, datetimes cut to the second,
 * a null checkbox is false, ids have 18 characters. Numbers keep all their digits and newlines stay as sent: only the
 * browser pages of Salesforce change those.
 */

export interface AcceptanceRules {
  /** Multipicklist values come back in the order in which the values were created, not as sent. */
  readonly sortMultipicklists: boolean;
}

const EDGE_WHITE_SPACE = /^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g;

/** The stored form of a JSON value. Throws SalesforceError with the code and text of the platform. */
export function acceptValue(field: FieldDefinition, sent: unknown, rules: AcceptanceRules): FieldValue {
  const value = typeof sent === 'string' ? sent.replace(EDGE_WHITE_SPACE, '') : sent;
  if (value === null || value === undefined || value === '') return field.type === 'boolean' ? false : null;
  if (typeof value === 'object')
    throw cannotDeserialize(field, Array.isArray(value) ? 'START_ARRAY' : 'START_OBJECT', '');
  switch (field.type) {
    case 'boolean':
      return acceptBoolean(field, value);
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
      return acceptNumber(field, value);
    case 'date':
      if (typeof value === 'string' && isDate(value)) return value;
      throw cannotDeserialize(field, token(value), value);
    case 'datetime': {
      const ms = typeof value === 'string' ? parseDatetime(value) : undefined;
      if (ms === undefined) throw cannotDeserialize(field, token(value), value);
      return toDatetime(ms);
    }
    case 'id':
    case 'reference':
      return acceptReference(field, String(value));
    case 'picklist':
      return acceptPicklist(field, checkLength(field, String(value)));
    case 'multipicklist':
      return acceptMultipicklist(field, checkLength(field, String(value)), rules);
    case 'email':
      return acceptEmail(field, checkLength(field, String(value)));
    case 'time':
      if (typeof value === 'string') return acceptTime(field, value);
      throw cannotDeserialize(field, token(value), value);
    case 'base64':
      if (typeof value === 'string' && BASE64.test(value)) return value.replace(/\s/g, '');
      throw cannotDeserialize(field, token(value), value);
    case 'textarea':
      return checkLength(field, field.htmlFormatted === true ? cleanedHtml(String(value)) : String(value));
    case 'combobox':
    case 'string':
    case 'phone':
    case 'url':
    case 'encryptedstring':
      return checkLength(field, String(value));
    case 'address':
    case 'location':
      throw cannotDeserialize(field, token(value), value);
    default:
      return field.type satisfies never;
  }
}

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,3})?Z?$/;

/** A time of day, to the millisecond; it has no zone, though it is spelled with one (time field type). */
function acceptTime(field: FieldDefinition, value: string): string {
  const parts = TIME.exec(value);
  if (parts === null) throw cannotDeserialize(field, 'VALUE_STRING', value);
  const [, hours, minutes, seconds, fraction = '.'] = parts;
  return `${hours}:${minutes}:${seconds}.${fraction.slice(1).padEnd(3, '0')}Z`;
}

function token(value: unknown): string {
  if (typeof value === 'string') return 'VALUE_STRING';
  if (typeof value === 'boolean') return value ? 'VALUE_TRUE' : 'VALUE_FALSE';
  return Number.isInteger(value) ? 'VALUE_NUMBER_INT' : 'VALUE_NUMBER_FLOAT';
}

const PARSED_AS: Partial<Record<FieldDefinition['type'], string>> = {
  currency: 'double',
  percent: 'double',
  email: 'string',
};

function cannotDeserialize(field: FieldDefinition, found: string, value: unknown): SalesforceError {
  const wanted = PARSED_AS[field.type] ?? field.type;
  const shown = value === '' ? 'value' : `value ${String(value)} or request may be missing a required field`;
  return new SalesforceError('JSON_PARSER_ERROR', `Cannot deserialize instance of ${wanted} from ${found} ${shown}`);
}

function checkLength(field: FieldDefinition, value: string): string {
  const max = field.length ?? 255;
  if (value.length <= max) return value;
  throw new SalesforceError('STRING_TOO_LONG', `${field.label}: data value too large: ${value} (max length=${max})`, {
    fields: [field.name],
  });
}

function acceptBoolean(field: FieldDefinition, value: string | number | boolean | unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw cannotDeserialize(field, token(value), value);
}

function acceptNumber(field: FieldDefinition, value: unknown): number {
  const number =
    typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw cannotDeserialize(field, token(value), value);
  if (field.type === 'int' && !Number.isInteger(number)) throw cannotDeserialize(field, token(value), value);
  const digitsBeforePoint = (field.precision ?? 18) - (field.scale ?? 0);
  if (Math.trunc(Math.abs(number)) >= 10 ** digitsBeforePoint || Math.abs(number) > mostDegrees(field))
    throw new SalesforceError(
      'NUMBER_OUTSIDE_VALID_RANGE',
      `${field.label}: value outside of valid range on numeric field: ${String(value)}`,
      { fields: [field.name] },
    );
  return number === 0 ? 0 : number;
}

/** Of the two numbers of a place (Geolocation Custom Field, in the help). */
function mostDegrees({ name }: FieldDefinition): number {
  const [, part] = /(latitude|longitude)(__s)?$/i.exec(name) ?? [];
  if (part === undefined) return Number.POSITIVE_INFINITY;
  return part.toLowerCase() === 'latitude' ? 90 : 180;
}

function acceptReference(field: FieldDefinition, value: string): string {
  const id = parseId(value);
  if (id !== undefined) return id;
  throw new SalesforceError('MALFORMED_ID', `${field.label}: id value of incorrect type: ${value}`, {
    fields: [field.name],
  });
}

function acceptPicklist(field: FieldDefinition, value: string): string {
  if (field.restricted !== true || (field.values ?? []).includes(value)) return value;
  throw badPicklistValue(field, value);
}

function acceptMultipicklist(field: FieldDefinition, value: string, rules: AcceptanceRules): string | null {
  const known = field.values ?? [];
  const chosen = [...new Set(value.split(';').map((part) => part.replace(EDGE_WHITE_SPACE, '')))].filter(
    (p) => p !== '',
  );
  const unknown = chosen.find((part) => !known.includes(part));
  if (unknown !== undefined && field.restricted === true) throw badPicklistValue(field, unknown);
  const rank = (part: string) => (known.includes(part) ? known.indexOf(part) : known.length);
  if (rules.sortMultipicklists) chosen.sort((a, b) => rank(a) - rank(b));
  return chosen.length === 0 ? null : chosen.join(';');
}

function badPicklistValue(field: FieldDefinition, value: string): SalesforceError {
  return new SalesforceError(
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    `${field.label}: bad value for restricted picklist field: ${value}`,
    { fields: [field.name] },
  );
}

function acceptEmail(field: FieldDefinition, value: string): string {
  if (/^[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]+$/.test(value)) return value;
  throw new SalesforceError('INVALID_EMAIL_ADDRESS', `${field.label}: invalid email address: ${value}`, {
    fields: [field.name],
  });
}

const NUMBERS = new Set<FieldDefinition['type']>(['int', 'double', 'currency', 'percent']);
const TEXTS = new Set<FieldDefinition['type']>([
  ...([
    'string',
    'textarea',
    'phone',
    'email',
    'url',
    'picklist',
    'multipicklist',
    'encryptedstring',
    'combobox',
  ] as const),
]);

/** A stored value as its field shows it. It differs from what is stored where the field once had another type. */
export function shownValue({ type }: FieldDefinition, stored: FieldValue | undefined): FieldValue {
  if (stored === undefined || stored === null) return null;
  if (TEXTS.has(type)) return String(stored);
  if (NUMBERS.has(type)) return typeof stored === 'number' ? stored : numberIn(stored);
  if (type === 'boolean') return stored === true;
  if (typeof stored !== 'string') return null;
  if (type === 'date') return isDate(stored.slice(0, 10)) ? stored.slice(0, 10) : null;
  if (type === 'datetime' && !DATETIME_START.test(stored)) return isDate(stored) ? `${stored}T00:00:00.000+0000` : null;
  return stored;
}

/** As a user without View Encrypted Data sees it: all characters but the last four are hidden (mask type lastFour). */
export function mask(value: FieldValue): FieldValue {
  return typeof value === 'string' ? '*'.repeat(Math.max(0, value.length - 4)) + value.slice(-4) : value;
}

const DATETIME_START = /^\d{4}-\d{2}-\d{2}T/;

function numberIn(stored: string | boolean): number | null {
  const number = typeof stored === 'string' && stored.trim() !== '' ? Number(stored) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}
