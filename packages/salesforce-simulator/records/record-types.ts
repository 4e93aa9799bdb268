/** The record type of a record: the user's default where none is given, and refused where it is not one of the object's. */
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldValue, FieldValues } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { parseId } from './record-id.ts';

const FIELD = 'RecordTypeId';

/** `accepted`: what the client gave. Throws INVALID_CROSS_REFERENCE_KEY. */
export function withRecordType(
  { definition: { recordTypes = [] } }: ObjectSchema,
  accepted: ReadonlyMap<string, FieldValue>,
  values: FieldValues,
  operation: 'create' | 'update',
): FieldValues {
  if (!(FIELD in values) || recordTypes.length === 0) return values;
  const given = accepted.get(FIELD) ?? null;
  if (given !== null) {
    const known = recordTypes.find(({ recordTypeId }) => parseId(recordTypeId) === given);
    if (known?.available === true && !known.master) return values;
    const text = `Record Type ID: this ID value isn't valid for the user: ${String(given)}`;
    throw new SalesforceError('INVALID_CROSS_REFERENCE_KEY', text, { fields: [FIELD] });
  }
  if (operation === 'update' || accepted.has(FIELD)) return values;
  const preset = recordTypes.find(({ defaultRecordTypeMapping, master }) => defaultRecordTypeMapping && !master);
  return preset === undefined ? values : { ...values, [FIELD]: parseId(preset.recordTypeId) ?? null };
}
