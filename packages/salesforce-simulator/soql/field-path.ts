import type { Org } from '../org.ts';
import { shownValue } from '../records/field-values.ts';
import type { StoredRecord } from '../records/stored-record.ts';
import type { FieldDefinition, FieldValue } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { soqlError } from './soql-error.ts';

/** A field of the queried object, or of one of its parents (`Account.Owner.Name`). */
export interface FieldPath {
  readonly object: ObjectSchema;
  readonly field: FieldDefinition;
  /** Lookups to follow from the queried record, outermost first. */
  readonly steps: readonly FieldDefinition[];
}

/** What a query names, for messages and for prefixes such as `Account.Name FROM Account` or `a.Name FROM Account a`. */
export interface QueryScope {
  readonly org: Org;
  readonly soql: string;
  readonly object: ObjectSchema;
  readonly alias: string | undefined;
}

const FIELD_ADVICE =
  "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please " +
  'reference your WSDL or the describe call for the appropriate names.';
const RELATIONSHIP_ADVICE =
  "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. " +
  'Please reference your WSDL or the describe call for the appropriate names.';

/** Finds a dotted name. Throws INVALID_FIELD. */
export function resolvePath(scope: QueryScope, dotted: string): FieldPath {
  const names = dotted.split('.');
  const first = names[0]?.toLowerCase();
  if (names.length > 1 && (first === scope.alias?.toLowerCase() || first === scope.object.name.toLowerCase()))
    names.shift();
  const last = names.pop() ?? '';
  const steps: FieldDefinition[] = [];
  let object = scope.object;
  for (const name of names) {
    const step = object.relationship(name);
    const target = step === undefined ? undefined : scope.org.schema.find(step.referenceTo?.[0] ?? '');
    if (step === undefined || target === undefined)
      throw soqlError(
        'INVALID_FIELD',
        scope.soql,
        dotted,
        `Didn't understand relationship '${name}' in field path. ${RELATIONSHIP_ADVICE}`,
      );
    steps.push(step);
    object = target;
  }
  const field = object.field(last);
  if (field === undefined)
    throw soqlError(
      'INVALID_FIELD',
      scope.soql,
      dotted,
      `No such column '${last}' on entity '${object.name}'. ${FIELD_ADVICE}`,
    );
  return { object, field, steps };
}

/** The record that holds the path's field, or undefined when a lookup on the way is empty. */
export function followPath(org: Org, path: FieldPath, record: StoredRecord): StoredRecord | undefined {
  let at: StoredRecord | undefined = record;
  for (const step of path.steps) {
    const id: FieldValue | undefined = at?.values[step.name];
    at = typeof id === 'string' ? org.records.get(id) : undefined;
  }
  return at;
}

export function readPath(org: Org, path: FieldPath, record: StoredRecord): FieldValue {
  return shownValue(path.field, followPath(org, path, record)?.values[path.field.name]);
}

/** Long text, encrypted and compound fields can be selected but not filtered, sorted or grouped by. */
export function isFilterable(field: FieldDefinition): boolean {
  if (field.type === 'encryptedstring') return false;
  return field.parts === undefined && !(field.type === 'textarea' && (field.length ?? 0) > 255);
}

/** Finds a dotted name in a WHERE, ORDER BY or GROUP BY. Throws INVALID_FIELD. */
export function resolveFilterable(
  scope: QueryScope,
  dotted: string,
  use: 'filtered' | 'sorted' | 'grouped',
): FieldPath {
  const path = resolvePath(scope, dotted);
  const sortable = use === 'filtered' || path.field.type !== 'multipicklist';
  if (isFilterable(path.field) && sortable) return path;
  throw soqlError('INVALID_FIELD', scope.soql, dotted, `field '${dotted}' can not be ${use} in a query call`);
}
