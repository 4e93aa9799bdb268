import type { Org } from '../org.ts';
import { shownValue } from '../records/field-values.ts';
import { type Formula, parseFormula } from '../records/formula.ts';
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
  for (const [at, name] of names.entries()) {
    const step = object.relationship(name);
    const target = step === undefined ? undefined : targetOf(scope.org, step, names[at + 1] ?? last);
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

/** Of a lookup that may point to several objects, the first that has the name (Salesforce knows a Name of its own for these). */
function targetOf(org: Org, { referenceTo = [] }: FieldDefinition, name: string): ObjectSchema | undefined {
  const targets = referenceTo.flatMap((target) => org.schema.find(target) ?? []);
  return targets.find((target) => (target.field(name) ?? target.relationship(name)) !== undefined) ?? targets[0];
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
  const holder = followPath(org, path, record);
  return holder === undefined ? null : heldValue(org, holder, path.field);
}

/** What a record holds in a field that is put together of no parts. */
export function heldValue(org: Org, record: StoredRecord, field: FieldDefinition): FieldValue {
  if (field.formula === undefined) return shownValue(field, record.values[field.name]);
  return evaluated(field.formula)?.((path) => readDotted(org, record, path)) ?? null;
}

const formulas = new Map<string, Formula | undefined>();

function evaluated(text: string): Formula | undefined {
  if (!formulas.has(text)) formulas.set(text, parseFormula(text));
  return formulas.get(text);
}

function readDotted(org: Org, record: StoredRecord, dotted: string): FieldValue | undefined {
  const names = dotted.split('.');
  const last = names.pop() ?? '';
  let at: StoredRecord | undefined = record;
  for (const name of names) {
    // In a formula the lookup Parent__c is spelled Parent__r, as in a query.
    const lookup: FieldDefinition | undefined = org.schema.find(at.object)?.relationship(name);
    const id: FieldValue | undefined = lookup === undefined ? undefined : at.values[lookup.name];
    at = typeof id === 'string' ? org.records.get(id) : undefined;
    if (at === undefined) return undefined;
  }
  const field = org.schema.find(at.object)?.field(last);
  return field === undefined ? undefined : heldValue(org, at, field);
}

/** Long text, encrypted and compound fields can be selected but not filtered, sorted or grouped by. */
export function isFilterable(field: FieldDefinition): boolean {
  if (field.type === 'encryptedstring' || field.type === 'base64') return false;
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
