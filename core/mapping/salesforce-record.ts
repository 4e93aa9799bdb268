/** Records as AppFlow writes them to files and the REST API answers them: flat JSON objects by field name. */

import { RejectedRecordError } from '../errors.ts';
import type { CanonicalValue } from './canonical.ts';
import { fromSalesforce } from './canonical.ts';
import type { ObjectMapping } from './configuration.ts';
import { boolean } from './field-types/boolean.ts';
import { reference } from './field-types/reference.ts';
import { text } from './field-types/text.ts';
import { parseInstant } from './instant.ts';
import { maskedFields } from './masked.ts';
import { systemFields } from './object-ways.ts';
import { toId18 } from './salesforce-id.ts';
import type { SalesforceVersion } from './salesforce-version.ts';
import { wholeRecord } from './whole-record.ts';

/** A record that cannot be used; `id` where at least that could be read. */
export interface UnusableRecord {
  readonly code: string;
  readonly reason: string;
  readonly field: string | undefined;
  readonly id: string | undefined;
}

export type ReadRecord =
  | {
      readonly version: SalesforceVersion;
      /** Fields whose values may be masks (masked.ts); absent: none. */
      readonly masked?: readonly string[];
      readonly unusable?: never;
      readonly readable?: never;
    }
  | {
      readonly version?: never;
      readonly masked?: never;
      readonly unusable: UnusableRecord;
      readonly readable?: ReadablePart;
    };

/** A record without the fields whose values do not fit their mapping. */
export interface ReadablePart {
  readonly version: SalesforceVersion;
  readonly misfits: readonly string[];
}

/** Reads one JSON line. Long numbers keep the digits that a JavaScript number would lose. */
export function parseRecordLine(mapping: ObjectMapping, line: string): ReadRecord {
  let value: unknown;
  try {
    value = parseExact(line);
  } catch {
    return unusable('UNREADABLE_LINE', 'The line is no JSON.');
  }
  return parseRecord(mapping, value);
}

/** JSON with numbers of more than 15 digits as text: the canonical form of a number is exact. */
export function parseExact(json: string): unknown {
  if (!/[\d.]{16}/.test(json)) return JSON.parse(json);
  return JSON.parse(json, (_key, value, context?: { source?: string }) =>
    typeof value === 'number' && (context?.source?.length ?? 0) > 15 ? context?.source : value,
  );
}

/** Converts a record to canonical values. A field that the record lacks stays absent. */
export function parseRecord(mapping: ObjectMapping, value: unknown): ReadRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return unusable('UNREADABLE_LINE', 'The line is no JSON object.');
  }
  const record = value as Readonly<Record<string, unknown>>;
  const id = typeof record.Id === 'string' ? toId18(record.Id) : undefined;
  if (id === undefined) return unusable('NO_ID', 'The record has no valid Id.', 'Id');
  const { stampField } = mapping;
  const stamped = record[stampField];
  const stamp = typeof stamped === 'string' ? parseInstant(stamped) : undefined;
  if (stamp === undefined) return unusable('NO_STAMP', `The record has no valid ${stampField}.`, stampField, id);
  try {
    const isWhole = mapping.fields.every(({ field }) => record[field] !== undefined);
    const fields: Record<string, CanonicalValue> = isWhole ? wholeRecord(mapping) : {};
    const misfits: RejectedRecordError[] = [];
    for (const { field, type } of mapping.fields) {
      if (record[field] === undefined) continue;
      try {
        fields[field] = fromSalesforce(type, record[field], field);
      } catch (error) {
        if (!(error instanceof RejectedRecordError)) throw error;
        misfits.push(error);
      }
    }
    const deleted = fromSalesforce(boolean, record.IsDeleted, 'IsDeleted') === true;
    const survivor = fromSalesforce(reference, record.MasterRecordId, 'MasterRecordId');
    const mergedInto = typeof survivor === 'string' ? survivor : undefined;
    const version = { id, deleted, mergedInto, stamp, ...externalIdOf(mapping, record), fields };
    const [first] = misfits;
    const masked = maskedFields(mapping, fields);
    if (first === undefined) return masked.length === 0 ? { version } : { version, masked };
    const names = [...misfits.flatMap(({ field }) => field ?? []), ...masked];
    const readable = { version: withoutValues(version, new Set(names)), misfits: names };
    return { ...unusable(first.code, first.message, first.field, id), readable };
  } catch (error) {
    if (error instanceof RejectedRecordError) return unusable(error.code, error.message, error.field, id);
    throw error;
  }
}

/** Fields of which a value does not fit, or may be a mask. Whether that is one record's fault or the field's, a type check shows. */
export function misfitsOf(records: Iterable<ReadRecord>): Set<string> {
  const fields = new Set<string>();
  for (const { readable, masked } of records) for (const field of readable?.misfits ?? masked ?? []) fields.add(field);
  return fields;
}

/** The record of a file without what may be a mask: it lacks these fields, and so is read again, which asks for their types. */
export function withoutMasks(record: ReadRecord): ReadRecord {
  if (record.masked === undefined) return record;
  return { version: withoutValues(record.version, new Set(record.masked)) };
}

/** The record without fields whose type has changed; usable if nothing else was wrong with it. */
export function withoutFieldsOf(record: ReadRecord, gone: ReadonlySet<string>): ReadRecord {
  if (gone.size === 0) return record;
  if (record.version !== undefined) return { version: withoutValues(record.version, gone) };
  const version = usableWithout(record.readable, gone);
  return version === undefined ? record : { version: withoutValues(version, gone) };
}

/** What is left of a record without these fields; undefined: something else was wrong with it, too. */
export function usableWithout<Version>(
  readable: { readonly version: Version; readonly misfits: readonly string[] } | undefined,
  gone: ReadonlySet<string>,
): Version | undefined {
  return readable?.misfits.every((field) => gone.has(field)) === true ? readable.version : undefined;
}

function withoutValues(version: SalesforceVersion, gone: ReadonlySet<string>): SalesforceVersion {
  const entries = Object.entries(version.fields);
  if (entries.every(([field]) => !gone.has(field))) return version;
  return { ...version, fields: Object.fromEntries(entries.filter(([field]) => !gone.has(field))) };
}

function externalIdOf({ externalIdField }: ObjectMapping, record: Readonly<Record<string, unknown>>) {
  if (externalIdField === undefined) return {};
  const value = fromSalesforce(text, record[externalIdField], externalIdField);
  return typeof value === 'string' ? { externalId: value } : {};
}

/** The fields that a read of the object asks for: system fields, the external id, mapped fields. */
export function readFields(mapping: ObjectMapping): string[] {
  const { externalIdField, fields } = mapping;
  const own = [...(externalIdField === undefined ? [] : [externalIdField]), ...fields.map(({ field }) => field)];
  // The stamp may be mapped, too, and a query takes no field twice.
  return [...new Set([...systemFields(mapping), ...own])];
}

function unusable(code: string, reason: string, field?: string, id?: string) {
  return { unusable: { code, reason, field, id } };
}
