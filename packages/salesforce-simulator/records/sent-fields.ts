import { acceptanceRules, type Org } from '../org.ts';
import { entityIsDeleted, invalidCrossReference, SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition, FieldValue } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { acceptValue } from './field-values.ts';
import { isLive } from './stored-record.ts';

/** What a client sent for one record: JSON values, or text from CSV and SOAP; null clears a field. */
export type SentFields = Readonly<Record<string, unknown>>;

/**
 * Checks and converts the fields of one record. A nested object under a relationship name sets the lookup by the
 * parent's external id. Throws SalesforceError for unknown, read-only or ill-typed fields and dangling lookups.
 */
export function acceptFields(
  org: Org,
  object: ObjectSchema,
  sent: SentFields,
  operation: 'create' | 'update',
): ReadonlyMap<string, FieldValue> {
  const accepted = new Map<string, FieldValue>();
  const readOnly: string[] = [];
  for (const [name, value] of Object.entries(sent)) {
    if (name === 'attributes') continue;
    const { field, given } = resolve(org, object, name, value);
    if (field.name === 'Id')
      throw new SalesforceError('INVALID_FIELD', 'The Id field should not be specified in the sobject data.', {
        fields: ['Id'],
      });
    if (!isWritable(field)) readOnly.push(field.name);
    else accepted.set(field.name, acceptValue(field, given, acceptanceRules(org)));
  }
  if (readOnly.length > 0) throw unableToWrite(readOnly);
  for (const [name, value] of accepted) {
    const field = object.field(name);
    if (field?.type === 'reference' && value !== null) checkReference(org, field, String(value));
    if (operation === 'create' && value === null && field?.defaultValue !== undefined && field.type === 'boolean')
      accepted.set(name, field.defaultValue);
  }
  return accepted;
}

/** Whether clients may set the field at all. */
export function isWritable(field: FieldDefinition): boolean {
  return field.readOnly !== true && field.calculated !== true && field.parts === undefined && field.type !== 'id';
}

function resolve(
  org: Org,
  object: ObjectSchema,
  name: string,
  value: unknown,
): { field: FieldDefinition; given: unknown } {
  const field = object.field(name);
  if (field !== undefined) return { field, given: value };
  const reference = object.relationship(name);
  if (reference !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value))
    return { field: reference, given: parentByExternalId(org, object, reference, value) };
  throw new SalesforceError('INVALID_FIELD', `No such column '${name}' on sobject of type ${object.name}`, {
    fields: [name],
  });
}

function parentByExternalId(org: Org, object: ObjectSchema, reference: FieldDefinition, nested: object): string {
  const parent = org.schema.object(reference.referenceTo?.[0] ?? '');
  const keys = Object.entries(nested).filter(([key]) => key !== 'attributes');
  const [key, value] = keys[0] ?? [];
  const external = key === undefined ? undefined : parent.field(key);
  if (keys.length !== 1 || external?.externalId !== true)
    throw new SalesforceError(
      'INVALID_FIELD',
      `${object.name}.${reference.name} needs one external id of ${parent.name}`,
    );
  const found = org.records.table(parent.name).findBy(external.name, value).filter(isLive);
  if (found.length === 1) return found[0]!.id;
  throw new SalesforceError(
    'INVALID_FIELD',
    `Foreign key external ID: ${String(value)} not found for field ${external.name} in entity ${parent.name}`,
    { fields: [reference.name] },
  );
}

function unableToWrite(fields: readonly string[]): SalesforceError {
  return new SalesforceError(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${fields.join(', ')}. Please check the security settings of this field and ` +
      'verify that it is read/write for your profile or permission set.',
    { fields },
  );
}

function checkReference(org: Org, field: FieldDefinition, id: string): void {
  const target = org.schema.ofId(id);
  if (target !== undefined && !(field.referenceTo ?? []).includes(target.name))
    throw new SalesforceError('FIELD_INTEGRITY_EXCEPTION', `${field.label}: id value of incorrect type: ${id}`, {
      fields: [field.name],
    });
  const parent = org.records.get(id);
  if (parent !== undefined && parent.bin === undefined) return;
  if (parent === undefined || parent.bin?.emptied === true) throw invalidCrossReference([field.name]);
  const code = org.faults.all('deletedParentError')[0]?.code ?? 'INVALID_CROSS_REFERENCE_KEY';
  if (code === 'INVALID_CROSS_REFERENCE_KEY') throw invalidCrossReference([field.name]);
  if (code === 'ENTITY_IS_DELETED') throw entityIsDeleted();
  throw new SalesforceError(code, `insufficient access rights on cross-reference id: ${id.slice(0, 15)}`);
}
