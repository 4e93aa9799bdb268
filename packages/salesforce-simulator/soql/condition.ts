import type { ConditionWithValueQuery, Operator, Query } from '@jetstreamapp/soql-parser-js';
import type { StoredRecord } from '../records/stored-record.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition, FieldValue } from '../schema/object-definition.ts';
import { type FieldPath, type QueryScope, readPath, resolveFilterable } from './field-path.ts';
import { type Literal, likePattern, readLiteral, unquote } from './literal.ts';
import { malformedQuery } from './soql-error.ts';

/** One comparison of a WHERE clause, ready to be tried on records. */
export interface Condition {
  readonly path: FieldPath;
  readonly operator: Operator;
  readonly literals: readonly Literal[];
  readonly holds: (record: StoredRecord) => boolean;
}

type Test = Exclude<ConditionWithValueQuery, { openParen: number }>;
/** Runs the inner query of `IN (SELECT ...)` and answers the values of its one field. */
export type SubqueryValues = (query: Query) => ReadonlySet<string>;

/** Makes a comparison. Throws INVALID_FIELD, MALFORMED_QUERY and kin. */
export function condition(scope: QueryScope, test: Test, subqueryValues: SubqueryValues): Condition {
  if ('fn' in test)
    throw malformedQuery(`the org simulator does not evaluate ${test.fn.rawValue ?? 'functions'} in WHERE`);
  const path = resolveFilterable(scope, test.field, 'filtered');
  const { operator } = test;
  const read = (record: StoredRecord) => readPath(scope.org, path, record);
  if ('valueQuery' in test) {
    const values = subqueryValues(test.valueQuery);
    const literals = [...values].map((value): Literal => ({ kind: 'value', value }));
    const isIn = (record: StoredRecord) => values.has(String(read(record)));
    const holds = operator === 'NOT IN' ? (r: StoredRecord) => read(r) !== null && !isIn(r) : isIn;
    return { path, operator, literals, holds };
  }
  const texts = Array.isArray(test.value) ? test.value : [test.value];
  const types = texts.map((_, i) => (Array.isArray(test.literalType) ? test.literalType[i] : test.literalType));
  const literal = (text: string, i: number) => readLiteral(scope.soql, path.field, types[i], text, scope.org.now());
  if (operator === 'LIKE') {
    if (types[0] !== 'STRING' || !['string', 'phone', 'email', 'url', 'picklist', 'textarea'].includes(path.field.type))
      throw new SalesforceError('INVALID_FIELD', `invalid operator on ${path.field.type} field: ${path.field.name}`);
    const pattern = likePattern(texts[0]!);
    const matches = (value: FieldValue) => value !== null && pattern.test(String(value));
    return { path, operator, literals: [], holds: (record) => matches(read(record)) };
  }
  if (operator === 'INCLUDES' || operator === 'EXCLUDES') {
    const wanted = texts.map((text) => unquote(text).split(';'));
    const includes = (record: StoredRecord) => {
      const chosen = String(read(record) ?? '').split(';');
      return wanted.some((parts) => parts.every((part) => chosen.includes(part)));
    };
    return { path, operator, literals: [], holds: operator === 'INCLUDES' ? includes : (r) => !includes(r) };
  }
  const literals = texts.map(literal);
  return { path, operator, literals, holds: comparison(path.field, operator, literals, read) };
}

function comparison(
  field: FieldDefinition,
  operator: Operator,
  literals: readonly Literal[],
  read: (record: StoredRecord) => FieldValue,
): (record: StoredRecord) => boolean {
  const fold = folding(field);
  const first = literals[0] ?? { kind: 'null' };
  const low = first.kind === 'null' ? null : fold(first.kind === 'span' ? first.start : first.value);
  const order = (record: StoredRecord, edge: Ordered | null): number => {
    const value = read(record);
    return value === null || edge === null ? Number.NaN : compare(fold(value), edge);
  };
  const span = first.kind === 'span' ? first : undefined;
  const equals = (value: FieldValue, literal: Literal) => {
    if (literal.kind === 'null' || value === null) return literal.kind === 'null' && value === null;
    if (literal.kind === 'span') return value >= literal.start && value < literal.end;
    return fold(value) === fold(literal.value);
  };
  switch (operator) {
    case '=':
      return (record) => equals(read(record), first);
    case '!=':
      return (record) => !equals(read(record), first);
    case 'IN':
    case 'NOT IN': {
      const plain = new Set(literals.flatMap((l) => (l.kind === 'value' ? [fold(l.value)] : [])));
      const others = literals.filter((l) => l.kind !== 'value');
      const isIn = (value: FieldValue) =>
        (value !== null && plain.has(fold(value))) || others.some((l) => equals(value, l));
      return operator === 'IN' ? (record) => isIn(read(record)) : (record) => !isIn(read(record));
    }
    case '<':
      return (record) => order(record, low) < 0;
    case '>=':
      return (record) => order(record, low) >= 0;
    case '<=':
      return span === undefined ? (record) => order(record, low) <= 0 : (record) => order(record, span.end) < 0;
    case '>':
      return span === undefined ? (record) => order(record, low) > 0 : (record) => order(record, span.end) >= 0;
    default:
      throw malformedQuery(`unexpected token: '${operator}'`);
  }
}

type Ordered = string | number | boolean;

/**
 * How values of a field compare: text without case, unless the field is unique and case sensitive (SOQL and SOSL Reference, comparison
 * operators); ids with it, and so does what looks the same either way.
 */
export function folding(field: FieldDefinition): (value: Ordered) => Ordered {
  const exact = field.caseSensitive === true || ['id', 'reference', 'date', 'datetime'].includes(field.type);
  return (value) => (typeof value === 'string' && !exact ? value.toLowerCase() : value);
}

/** Below 0, 0 or above 0, of two folded values. */
export function compare(a: Ordered, b: Ordered): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
