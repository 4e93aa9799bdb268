/** Whether the types of fields in Salesforce are those that the mapping reads. */
import type { FieldMapping, ObjectMapping } from './configuration.ts';
import type { DescribedField, DescribedObject } from './described-object.ts';
import { broken, type Drift, risky } from './drift.ts';
import { FIELD_TYPES } from './field-types/field-types.ts';

/**
 * What Salesforce said of the types of fields in doubt, by field: what is, and the change to make. null: the type fits the
 * mapping, so it is single values that do not. Absent: nobody asked, or Salesforce does not tell the field.
 */
export type DoubtedTypes = Readonly<Record<string, string | null>>;

/** Fields that are left out, by what Salesforce said of them. */
export function changedFields(types: DoubtedTypes | undefined): Set<string> {
  return new Set(Object.entries(types ?? {}).flatMap(([field, change]) => (change === null ? [] : [field])));
}

/**
 * What a describe says of the types of fields in doubt. It says nothing of one that Salesforce does not tell. A field by whose
 * value records find their rows is never of another type: without it they would become second rows, so they are rejected.
 */
export function doubtedTypes(
  mapping: ObjectMapping,
  described: DescribedObject | undefined,
  doubted: ReadonlySet<string>,
): DoubtedTypes {
  const fields = mapping.fields.filter(({ field }) => doubted.has(field));
  return Object.fromEntries(
    fields.flatMap((field): [string, string | null][] => {
      const found = described?.fields.find(({ name }) => name === field.field);
      if (found === undefined) return [];
      const drift = mapping.matchBy?.field === field.field ? undefined : typeDrift(field, found);
      return [[field.field, drift?.kind === 'broken' ? drift.text : null]];
    }),
  );
}

/** Whether a field is of another type, or points to other objects, than the mapping says. */
export function typeDrift({ type, references }: FieldMapping, found: DescribedField): Drift | undefined {
  if (!type.describedTypes.includes(found.type)) {
    const fitting = Object.values(FIELD_TYPES).find(({ describedTypes }) => describedTypes.includes(found.type));
    const change =
      fitting === undefined ? 'remove it from sync.config.ts' : `map it as ${fitting.name}, with a column to match`;
    const kind = type.readsOtherTypes && fitting !== undefined ? risky : broken;
    return kind(`is a ${found.type} in Salesforce and mapped as ${type.name}; ${change}`);
  }
  if (references === undefined || found.referenceTo.includes(references)) return undefined;
  return broken(
    `points to ${found.referenceTo.join(', ')} in Salesforce and to ${references} in sync.config.ts; name one of them, or map it as text`,
  );
}
