import { type Answer, type Call, jsonObject, noContent, ok, param, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { commit } from '../records/commit.ts';
import { parseDatetime } from '../records/instant.ts';
import { parseId } from '../records/record-id.ts';
import { deleteRecord } from '../records/recycle-bin.ts';
import { createRecord, updateRecord } from '../records/save.ts';
import { isLive, type StoredRecord } from '../records/stored-record.ts';
import { entityIsDeleted, notFound, SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { attributes, readField } from '../soql/projection.ts';

/** Single records: `/sobjects/X`, `/sobjects/X/<id>`, `/sobjects/X/<external id field>/<value>`. */
export const rowRoutes: readonly Route[] = [
  { pattern: 'sobjects/:object', kind: 'row', methods: { GET: basicInformation, POST: create } },
  { pattern: 'sobjects/:object/id', kind: 'row', methods: { POST: create } },
  { pattern: 'sobjects/:object/:id', kind: 'row', methods: { GET: read, HEAD: read, PATCH: update, DELETE: remove } },
  {
    pattern: 'sobjects/:object/:external/*value',
    kind: 'row',
    methods: { GET: readByExternalId, HEAD: readByExternalId, PATCH: upsert, DELETE: removeByExternalId },
  },
];

function basicInformation(org: Org, call: Call): Answer {
  const { name, definition } = org.schema.object(param(call, 'object'));
  const recent = org.records.table(name).all().filter(isLive).slice(-10).reverse();
  return ok({
    objectDescribe: { name, label: definition.label, keyPrefix: definition.keyPrefix, urls: {} },
    recentItems: recent.map((r) => ({
      attributes: attributes(name, r.id, call.version),
      Id: r.id,
      Name: r.values.Name ?? null,
    })),
  });
}

function create(org: Org, call: Call): Answer {
  const object = org.schema.object(param(call, 'object'));
  const id = commit(org, call.writer, [object.name], () => createRecord(org, call.writer, object, jsonObject(call)));
  const location = `/services/data/v${call.version}/sobjects/${object.name}/${id}`;
  return { status: 201, json: { id, success: true, errors: [] }, headers: { Location: location } };
}

/** The live record of the URL. Throws NOT_FOUND, or ENTITY_IS_DELETED when it is in the recycle bin. */
function addressed(org: Org, call: Call): { object: ObjectSchema; record: StoredRecord } {
  const object = org.schema.object(param(call, 'object'));
  const given = param(call, 'id');
  const id = parseId(given);
  if (id === undefined || org.schema.ofId(id) !== object)
    throw notFound(`Provided external ID field does not exist or is not accessible: ${given}`);
  const record = org.records.get(id);
  if (record === undefined || record.bin?.emptied === true) throw notFound();
  if (record.bin !== undefined) throw entityIsDeleted();
  return { object, record };
}

function read(org: Org, call: Call): Answer {
  const { object, record } = addressed(org, call);
  return ok(recordJson(org, object, record, fieldsParameter(object, call.query.get('fields')), call.version));
}

/** The fields named by a `fields` parameter, all visible ones without it. Throws INVALID_FIELD. */
export function fieldsParameter(object: ObjectSchema, names: string | null): readonly FieldDefinition[] {
  if (names === null || names.trim() === '') return object.visibleFields;
  return names.split(',').map((name) => {
    const field = object.field(name.trim());
    if (field !== undefined) return field;
    throw new SalesforceError('INVALID_FIELD', `No such column '${name.trim()}' on sobject of type ${object.name}`);
  });
}

export function recordJson(
  org: Org,
  object: ObjectSchema,
  record: StoredRecord,
  fields: readonly FieldDefinition[],
  version: string,
): object {
  const values = fields.map((field) => [field.name, readField(org, record, field, version)]);
  return { attributes: attributes(object.name, record.id, version), ...Object.fromEntries(values) };
}

function update(org: Org, call: Call): Answer {
  const { object, record } = addressed(org, call);
  checkUnmodified(call, record);
  commit(org, call.writer, [object.name], () => updateRecord(org, call.writer, object, record.id, jsonObject(call)));
  return noContent;
}

/** `If-Unmodified-Since` compares with the last modification, to the second. DELETE does not look at it. */
function checkUnmodified(call: Call, record: StoredRecord): void {
  const since = call.headers['if-unmodified-since'];
  if (since === undefined) return;
  const limit = Date.parse(since);
  if (Number.isNaN(limit)) throw new SalesforceError('INVALID_HEADER', `If-Unmodified-Since is no date: ${since}`);
  const modifiedAt = parseDatetime(String(record.values.LastModifiedDate)) ?? 0;
  if (modifiedAt > limit)
    throw new SalesforceError('PRECONDITION_FAILED', 'The record was modified since the given date', { status: 412 });
}

function remove(org: Org, call: Call): Answer {
  const { object, record } = addressed(org, call);
  commit(org, call.writer, [object.name], () => deleteRecord(org, call.writer, object, record.id));
  return noContent;
}

interface ByExternalId {
  readonly object: ObjectSchema;
  readonly external: FieldDefinition;
  readonly value: string;
  readonly found: readonly StoredRecord[];
}

function byExternalId(org: Org, call: Call): ByExternalId {
  const object = org.schema.object(param(call, 'object'));
  const name = param(call, 'external');
  const external = object.field(name);
  if (external?.externalId !== true)
    throw notFound(`Provided external ID field does not exist or is not accessible: ${name}`);
  const value = param(call, 'value');
  const found = org.records.table(object.name).findBy(external.name, value).filter(isLive);
  return { object, external, value, found };
}

/** Several records share the value: their addresses, and nothing is done. */
function multipleChoices(object: ObjectSchema, found: readonly StoredRecord[], version: string): Answer {
  return { status: 300, json: found.map((r) => `/services/data/v${version}/sobjects/${object.name}/${r.id}`) };
}

function readByExternalId(org: Org, call: Call): Answer {
  const { object, found } = byExternalId(org, call);
  const [record] = found;
  if (record === undefined) throw notFound();
  if (found.length > 1) return multipleChoices(object, found, call.version);
  return ok(recordJson(org, object, record, fieldsParameter(object, call.query.get('fields')), call.version));
}

function removeByExternalId(org: Org, call: Call): Answer {
  const { object, found } = byExternalId(org, call);
  const [record] = found;
  if (record === undefined) throw notFound();
  if (found.length > 1) return multipleChoices(object, found, call.version);
  commit(org, call.writer, [object.name], () => deleteRecord(org, call.writer, object, record.id));
  return noContent;
}

function upsert(org: Org, call: Call): Answer {
  const { object, external, value, found } = byExternalId(org, call);
  const sent = jsonObject(call);
  const repeated = Object.keys(sent).find((name) => name.toLowerCase() === external.name.toLowerCase());
  if (repeated !== undefined)
    throw new SalesforceError(
      'INVALID_FIELD',
      `The ${external.name} field should not be specified in the sobject data.`,
    );
  if (found.length > 1) return multipleChoices(object, found, call.version);
  const [record] = found;
  if (record === undefined) {
    if (call.query.get('updateOnly') === 'true') throw notFound();
    const fields = { ...sent, [external.name]: value };
    const id = commit(org, call.writer, [object.name], () => createRecord(org, call.writer, object, fields));
    return { status: 201, json: { id, success: true, errors: [], created: true } };
  }
  checkUnmodified(call, record);
  commit(org, call.writer, [object.name], () => updateRecord(org, call.writer, object, record.id, sent));
  if (org.faults.isOn('upsertAnswers204')) return noContent;
  return ok({ id: record.id, success: true, errors: [], created: false });
}
