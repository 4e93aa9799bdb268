import type { QueryBase, Subquery } from '@jetstreamapp/soql-parser-js';
import type { Org } from '../org.ts';
import { mask } from '../records/field-values.ts';
import type { StoredRecord } from '../records/stored-record.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition, FieldValue } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { type FieldPath, heldValue, type QueryScope, resolvePath } from './field-path.ts';
import { malformedQuery, soqlError } from './soql-error.ts';

export type Row = Record<string, unknown>;

/** A column of the answer, for `columns=true` and for the header of Bulk results. */
export interface QueryColumn {
  /** `Name`, `Account.Name`, or the alias of an aggregate. */
  readonly name: string;
  readonly field: FieldDefinition | undefined;
  readonly aggregate: boolean;
}

export interface Selection {
  readonly columns: readonly QueryColumn[];
  readonly project: (record: StoredRecord, version: string) => Row;
}

/** Runs the inner query of `(SELECT ... FROM Contacts)` among the children of one record. */
export type SelectChildren = (
  scope: QueryScope,
  query: Subquery,
  among: readonly StoredRecord[],
) => readonly StoredRecord[];

type Part = (record: StoredRecord, version: string, row: Row) => void;

/** Resolves the SELECT list. Throws INVALID_FIELD, and MALFORMED_QUERY for fields named twice. */
export function selection(scope: QueryScope, query: QueryBase, selectChildren: SelectChildren): Selection {
  const parts: Part[] = [];
  const columns: QueryColumn[] = [];
  const add = (path: FieldPath) => {
    const name = [...path.steps.map((step) => step.relationshipName), path.field.name].join('.');
    if (columns.some((column) => column.name === name)) throw malformedQuery(`duplicate field selected: ${name}`);
    columns.push({ name, field: path.field, aggregate: false });
    parts.push((record, version, row) => put(scope.org, path, record, version, row));
  };
  for (const field of query.fields ?? []) {
    if (field.type === 'Field') add(resolvePath(scope, field.field));
    else if (field.type === 'FieldRelationship')
      add(resolvePath(scope, [...field.relationships, field.field].join('.')));
    else if (field.type === 'FieldFunctionExpression' && field.functionName.toUpperCase() === 'FIELDS')
      for (const one of fieldsFunction(scope, query, String(field.parameters[0])))
        add({ object: scope.object, field: one, steps: [] });
    else if (field.type === 'FieldSubquery') parts.push(children(scope, field.subquery, selectChildren));
    else
      throw malformedQuery(`the org simulator does not evaluate ${'rawValue' in field ? field.rawValue : field.type}`);
  }
  const project = (record: StoredRecord, version: string): Row => {
    const row: Row = { attributes: attributes(scope.object.name, record.id, version) };
    for (const part of parts) part(record, version, row);
    return row;
  };
  return { columns, project };
}

/** The `attributes` member of every record in JSON. */
export function attributes(object: string, id: string, version: string): object {
  return { type: object, url: `/services/data/v${version}/sobjects/${object}/${id}` };
}

/** What our user sees of a value. */
function seenValue(org: Org, record: StoredRecord, field: FieldDefinition): FieldValue {
  const viewsEncrypted = org.faults.isOn('viewEncryptedData');
  if (record.object === 'UserPermissionAccess' && field.name === 'PermissionsViewEncryptedData') return viewsEncrypted;
  const shown = heldValue(org, record, field);
  return field.type === 'encryptedstring' && !viewsEncrypted ? mask(shown) : shown;
}

/** A field as JSON shows it; compound fields are put together from their parts, null when all are empty. */
export function readField(org: Org, record: StoredRecord, field: FieldDefinition, version: string): unknown {
  if (field.parts === undefined) {
    const seen = seenValue(org, record, field);
    return field.type === 'base64' && seen !== null ? blobUrl(record, field, version) : seen;
  }
  const parts = Object.entries(field.parts).map(([key, name]) => [key, record.values[name] ?? null] as const);
  if (parts.every(([, value]) => value === null)) return null;
  return { ...Object.fromEntries(parts), ...(field.type === 'address' ? { geocodeAccuracy: null } : {}) };
}

/** The bytes themselves are no part of a record in JSON (sObject Blob Retrieve). */
function blobUrl({ object, id }: StoredRecord, { name }: FieldDefinition, version: string): string {
  return `/services/data/v${version}/sobjects/${object}/${id}/${name}`;
}

function put(org: Org, path: FieldPath, record: StoredRecord, version: string, row: Row): void {
  let at: StoredRecord = record;
  let target = row;
  for (const step of path.steps) {
    const name = step.relationshipName ?? step.name;
    const parentId = at.values[step.name];
    const parent = typeof parentId === 'string' ? org.records.get(parentId) : undefined;
    if (parent === undefined) {
      target[name] = null;
      return;
    }
    target[name] ??= { attributes: attributes(parent.object, parent.id, version) };
    target = target[name] as Row;
    at = parent;
  }
  target[path.field.name] = readField(org, at, path.field, version);
}

function fieldsFunction(scope: QueryScope, query: QueryBase, which: string): readonly FieldDefinition[] {
  const visible = scope.object.visibleFields;
  const group = which.toUpperCase();
  if (group === 'STANDARD') return visible.filter((f) => !f.name.endsWith('__c'));
  if (group !== 'ALL' && group !== 'CUSTOM') throw malformedQuery(`unexpected token: '${which}'`);
  if (query.limit === undefined || query.limit > 200)
    throw malformedQuery('The SOQL FIELDS function must have a LIMIT of at most 200');
  return group === 'ALL' ? visible : visible.filter((f) => f.name.endsWith('__c'));
}

function children(scope: QueryScope, query: Subquery, selectChildren: SelectChildren): Part {
  const name = query.relationshipName;
  const found = scope.object.children.find(
    ({ field }) => field.childRelationshipName?.toLowerCase() === name.toLowerCase(),
  );
  if (found === undefined)
    throw soqlError(
      'INVALID_TYPE',
      scope.soql,
      name,
      `Didn't understand relationship '${name}' in FROM part of query call.`,
    );
  const childScope: QueryScope = { ...scope, object: found.child as ObjectSchema, alias: query.sObjectAlias };
  const inner = selection(childScope, query, () => {
    throw new SalesforceError('MALFORMED_QUERY', 'the org simulator evaluates one level of inner queries');
  });
  const relationship = found.field.childRelationshipName ?? name;
  return (record, version, row) => {
    const among = scope.org.records.table(found.child.name).findBy(found.field.name, record.id);
    const records = selectChildren(childScope, query, among).map((child) => inner.project(child, version));
    row[relationship] = records.length === 0 ? null : { totalSize: records.length, done: true, records };
  };
}
