/** Whether the types of fields in Salesforce are those that the mapping reads. */
import type { FieldMapping, ObjectMapping } from './configuration.ts';
import type { DescribedField, DescribedObject } from './described-object.ts';
import { broken, type Drift, risky } from './drift.ts';
import { FIELD_TYPES } from './field-types/field-types.ts';
import { targetsOf } from './lookups.ts';

/**
 * The answer to a type check, by field: what is, and the change to make. null: the type fits the mapping, so single values do
 * not. Absent: the field was not checked, or the describe does not list it. Of a field that is not mapped, the former name of one
 * (`formerly`): null where Salesforce still has it, else that it is gone.
 */
export type TypeCheck = Readonly<Record<string, string | null>>;

/** Fields that are left out after a type check. */
export function changedFields(types: TypeCheck | undefined): Set<string> {
  return new Set(Object.entries(types ?? {}).flatMap(([field, change]) => (change === null ? [] : [field])));
}

/**
 * Checks the types of these fields by a describe; one that the describe does not list has no answer. A field by whose value
 * records find their rows is never left out: without it they would become second rows, so they are rejected.
 */
export function typeCheck(
  mapping: ObjectMapping,
  described: DescribedObject | undefined,
  names: ReadonlySet<string>,
): TypeCheck {
  const fields = mapping.fields.filter(({ field }) => names.has(field));
  const has = (name: string) => described?.fields.some((each) => each.name === name) === true;
  const isMapped = (name: string) => mapping.fields.some(({ field }) => field === name);
  const former = [...names].filter((name) => described !== undefined && !isMapped(name));
  return Object.fromEntries([
    ...former.map((name): [string, string | null] => [name, has(name) ? null : 'is gone']),
    ...fields.flatMap((field): [string, string | null][] => {
      const found = described?.fields.find(({ name }) => name === field.field);
      if (found === undefined) return [];
      const drift = mapping.matchBy?.field === field.field ? undefined : typeDrift(field, found);
      return [[field.field, drift?.kind === 'broken' ? drift.text : null]];
    }),
  ]);
}

const MASKED =
  'is encrypted, and our user is not known to have the permission View Encrypted Data, so that a mask would be read in the place of its values; give the user that permission, or remove the field from sync.config.ts';

/** Types that no field type reads, and why. */
const UNREAD: Readonly<Record<string, string>> = {
  base64:
    'Salesforce gives an address in its place, and the bytes in a call of their own for each record; remove it from sync.config.ts, and have the application read what it needs',
  address: 'it is put together of fields of its own (street, city and so on), which are read and written; map these',
  location: 'it is put together of two numbers, of which the names end in __Latitude__s and __Longitude__s; map these',
};

/** Whether a field is of another type, or points to other objects, than the mapping says. */
export function typeDrift(field: FieldMapping, found: DescribedField): Drift | undefined {
  const { type } = field;
  if (found.isMasked === true) return broken(MASKED);
  if (!type.describedTypes.includes(found.type)) {
    const why = UNREAD[found.type];
    if (why !== undefined) return broken(`is of type ${found.type}: ${why}`);
    const fitting = Object.values(FIELD_TYPES).find(({ describedTypes }) => describedTypes.includes(found.type));
    const change =
      fitting === undefined ? 'remove it from sync.config.ts' : `map it as ${fitting.name}, with a column to match`;
    const kind = type.readsOtherTypes && fitting !== undefined ? risky : broken;
    return kind(`is a ${found.type} in Salesforce and mapped as ${type.name}; ${change}`);
  }
  const strange = targetsOf(field).filter((object) => !found.referenceTo.includes(object));
  if (strange.length === 0) return undefined;
  const change = field.targets === undefined ? 'name one of them, or map it as text' : 'name only those';
  return broken(
    `points to ${found.referenceTo.join(', ')} in Salesforce and to ${strange.join(', ')} in sync.config.ts; ${change}`,
  );
}
