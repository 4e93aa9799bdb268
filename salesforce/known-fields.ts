/**
 * Fields that are mapped and that our user cannot read any more: a query that names one fails as a whole. The object
 * is described then, what is gone is left out, and everything else is read.
 */

import { ConfigurationError } from '../core/errors.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { withoutFields } from '../core/mapping/drift.ts';
import type { SalesforceConnection } from './connection.ts';
import { describeObject } from './describe.ts';

/** After this long all fields are asked for again: an administrator may have given them back. */
const LEFT_OUT_FOR_MS = 5 * 60_000;

const leftOut = new Map<string, { readonly fields: ReadonlySet<string>; readonly until: number }>();

/** Reads with the fields that there are. Throws what `read` throws, where no mapped field is gone. */
export async function withKnownFields<T>(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  read: (mapping: ObjectMapping) => Promise<T>,
): Promise<T> {
  const known = leftOut.get(mapping.object);
  const current = known !== undefined && Date.now() < known.until ? withoutFields(mapping, known.fields) : mapping;
  try {
    return await read(current);
  } catch (error) {
    if (!(error instanceof ConfigurationError) || error.code !== 'INVALID_FIELD') throw error;
    const described = await describeObject(connection, mapping.object);
    const there = new Set(described?.fields.map(({ name }) => name));
    const gone = new Set(mapping.fields.map(({ field }) => field).filter((field) => !there.has(field)));
    if (described === undefined || gone.size === 0) throw error;
    leftOut.set(mapping.object, { fields: gone, until: Date.now() + LEFT_OUT_FOR_MS });
    return read(withoutFields(mapping, gone));
  }
}

/**
 * The mapped fields that a read did without; undefined: none. Kept beside what was read: a record that is not there
 * yet has no fields to miss.
 */
export function missingFields(mapping: ObjectMapping, known: ObjectMapping): string[] | undefined {
  const there = new Set(known.fields.map(({ field }) => field));
  const missing = mapping.fields.map(({ field }) => field).filter((field) => !there.has(field));
  return missing.length === 0 ? undefined : missing;
}
