import type { Org, Writer } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { createRecord, updateRecord } from './save.ts';
import type { SentFields } from './sent-fields.ts';
import { isLive } from './stored-record.ts';

/**
 * Updates the record whose external id the fields hold, or creates it. `batch` is all that the same call sends: a value
 * that occurs twice in it is refused. Throws SalesforceError. Call inside a unit of work.
 */
export function upsertRecord(
  org: Org,
  writer: Writer,
  object: ObjectSchema,
  external: FieldDefinition,
  sent: SentFields,
  batch: readonly SentFields[],
): { readonly id: string; readonly created: boolean } {
  const value = externalValue(sent, external);
  if (value === undefined)
    throw new SalesforceError('MISSING_ARGUMENT', `${external.name} not specified`, { fields: [external.name] });
  if (batch.filter((other) => sameValue(externalValue(other, external), value, external)).length > 1)
    throw new SalesforceError('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, {
      fields: [external.name],
    });
  const found = org.records.table(object.name).findBy(external.name, value).filter(isLive);
  if (found.length > 1)
    throw new SalesforceError(
      'DUPLICATE_EXTERNAL_ID',
      `${external.label}: more than one record found for external id field: [${found.map((r) => r.id).join(', ')}]`,
      { fields: [external.name] },
    );
  const [record] = found;
  if (record === undefined) return { id: createRecord(org, writer, object, sent), created: true };
  const rest = Object.entries(sent).filter(([name]) => name.toLowerCase() !== external.name.toLowerCase());
  updateRecord(org, writer, object, record.id, Object.fromEntries(rest));
  return { id: record.id, created: false };
}

function externalValue(sent: SentFields, external: FieldDefinition): string | undefined {
  const [, value] = Object.entries(sent).find(([name]) => name.toLowerCase() === external.name.toLowerCase()) ?? [];
  return value === undefined || value === null || value === '' ? undefined : String(value).trim();
}

function sameValue(a: string | undefined, b: string, external: FieldDefinition): boolean {
  return external.caseSensitive === true ? a === b : a?.toLowerCase() === b.toLowerCase();
}
