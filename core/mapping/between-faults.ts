/** What is wrong with what stands between the values of fields and their columns; each fault says what to change. */
import type { FieldMapping, ObjectMapping, SyncDefinition } from './configuration.ts';
import { conversionFaults } from './field-types/converted.ts';
import { FIELD_TYPES } from './field-types/field-types.ts';
import { valueMapFaults } from './field-types/value-map.ts';

type ObjectDefinition = SyncDefinition['objects'][string];
type FieldDefinition = ObjectDefinition['fields'][string];

export function betweenFaults({ object, fields }: ObjectMapping, given: ObjectDefinition | undefined): string[] {
  return fields.flatMap((field) => {
    const definition = given?.fields[field.field];
    return definition === undefined ? [] : ofField(`objects.${object}.fields.${field.field}`, field, definition);
  });
}

function ofField(at: string, { direction }: FieldMapping, definition: FieldDefinition): string[] {
  const { type, values, convert } = definition;
  const plain = FIELD_TYPES[type];
  const told = (option: string, faults: readonly string[]) =>
    faults.map((fault) => `${at}.${option}${fault.startsWith(':') ? '' : ': '}${fault}`);
  const faults = [
    ...(values === undefined ? [] : told('values', valueMapFaults(plain, values, direction === 'to-postgres'))),
    ...(convert === undefined ? [] : told('convert', conversionFaults(plain, convert))),
  ];
  if (values !== undefined && convert !== undefined) faults.push(`${at}: has values and convert; keep one of them`);
  return faults;
}
