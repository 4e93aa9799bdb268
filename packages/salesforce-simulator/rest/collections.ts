import { type Answer, type Call, jsonObject, ok, param, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { parseId } from '../records/record-id.ts';
import { deleteRecord } from '../records/recycle-bin.ts';
import { type RowWork, runRows } from '../records/row-batch.ts';
import { createRecord, idOf, updateRecord } from '../records/save.ts';
import type { SentFields } from '../records/sent-fields.ts';
import { isLive } from '../records/stored-record.ts';
import { upsertRecord } from '../records/upsert.ts';
import { notFound, SalesforceError } from '../salesforce-error.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { fieldsParameter, recordJson } from './rows.ts';

/** Collections of up to 200 records: always 200 with one result a row, in the order of the request. */
export const collectionRoutes: readonly Route[] = [
  {
    pattern: 'composite/sobjects',
    kind: 'collections',
    methods: { POST: createAll, PATCH: updateAll, DELETE: deleteAll },
  },
  { pattern: 'composite/sobjects/:object', kind: 'retrieve', methods: { POST: retrieve, GET: retrieve } },
  { pattern: 'composite/sobjects/:object/:external', kind: 'collections', methods: { PATCH: upsertAll } },
];

interface SentRecord {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const MAX_RECORDS = 200;
const MAX_CHUNKS = 10;
const MAX_RETRIEVED = 2000;

function sentRecords(call: Call): readonly SentRecord[] {
  const { records } = jsonObject(call);
  if (!Array.isArray(records))
    throw new SalesforceError('JSON_PARSER_ERROR', 'the request body needs "records": [...]');
  if (records.length > MAX_RECORDS) throw tooMany(MAX_RECORDS);
  const sent = records.map((record: unknown): SentRecord => {
    if (typeof record !== 'object' || record === null)
      throw new SalesforceError('JSON_PARSER_ERROR', 'each of "records" is a JSON object');
    const { attributes, ...fields } = record as { attributes?: { type?: unknown } };
    return { type: String(attributes?.type ?? ''), fields };
  });
  const changes = sent.filter((record, i) => i === 0 || record.type !== sent[i - 1]?.type).length;
  if (changes > MAX_CHUNKS)
    throw new SalesforceError(
      'LIMIT_EXCEEDED',
      `Cannot have more than ${MAX_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking.`,
    );
  return sent;
}

function tooMany(limit: number): SalesforceError {
  return new SalesforceError(
    'EXCEEDED_ID_LIMIT',
    `record limit reached. cannot submit more than ${limit} records into this call`,
  );
}

function typeOf(org: Org, name: string): ObjectSchema {
  const object = org.schema.find(name);
  if (object === undefined) throw new SalesforceError('INVALID_TYPE', `sObject type '${name}' is not supported.`);
  return object;
}

function createAll(org: Org, call: Call): Answer {
  const rows = sentRecords(call).map(
    ({ type, fields }): RowWork => ({
      object: type,
      run: () => ({ id: createRecord(org, call.writer, typeOf(org, type), fields) }),
    }),
  );
  return ok(runRows(org, call.writer, rows, jsonObject(call).allOrNone === true));
}

function updateAll(org: Org, call: Call): Answer {
  const rows = sentRecords(call).map(({ type, fields }): RowWork => {
    const [, given] = Object.entries(fields).find(([name]) => name.toLowerCase() === 'id') ?? [];
    const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => name.toLowerCase() !== 'id'));
    return {
      object: type,
      id: parseId(String(given)),
      run: () => {
        const object = typeOf(org, type);
        const id = idOf(object, given);
        updateRecord(org, call.writer, object, id, rest);
        return { id };
      },
    };
  });
  return ok(runRows(org, call.writer, rows, jsonObject(call).allOrNone === true));
}

function deleteAll(org: Org, call: Call): Answer {
  const ids = (call.query.get('ids') ?? '')
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
  if (ids.length === 0) throw new SalesforceError('REQUIRED_FIELD_MISSING', 'ids is a required parameter');
  if (ids.length > MAX_RECORDS) throw tooMany(MAX_RECORDS);
  const rows = ids.map((given): RowWork => {
    const id = parseId(given);
    const object = id === undefined ? undefined : org.schema.ofId(id);
    return {
      object: object?.name ?? '',
      id,
      run: () => {
        if (id === undefined || object === undefined)
          throw new SalesforceError('MALFORMED_ID', `malformed id ${given}`);
        deleteRecord(org, call.writer, object, id);
        return { id };
      },
    };
  });
  return ok(runRows(org, call.writer, rows, call.query.get('allOrNone') === 'true'));
}

function upsertAll(org: Org, call: Call): Answer {
  const object = org.schema.object(param(call, 'object'));
  const name = param(call, 'external');
  const external = object.field(name);
  if (external?.externalId !== true)
    throw notFound(`Provided external ID field does not exist or is not accessible: ${name}`);
  const sent = sentRecords(call);
  const rows = sent.map(
    ({ type, fields }): RowWork => ({
      object: object.name,
      run: () => {
        if (type !== '' && type.toLowerCase() !== object.name.toLowerCase())
          throw new SalesforceError('INVALID_TYPE', `records are of type ${object.name}, not ${type}`);
        return upsertRecord(
          org,
          call.writer,
          object,
          external,
          fields,
          sent.map((s) => s.fields),
        );
      },
    }),
  );
  return ok(runRows(org, call.writer, rows, jsonObject(call).allOrNone === true));
}

function retrieve(org: Org, call: Call): Answer {
  const object = org.schema.object(param(call, 'object'));
  const asked: SentFields = call.method === 'GET' ? {} : jsonObject(call);
  const list = (name: string): string[] => {
    const given = asked[name] ?? call.query.get(name)?.split(',');
    if (Array.isArray(given) && given.length > 0) return given.map(String);
    throw new SalesforceError('REQUIRED_FIELD_MISSING', `"${name}" is needed: a list with at least one element`);
  };
  const ids = list('ids');
  if (ids.length > MAX_RETRIEVED) throw tooMany(MAX_RETRIEVED);
  const fields = fieldsParameter(object, list('fields').join(','));
  return ok(
    ids.map((given) => {
      const id = parseId(given.trim());
      const record = id === undefined ? undefined : org.records.table(object.name).get(id);
      return isLive(record) ? recordJson(org, object, record, fields, call.version) : null;
    }),
  );
}
