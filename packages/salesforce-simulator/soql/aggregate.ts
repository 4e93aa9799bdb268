import type { FieldFunctionExpression, Query } from '@jetstreamapp/soql-parser-js';
import type { StoredRecord } from '../records/stored-record.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldValue } from '../schema/object-definition.ts';
import { compare, folding } from './condition.ts';
import { type FieldPath, type QueryScope, readPath, resolveFilterable } from './field-path.ts';
import type { QueryColumn, Row } from './projection.ts';
import { malformedQuery } from './soql-error.ts';

const FUNCTIONS = ['COUNT', 'COUNT_DISTINCT', 'MIN', 'MAX', 'SUM', 'AVG'];

/** Whether the query answers aggregate rows instead of records. */
export function isAggregate(query: Query): boolean {
  const functions = (query.fields ?? []).filter((f) => f.type === 'FieldFunctionExpression');
  return query.groupBy !== undefined || functions.some((f) => FUNCTIONS.includes(f.functionName.toUpperCase()));
}

interface AggregateResult {
  readonly columns: readonly QueryColumn[];
  readonly totalSize: number;
  readonly rowCount: number;
  readonly rows: (from: number, to: number) => Row[];
}

/** COUNT() and GROUP BY over plain fields. Throws MALFORMED_QUERY for HAVING, ROLLUP, date functions and sorting. */
export function aggregateRows(scope: QueryScope, query: Query, matching: readonly StoredRecord[]): AggregateResult {
  const fields = query.fields ?? [];
  const [only] = fields;
  if (fields.length === 1 && only?.type === 'FieldFunctionExpression' && isBareCount(only))
    return { columns: [], totalSize: Math.min(matching.length, query.limit ?? Infinity), rowCount: 0, rows: () => [] };
  if (query.having !== undefined || query.orderBy !== undefined)
    throw malformedQuery('the org simulator evaluates neither HAVING nor ORDER BY on aggregates');
  const groupPaths = [query.groupBy ?? []].flat().map((clause) => {
    if (!('field' in clause)) throw malformedQuery('the org simulator groups by plain fields only');
    return resolveFilterable(scope, clause.field, 'grouped');
  });
  const groups = group(scope, groupPaths, matching);
  let unnamed = 0;
  const members = fields.map(
    (field): { name: string; path?: FieldPath; of: (records: readonly StoredRecord[]) => FieldValue } => {
      if (field.type === 'FieldFunctionExpression')
        return { name: field.alias ?? `expr${unnamed++}`, of: aggregateFunction(scope, field) };
      if (field.type !== 'Field' && field.type !== 'FieldRelationship')
        throw malformedQuery(`unexpected ${field.type}`);
      const dotted = field.type === 'Field' ? field.field : [...field.relationships, field.field].join('.');
      const path = resolveFilterable(scope, dotted, 'grouped');
      if (!groupPaths.some((g) => g.field === path.field && g.steps.length === path.steps.length))
        throw malformedQuery(`Field must be grouped or aggregated: ${dotted}`);
      return {
        name: ('alias' in field ? field.alias : undefined) ?? path.field.name,
        path,
        of: (records) => (records[0] === undefined ? null : readPath(scope.org, path, records[0])),
      };
    },
  );
  const rows = groups.slice(query.offset ?? 0, (query.offset ?? 0) + (query.limit ?? groups.length)).map((records) => ({
    attributes: { type: 'AggregateResult' },
    ...Object.fromEntries(members.map((member) => [member.name, member.of(records)])),
  }));
  const columns = members.map(({ name, path }) => ({ name, field: path?.field, aggregate: path === undefined }));
  return { columns, totalSize: rows.length, rowCount: rows.length, rows: (from, to) => rows.slice(from, to) };
}

function isBareCount(field: FieldFunctionExpression): boolean {
  return field.functionName.toUpperCase() === 'COUNT' && field.parameters.length === 0;
}

function group(
  scope: QueryScope,
  paths: readonly FieldPath[],
  matching: readonly StoredRecord[],
): (readonly StoredRecord[])[] {
  if (paths.length === 0) return [matching];
  const groups = new Map<string, StoredRecord[]>();
  for (const record of matching) {
    const values = paths.map((path) => {
      const value = readPath(scope.org, path, record);
      return value === null ? null : folding(path.field)(value);
    });
    const key = JSON.stringify(values);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [record]);
    else members.push(record);
  }
  return [...groups.values()];
}

function aggregateFunction(
  scope: QueryScope,
  call: FieldFunctionExpression,
): (records: readonly StoredRecord[]) => FieldValue {
  const name = call.functionName.toUpperCase();
  const [parameter] = call.parameters;
  if (!FUNCTIONS.includes(name)) throw malformedQuery(`the org simulator does not evaluate ${call.functionName}`);
  if (parameter === undefined) return (records) => records.length;
  if (typeof parameter !== 'string')
    throw malformedQuery(`the org simulator does not evaluate ${call.rawValue ?? name}`);
  const path = resolveFilterable(scope, parameter, 'filtered');
  const fold = folding(path.field);
  const numeric = ['int', 'double', 'currency', 'percent'].includes(path.field.type);
  if ((name === 'SUM' || name === 'AVG') && !numeric)
    throw new SalesforceError('INVALID_FIELD', `field ${parameter} does not support aggregate operator ${name}`);
  return (records) => {
    const values = records.flatMap((record) => readPath(scope.org, path, record) ?? []);
    if (name === 'COUNT') return values.length;
    if (name === 'COUNT_DISTINCT') return new Set(values.map(fold)).size;
    if (values.length === 0) return null;
    const sum = () => values.reduce<number>((total, value) => total + Number(value), 0);
    if (name === 'SUM') return sum();
    if (name === 'AVG') return sum() / values.length;
    const sorted = [...values].sort((a, b) => compare(fold(a), fold(b)));
    return (name === 'MIN' ? sorted[0] : sorted.at(-1)) ?? null;
  };
}
