import type { OrderByClause, Query, QueryBase } from '@jetstreamapp/soql-parser-js';
import type { Org } from '../org.ts';
import type { StoredRecord } from '../records/stored-record.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { aggregateRows, isAggregate } from './aggregate.ts';
import { candidates } from './candidates.ts';
import { compare, condition, folding } from './condition.ts';
import { type QueryScope, readPath, resolveFilterable } from './field-path.ts';
import { parseSoql } from './parse-query.ts';
import { type QueryColumn, type Row, selection } from './projection.ts';
import { soqlError } from './soql-error.ts';
import { mapTree, type WhereTree, whereTree } from './where-tree.ts';

export interface QueryResult {
  readonly object: ObjectSchema;
  readonly columns: readonly QueryColumn[];
  /** How many rows the query has in all; a bare COUNT() has a size but no rows. */
  readonly totalSize: number;
  readonly rowCount: number;
  /** Rows from..to as JSON; `version` is that of the URLs in them. */
  readonly rows: (from: number, to: number, version: string) => Row[];
}

/**
 * Evaluates SOQL over what is visible now; later writes do not change the result. `deletedToo` is queryAll, which also
 * shows archived activities. Throws
 * SalesforceError: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD and kin.
 */
export function runQuery(org: Org, soql: string, deletedToo: boolean): QueryResult {
  const query = parseSoql(soql);
  const object = org.schema.find(query.sObject);
  if (object === undefined)
    throw soqlError(
      'INVALID_TYPE',
      soql,
      query.sObject,
      `sObject type '${query.sObject}' is not supported. If you are attempting to use a custom object, be sure to append ` +
        "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    );
  const scope: QueryScope = { org, soql, object, alias: query.sObjectAlias };
  if (isAggregate(query)) {
    const matching = select(scope, { ...query, limit: undefined, offset: undefined, orderBy: undefined }, deletedToo);
    return { object, ...aggregateRows(scope, query, matching) };
  }
  const chosen = selection(scope, query, (childScope, child, among) => select(childScope, child, deletedToo, among));
  const records = select(scope, query, deletedToo);
  return {
    object,
    columns: chosen.columns,
    totalSize: records.length,
    rowCount: records.length,
    rows: (from, to, version) => records.slice(from, to).map((record) => chosen.project(record, version)),
  };
}

type Clauses = { [Clause in 'where' | 'orderBy' | 'limit' | 'offset']?: QueryBase[Clause] | undefined };

/** The records of a query (or of a subquery, `among` the children of one record), filtered, sorted and cut. */
export function select(
  scope: QueryScope,
  query: Clauses,
  deletedToo: boolean,
  among?: readonly StoredRecord[],
): readonly StoredRecord[] {
  const { org, object } = scope;
  if ((query.offset ?? 0) > 2000)
    throw new SalesforceError('NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000');
  const table = org.records.table(object.name);
  const tree =
    query.where === undefined
      ? undefined
      : mapTree(whereTree(query.where), (test) =>
          condition(scope, test, (inner) => subqueryValues(scope, inner, deletedToo)),
        );
  const comparator = ordering(scope, [query.orderBy ?? []].flat());
  const indexed = among ?? (tree === undefined ? undefined : candidates(table, tree));
  const pool = indexed === undefined ? table.all() : indexed;
  const visible = pool.filter((r) => (deletedToo || isShown(r)) && (tree === undefined || holds(tree, r)));
  const sorted = indexed === undefined && comparator === undefined ? visible : [...visible].sort(comparator ?? byId);
  const offset = query.offset ?? 0;
  return offset === 0 && query.limit === undefined
    ? sorted
    : sorted.slice(offset, offset + (query.limit ?? sorted.length));
}

/** Plain queries see neither the recycle bin nor archived tasks and events (SOAP API Developer Guide, Archived Activities). */
function isShown({ bin, values }: StoredRecord): boolean {
  return bin === undefined && values.IsArchived !== true;
}

function byId(a: StoredRecord, b: StoredRecord): number {
  return compare(a.id, b.id);
}

function holds(tree: WhereTree<{ holds: (record: StoredRecord) => boolean }>, record: StoredRecord): boolean {
  if (tree.kind === 'test') return tree.test.holds(record);
  if (tree.kind === 'not') return !holds(tree.part, record);
  return tree.kind === 'all' ? tree.parts.every((p) => holds(p, record)) : tree.parts.some((p) => holds(p, record));
}

function subqueryValues(scope: QueryScope, query: Query, deletedToo: boolean): ReadonlySet<string> {
  const { org, soql } = scope;
  const object = org.schema.find(query.sObject ?? '');
  const [field] = query.fields ?? [];
  if (object === undefined || field === undefined || field.type !== 'Field' || query.fields?.length !== 1)
    throw new SalesforceError('MALFORMED_QUERY', 'an inner query selects exactly one field of one known object');
  const inner: QueryScope = { org, soql, object, alias: query.sObjectAlias };
  const path = resolveFilterable(inner, field.field, 'filtered');
  const values = select(inner, query, deletedToo).map((record) => readPath(org, path, record));
  return new Set(values.flatMap((value) => (value === null ? [] : [String(value)])));
}

/** The sort order asked for, by id among equals; nulls come first unless the query says otherwise. */
function ordering(
  scope: QueryScope,
  clauses: readonly OrderByClause[],
): ((a: StoredRecord, b: StoredRecord) => number) | undefined {
  if (clauses.length === 0) return undefined;
  const keys = clauses.map((clause) => {
    if (!('field' in clause))
      throw new SalesforceError(
        'MALFORMED_QUERY',
        'the org simulator does not sort by functions outside of aggregates',
      );
    const path = resolveFilterable(scope, clause.field, 'sorted');
    const fold = folding(path.field);
    const nullsFirst = clause.nulls !== 'LAST' ? -1 : 1;
    const direction = clause.order === 'DESC' ? -1 : 1;
    return (a: StoredRecord, b: StoredRecord) => {
      const [x, y] = [readPath(scope.org, path, a), readPath(scope.org, path, b)];
      if (x === null || y === null) return x === y ? 0 : x === null ? nullsFirst : -nullsFirst;
      return direction * compare(fold(x), fold(y));
    };
  });
  return (a, b) => {
    for (const key of keys) {
      const order = key(a, b);
      if (order !== 0) return order;
    }
    return byId(a, b);
  };
}
