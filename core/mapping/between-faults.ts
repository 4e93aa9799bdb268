/** What is wrong with what stands between the values of fields and their columns; each fault says what to change. */
import type { FieldMapping, ObjectMapping, SyncDefinition } from './configuration.ts';
import { conversionFaults } from './field-types/converted.ts';
import { FIELD_TYPES } from './field-types/field-types.ts';
import { valueMapFaults } from './field-types/value-map.ts';

type ObjectDefinition = SyncDefinition['objects'][string];
type FieldDefinition = ObjectDefinition['fields'][string];

export function betweenFaults(mapping: ObjectMapping, given: ObjectDefinition | undefined): string[] {
  const { object, fields } = mapping;
  return fields.flatMap((field) => {
    const at = `objects.${object}.fields.${field.field}`;
    const definition = given?.fields[field.field];
    const faults = definition === undefined ? [] : ofField(at, field, definition);
    return [...faults, ...formerlyFaults(mapping, field).map((fault) => `${at}.formerly: ${fault}`)];
  });
}

/** Of the name that the field had in Salesforce before. */
function formerlyFaults({ fields, matchBy }: ObjectMapping, { field, formerly }: FieldMapping): string[] {
  if (formerly === undefined) return [];
  if (formerly === field) return ['is the name of the field itself; name the one that it had before, or remove it'];
  const faults: string[] = [];
  if (fields.some((other) => other.field === formerly)) {
    faults.push(`${formerly} is still mapped, so it is another field; take it out of the mapping, or remove formerly`);
  }
  const first = fields.find((other) => other.formerly === formerly);
  if (first !== undefined && first.field !== field) {
    faults.push(`${first.field} names ${formerly}, too; keep it at the one that it was renamed to`);
  }
  if (matchBy?.field === field) {
    faults.push(
      'records are matched by the field, so that it cannot be left out while what both sides agreed on is carried over; remove formerly, and both sides are merged for the first time',
    );
  }
  return faults;
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
