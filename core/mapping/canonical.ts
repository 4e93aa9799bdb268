/**
 * Canonical values: the one form in which values of both sides are compared and the base is kept. Two values that are
 * equal here are never written over each other, so everything that Salesforce normalises by itself must vanish here.
 * What the form of a type is stands in the type's file (field-types/); here is what all types share.
 */
import { RejectedRecordError } from '../errors.ts';
import type { ColumnShape, EmptyInColumn, FieldType } from './field-types/field-type.ts';

export type CanonicalValue = string | boolean | null;

/** Canonical values by Salesforce field name. An absent field means "no information", never null. */
export type FieldValues = Readonly<Record<string, CanonicalValue>>;

/**
 * A lookup column may name a parent row that Salesforce does not have; this is that row's key. It differs from every id, so
 * the merge sees the edit, and it is never pushed.
 */
export interface Unlinked {
  readonly unlinked: string;
}

/** A column may hold what Salesforce cannot: NaN, infinity, a year beyond 9999. Such a record is listed as rejected. */
export interface Unreadable {
  readonly unreadable: true;
}

export const UNREADABLE: Unreadable = Object.freeze({ unreadable: true });

/** What a column holds that has no counterpart in Salesforce: it differs from all that Salesforce holds, and is never pushed. */
export type Unsendable = Unlinked | Unreadable;

/** A value of a row. An object, and no text, says that there is no canonical value: any text may be what a record holds. */
export type RowValue = CanonicalValue | Unsendable;

/** Values of a row by Salesforce field name. */
export type RowValues = Readonly<Record<string, RowValue>>;

export function isUnsendable(value: RowValue | undefined): value is Unsendable {
  return typeof value === 'object' && value !== null;
}

export function isUnlinked(value: RowValue | undefined): value is Unlinked {
  return isUnsendable(value) && 'unlinked' in value;
}

/** Two looks at a row make two objects of one state. */
export function isSameValue(one: RowValue | undefined, other: RowValue | undefined): boolean {
  return one === other || (isUnlinked(one) && isUnlinked(other) && one.unlinked === other.unlinked);
}

/** The values of a row that have a counterpart in Salesforce. */
export function sendableValues(values: RowValues): FieldValues {
  const isWhole = (each: RowValues): each is FieldValues => !Object.values(each).some(isUnsendable);
  if (isWhole(values)) return values;
  return Object.fromEntries(
    Object.entries(values).flatMap(([field, value]) => (isUnsendable(value) ? [] : [[field, value] as const])),
  );
}

/**
 * From what Salesforce or AppFlow spelled (JSON value or CSV cell); REST and Bulk spellings give the same value.
 * Throws RejectedRecordError when the value does not fit the type; the message never holds the value.
 */
export function fromSalesforce(type: FieldType, value: unknown, field: string): CanonicalValue {
  if (value === null || value === undefined || value === '') return type.blank;
  if (typeof value === 'object') throw unfit(type, field);
  return canonical(type, typeof value === 'string' ? value : String(value), field);
}

/**
 * From what `columnText` of the type selects, in a session with `DateStyle ISO`, `TimeZone UTC`. Throws
 * RejectedRecordError as `fromSalesforce` does.
 */
export function fromPostgres(type: FieldType, text: string | null, field: string): CanonicalValue {
  if (text === null) return type.blank;
  const spelled = type.spelledInColumn(text);
  if (spelled === undefined) throw unfit(type, field);
  return canonical(type, spelled, field);
}

function canonical(type: FieldType, raw: string, field: string): CanonicalValue {
  const value = canonicalOf(type, raw);
  if (value === undefined) throw unfit(type, field);
  if (typeof value === 'string' && !isStorable(value)) throw unstorable(field);
  return value;
}

/** The canonical value of a text; undefined: it is no value of the type. */
export function canonicalOf(type: FieldType, raw: string): CanonicalValue | undefined {
  const text = trimmed(raw);
  return text === '' ? type.blank : type.canonical(text);
}

/**
 * PostgreSQL stores no NUL in a text, and no half of a surrogate pair; as JSON it takes them, and then fails every statement
 * that looks into the document. Nothing else of Unicode is refused or changed: neither side normalises or strips.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** A text that is no data, such as another system's error message, with the replacement character for what cannot be stored. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function unstorable(field: string): RejectedRecordError {
  return new RejectedRecordError(
    'UNSTORABLE_TEXT',
    `The text of ${field} holds what PostgreSQL cannot store: a NUL, half of a surrogate pair, or a byte that is no UTF-8. Correct it in Salesforce.`,
    field,
  );
}

function unfit({ name }: FieldType, field: string): RejectedRecordError {
  return new RejectedRecordError('UNREADABLE_VALUE', `The value of ${field} is no ${name}.`, field);
}

/** Without ASCII white space at its ends. */
export function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Tab, line feed, vertical tab, form feed, carriage return; space. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** As the REST API takes it. */
export function toSalesforce(type: FieldType, value: CanonicalValue): string | number | boolean | null {
  return value === null ? null : type.toSalesforce(value);
}

/**
 * As a CSV cell, in the spelling of the REST API. null is the empty cell: a caller for whom "empty" and "null" differ
 * must not send null this way.
 */
export function toCsv(type: FieldType, value: CanonicalValue): string {
  return value === null ? '' : type.toCsv(value);
}

/** As a text parameter or a cell of COPY, which the column type's own input function reads. */
export function toPostgres(
  type: FieldType,
  value: CanonicalValue,
  shape: ColumnShape | undefined,
): string | boolean | null {
  return value === null ? (type.nullInColumn ?? emptyIn(type, shape)?.text ?? null) : type.toPostgres(value, shape);
}

/** As a JSON value for `jsonb_populate_record`, which hands it to the column type's own input function. */
export function toPostgresJson(
  type: FieldType,
  value: CanonicalValue,
  shape: ColumnShape | undefined,
): string | boolean | readonly string[] | null {
  return value === null ? (type.nullInColumn ?? emptyIn(type, shape)?.json ?? null) : type.toPostgresJson(value, shape);
}

/** An empty text, or set, is read as null, so it may stand for that in a column that allows none. */
function emptyIn(type: FieldType, shape: ColumnShape | undefined): EmptyInColumn | undefined {
  return shape?.notNull === true ? type.emptyInColumn?.(shape) : undefined;
}
