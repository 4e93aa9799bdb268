import type { Org, Writer } from '../org.ts';
import { entityIsDeleted, invalidCrossReference, SalesforceError } from '../salesforce-error.ts';
import type { FieldValue, FieldValues } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { toDatetime } from './instant.ts';
import { checkNotOfPerson, followPerson, personFields } from './person-accounts.ts';
import { platformFields } from './platform-fields.ts';
import { parseId } from './record-id.ts';
import { withRecordType } from './record-types.ts';
import { checkRowFaults, rewriteByTriggers } from './row-faults.ts';
import { acceptFields, type SentFields } from './sent-fields.ts';
import { isLive, type StoredRecord } from './stored-record.ts';

/** Creates one record and answers its id. Throws SalesforceError. Call inside a unit of work. */
export function createRecord(org: Org, writer: Writer, object: ObjectSchema, sent: SentFields): string {
  checkWritable(object, 'create');
  checkRowFaults(org, writer, object, undefined);
  const accepted = acceptFields(org, object, sent, 'create');
  const person = personFields(org, object, accepted, undefined);
  const id = org.records.nextId(object);
  const stamp = toDatetime(org.now());
  const values: Record<string, FieldValue> = {};
  for (const field of object.fields)
    if (field.parts === undefined) values[field.name] = accepted.get(field.name) ?? null;
  for (const field of object.fields)
    if (field.defaultValue !== undefined && !accepted.has(field.name)) values[field.name] = field.defaultValue;
  if ('OwnerId' in values) values.OwnerId ??= writer.userId;
  Object.assign(values, {
    Id: id,
    CreatedDate: stamp,
    CreatedById: writer.userId,
    ...modified(writer, stamp),
    ...person,
  });
  const typed = withRecordType(object, accepted, values, 'create');
  const saved = finish(org, object, id, typed, new Set(accepted.keys()));
  const stored = { object: object.name, id, values: saved };
  org.records.put(stored);
  org.records.note({
    object: object.name,
    id,
    kind: 'create',
    cascade: false,
    fields: [...accepted.keys()],
    unchanged: false,
    client: writer.client,
  });
  followPerson(org, writer, stored);
  return id;
}

/** Changes the given fields of one record. Throws SalesforceError. Call inside a unit of work. */
export function updateRecord(org: Org, writer: Writer, object: ObjectSchema, id: string, sent: SentFields): void {
  checkWritable(object, 'update');
  const record = existing(org, object, id);
  checkNotOfPerson(org, record);
  checkRowFaults(org, writer, object, id);
  const accepted = acceptFields(org, object, sent, 'update');
  personFields(org, object, accepted, record.values);
  const unchanged = [...accepted].every(([name, value]) => record.values[name] === value);
  const stamps = unchanged && org.faults.isOn('keepStampOnEqualUpdate') ? {} : modified(writer, toDatetime(org.now()));
  const values = { ...record.values, ...Object.fromEntries(accepted), ...stamps };
  const typed = withRecordType(object, accepted, values, 'update');
  const saved = finish(org, object, id, typed, new Set(accepted.keys()));
  org.records.put({ ...record, values: saved });
  org.records.note({
    object: object.name,
    id,
    kind: 'update',
    cascade: false,
    fields: [...accepted.keys()],
    unchanged,
    client: writer.client,
  });
  followPerson(org, writer, { ...record, values: saved });
}

/** The live record with this id; ENTITY_IS_DELETED when it is in the bin, INVALID_CROSS_REFERENCE_KEY when unknown. */
export function existing(org: Org, object: ObjectSchema, id: string): StoredRecord {
  const record = org.records.get(id);
  if (record === undefined || record.object !== object.name) throw invalidCrossReference();
  if (record.bin !== undefined) throw entityIsDeleted();
  return record;
}

/** The stamps that a write by a user moves. */
export function modified(writer: Writer, stamp: string): FieldValues {
  return { LastModifiedDate: stamp, LastModifiedById: writer.userId, SystemModstamp: stamp };
}

/** Refuses objects that clients may only read. */
export function checkWritable(object: ObjectSchema, operation: string): void {
  const { writable = true, deletable = writable } = object.definition;
  if (operation === 'delete' ? deletable : writable) return;
  throw new SalesforceError('INVALID_TYPE_FOR_OPERATION', `entity type ${object.name} does not support ${operation}`);
}

/** Triggers and the platform's own changes, then the checks that see the final record. */
function finish(
  org: Org,
  object: ObjectSchema,
  id: string,
  values: FieldValues,
  given: ReadonlySet<string>,
): FieldValues {
  const rewritten = rewriteByTriggers(org, object, id, values);
  const saved = { ...rewritten, ...platformFields(org, object, rewritten, given) };
  const missing = object.fields
    .filter((f) => f.required === true && (saved[f.name] ?? null) === null)
    .map((f) => f.name);
  if (missing.length > 0)
    throw new SalesforceError('REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, {
      fields: missing,
    });
  checkUnique(org, object, id, saved);
  return saved;
}

/** Throws DUPLICATE_VALUE when a live record already holds a unique value. */
export function checkUnique(org: Org, object: ObjectSchema, id: string, values: FieldValues): void {
  for (const field of object.indexed) {
    const value = values[field.name] ?? null;
    if (field.unique !== true || value === null) continue;
    const holder = org.records
      .table(object.name)
      .findBy(field.name, value)
      .find((r) => r.id !== id && isLive(r));
    if (holder === undefined) continue;
    throw new SalesforceError(
      'DUPLICATE_VALUE',
      `duplicate value found: ${field.name} duplicates value on record with id: ${holder.id.slice(0, 15)}`,
      { fields: [field.name] },
    );
  }
}

/** The id of a row. Throws MISSING_ARGUMENT or MALFORMED_ID. */
export function idOf(object: ObjectSchema, given: unknown): string {
  if (given === undefined || given === null || given === '')
    throw new SalesforceError('MISSING_ARGUMENT', 'Id not specified in an update call', { fields: ['Id'] });
  const id = parseId(String(given));
  if (id === undefined || !id.startsWith(object.definition.keyPrefix))
    throw new SalesforceError('MALFORMED_ID', `${object.name} ID: id value of incorrect type: ${String(given)}`, {
      fields: ['Id'],
    });
  return id;
}
