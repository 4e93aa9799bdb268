/**
 * Whether the types of fields fit. Values that do not fit the mapping are one record's fault, or an administrator has changed
 * the type of their field. Only a describe shows which: one for all records of a step, and it holds for a while.
 */
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import type { DescribedObject } from '../core/mapping/described-object.ts';
import { type TypeCheck, typeCheck } from '../core/mapping/type-check.ts';
import type { SalesforceConnection } from './connection.ts';
import { describeObject } from './describe.ts';

/** A field that is left out is asked about again after this long: an administrator may have changed its type back. */
const LEFT_OUT_FOR_MS = 5 * 60_000;
/** Bad values keep coming from a source that makes them; the next type change should be seen soon. */
const FITS_FOR_MS = 60_000;

const described = new Map<string, { readonly object: DescribedObject | undefined; readonly at: number }>();

/** The types that these fields have in Salesforce now; undefined: no field was given, and Salesforce was not asked. */
export async function checkTypes(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  doubted: ReadonlySet<string>,
): Promise<TypeCheck | undefined> {
  if (doubted.size === 0) return undefined;
  const known = described.get(mapping.object);
  const age = known === undefined ? Number.POSITIVE_INFINITY : Date.now() - known.at;
  if (known !== undefined && age < LEFT_OUT_FOR_MS) {
    const types = typeCheck(mapping, known.object, doubted);
    if (age < FITS_FOR_MS || [...doubted].every((field) => typeof types[field] === 'string')) return types;
  }
  const at = Date.now();
  const object = await describeObject(connection, mapping.object);
  described.set(mapping.object, { object, at });
  return typeCheck(mapping, object, doubted);
}
