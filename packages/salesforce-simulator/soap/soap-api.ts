import type { Answer, Call, Route } from '../call.ts';
import type { Org } from '../org.ts';
import { commit } from '../records/commit.ts';
import { toDatetime } from '../records/instant.ts';
import { mergeRecords } from '../records/merge.ts';
import { parseId } from '../records/record-id.ts';
import { deleteRecord, emptyFromBin, undeleteRecord } from '../records/recycle-bin.ts';
import { type RowResult, type RowWork, runRows } from '../records/row-batch.ts';
import { createRecord, updateRecord } from '../records/save.ts';
import type { SentFields } from '../records/sent-fields.ts';
import { upsertRecord } from '../records/upsert.ts';
import { checkVersion } from '../rest/api-versions.ts';
import { rowError, SalesforceError } from '../salesforce-error.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import type { Sessions } from '../sessions.ts';
import { child, children, readEnvelope, soapAnswer, soapFault, text, type XmlNode } from './envelope.ts';
import { login, userInfo } from './soap-login.ts';

/** The Partner SOAP API, as far as REST has no equal: undelete, merge, emptyRecycleBin; and the calls around them. */
export function soapRoutes(sessions: Sessions): readonly Route[] {
  const methods = { POST: (org: Org, call: Call) => answer(org, call, sessions) };
  const common = { kind: 'soap', open: true, refuse: soapFault, methods };
  return [
    { ...common, pattern: 'services/Soap/u/:version' },
    { ...common, pattern: 'services/Soap/u/:version/:organization' },
  ];
}

type Operation = (org: Org, call: Call, parameters: XmlNode) => object | readonly object[];

const OPERATIONS: Readonly<Record<string, Operation>> = {
  undelete: (org, call, parameters) =>
    withIds(org, call, parameters, (id) => {
      undeleteRecord(org, call.writer, id);
    }),
  delete: (org, call, parameters) =>
    withIds(org, call, parameters, (id, object) => {
      deleteRecord(org, call.writer, object, id);
    }),
  emptyRecycleBin: (org, call, parameters) =>
    withIds(org, call, parameters, (id) => {
      emptyFromBin(org, call.writer, id);
    }),
  merge: (org, call, parameters) => children(parameters, 'mergeRequests').map((request) => merge(org, call, request)),
  create: (org, call, parameters) =>
    withRecords(org, call, parameters, ({ object, fields }) => ({
      id: createRecord(org, call.writer, object, fields),
    })),
  update: (org, call, parameters) =>
    withRecords(org, call, parameters, ({ object, id, fields }) => {
      if (id === undefined) throw new SalesforceError('MISSING_ARGUMENT', 'Id not specified in an update call');
      updateRecord(org, call.writer, object, id, fields);
      return { id };
    }),
  upsert: (org, call, parameters) => {
    const name = text(child(parameters, 'externalIDFieldName')) ?? '';
    return withRecords(org, call, parameters, ({ object, fields }) => {
      const external = object.field(name);
      if (external?.externalId !== true)
        throw new SalesforceError('INVALID_FIELD', `${name} is no external id of ${object.name}`);
      return upsertRecord(org, call.writer, object, external, fields, [fields]);
    });
  },
  getServerTimestamp: (org) => ({ timestamp: toDatetime(org.now()).replace('+0000', 'Z') }),
  getUserInfo: (org) => userInfo(org),
};

function answer(org: Org, call: Call, sessions: Sessions): Answer {
  try {
    checkVersion(call.version);
  } catch {
    throw new SalesforceError('UNSUPPORTED_API_VERSION', `Invalid Api version specified on URL: ${call.version}`);
  }
  const { operation, parameters, sessionId } = readEnvelope(call.body);
  if (operation === 'login') return soapAnswer('login', login(org, call, sessions, parameters));
  if (sessionId === undefined || !sessions.isValid(sessionId, org.now()))
    throw new SalesforceError('INVALID_SESSION_ID', 'Invalid Session ID found in SessionHeader: Illegal Session');
  const run = OPERATIONS[operation];
  if (run === undefined)
    throw new SalesforceError(
      'INVALID_OPERATION',
      `the org simulator has no SOAP operation ${operation}; it has login, ${Object.keys(OPERATIONS).join(', ')}`,
    );
  return soapAnswer(operation, run(org, call, parameters));
}

const MAX_ROWS = 200;

function checkCount(count: number): void {
  if (count > MAX_ROWS)
    throw new SalesforceError('EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${MAX_ROWS} records`);
}

function withIds(
  org: Org,
  call: Call,
  parameters: XmlNode,
  work: (id: string, object: ObjectSchema) => void,
): readonly object[] {
  const ids = children(parameters, 'ids').map((node) => text(node) ?? '');
  checkCount(ids.length);
  const rows = ids.map((given): RowWork => {
    const id = parseId(given);
    const object = id === undefined ? undefined : org.schema.ofId(id);
    return {
      object: object?.name ?? '',
      id,
      run: () => {
        if (id === undefined || object === undefined) throw new SalesforceError('MALFORMED_ID', `bad id ${given}`);
        work(id, object);
        return { id };
      },
    };
  });
  return runRows(org, call.writer, rows, false).map(resultXml);
}

interface SoapRecord {
  readonly object: ObjectSchema;
  readonly id: string | undefined;
  readonly fields: SentFields;
}

/** An sObject: `type`, `Id`, fields by name, and `fieldsToNull`. */
function soapRecord(org: Org, node: XmlNode): SoapRecord {
  const type = text(child(node, 'type')) ?? '';
  const object = org.schema.find(type);
  if (object === undefined) throw new SalesforceError('INVALID_TYPE', `sObject type '${type}' is not supported.`);
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(typeof node === 'object' ? node : {}))
    if (!['type', 'Id', 'id', 'fieldsToNull'].includes(name) && /^[A-Za-z]/.test(name))
      fields[name] = text(value) ?? null;
  for (const name of children(node, 'fieldsToNull')) fields[text(name) ?? ''] = null;
  return { object, id: parseId(text(child(node, 'Id')) ?? text(child(node, 'id')) ?? ''), fields };
}

function withRecords(
  org: Org,
  call: Call,
  parameters: XmlNode,
  work: (record: SoapRecord) => { readonly id: string; readonly created?: boolean },
): readonly object[] {
  const nodes = children(parameters, 'sObjects');
  checkCount(nodes.length);
  const rows = nodes.map((node): RowWork => {
    const object = text(child(node, 'type')) ?? '';
    return { object, run: () => work(soapRecord(org, node)) };
  });
  return runRows(org, call.writer, rows, false).map(resultXml);
}

function merge(org: Org, call: Call, request: XmlNode): object {
  try {
    const { object, id, fields } = soapRecord(org, child(request, 'masterRecord'));
    const losers = children(request, 'recordToMergeIds').map((node) => parseId(text(node) ?? ''));
    if (id === undefined || losers.some((loser) => loser === undefined))
      throw new SalesforceError('MALFORMED_ID', 'masterRecord and recordToMergeIds need record ids');
    const { mergedRecordIds, updatedRelatedIds } = commit(org, call.writer, [object.name], () =>
      mergeRecords(
        org,
        call.writer,
        object,
        id,
        losers.filter((loser) => loser !== undefined),
        fields,
      ),
    );
    return { id, mergedRecordIds, success: true, updatedRelatedIds };
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    return resultXml({ success: false, errors: [rowError(error)] });
  }
}

function resultXml({ id, success, created, errors }: RowResult): object {
  const marks = created === undefined ? {} : { created };
  return { ...marks, errors, id: id ?? { '@xsi:nil': 'true' }, success };
}
