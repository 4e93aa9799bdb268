import { type Answer, type Call, ok, param, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { QueryCursors } from '../soql/query-cursors.ts';
import { type QueryResult, runQuery } from '../soql/run-query.ts';

const MAX_PAGE = 2000;
const MIN_PAGE = 200;

/** `/query`, `/queryAll` and their locators; the Tooling API knows no object here. */
export function queryRoutes(cursors: QueryCursors): readonly Route[] {
  const ask = (deletedToo: boolean) => (org: Org, call: Call) => query(org, call, cursors, deletedToo);
  const more = (org: Org, call: Call) => {
    const { id, result, position } = cursors.find(param(call, 'locator'));
    return ok(page(org, call, id, result, position));
  };
  return [
    { pattern: 'query', kind: 'query', methods: { GET: ask(false), HEAD: ask(false) } },
    { pattern: 'queryAll', kind: 'queryAll', methods: { GET: ask(true), HEAD: ask(true) } },
    { pattern: 'query/:locator', kind: 'query', methods: { GET: more } },
    { pattern: 'queryAll/:locator', kind: 'queryAll', methods: { GET: more } },
    { pattern: 'tooling/query', kind: 'tooling', methods: { GET: refuseTooling } },
  ];
}

function soqlOf(call: Call): string {
  const soql = call.query.get('q');
  if (soql === null || soql.trim() === '')
    throw new SalesforceError('MALFORMED_QUERY', 'A query string has to be specified');
  return soql;
}

function query(org: Org, call: Call, cursors: QueryCursors, deletedToo: boolean): Answer {
  const result = runQuery(org, soqlOf(call), deletedToo);
  if (call.query.get('columns') === 'true') return ok(columnMetadata(result));
  const size = pageSize(org, call, result.object.name);
  const id = result.rowCount > size ? cursors.open(result) : '';
  return ok(page(org, call, id, result, 0, size));
}

function page(org: Org, call: Call, id: string, result: QueryResult, from: number, size?: number): object {
  const to = Math.min(result.rowCount, from + (size ?? pageSize(org, call, result.object.name)));
  const done = to >= result.rowCount;
  const next = done ? {} : { nextRecordsUrl: `/services/data/v${call.version}/query/${id}-${to}` };
  return { totalSize: result.totalSize, done, ...next, records: result.rows(from, to, call.version) };
}

/** Records a page: what `Sforce-Query-Options: batchSize=N` asks for, within 200 and 2,000. */
function pageSize(org: Org, call: Call, object: string): number {
  const small = org.faults.strike('smallPages', {
    kind: call.writer.kind,
    objects: [object],
    client: call.writer.client,
  });
  if (small !== undefined) return small.size;
  const asked = /batchSize\s*=\s*(\d+)/i.exec(String(call.headers['sforce-query-options'] ?? ''))?.[1];
  return asked === undefined ? MAX_PAGE : Math.min(MAX_PAGE, Math.max(MIN_PAGE, Number(asked)));
}

function columnMetadata(result: QueryResult): object {
  const columnMetadata = result.columns.map(({ name, field, aggregate }) => ({
    aggregate,
    apexType: field === undefined ? 'Integer' : 'String',
    booleanType: field?.type === 'boolean',
    columnName: name,
    custom: field?.name.endsWith('__c') ?? false,
    displayName: name,
    foreignKeyName: null,
    insertable: field?.readOnly !== true,
    joinColumns: [],
    numberType: ['int', 'double', 'currency', 'percent'].includes(field?.type ?? 'int'),
    textType: ['string', 'textarea', 'phone', 'email', 'url', 'picklist'].includes(field?.type ?? ''),
    updatable: field?.readOnly !== true,
  }));
  return {
    columnMetadata,
    entityName: result.object.name,
    groupBy: false,
    idSelected: false,
    keyPrefix: result.object.definition.keyPrefix,
  };
}

function refuseTooling(_org: Org, call: Call): Answer {
  const object = /\bFROM\s+(\w+)/i.exec(soqlOf(call))?.[1] ?? '';
  throw new SalesforceError('INVALID_TYPE', `sObject type '${object}' is not supported.`);
}
