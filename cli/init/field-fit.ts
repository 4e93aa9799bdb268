/** Which type of sync.config.ts takes a field of Salesforce, and which columns hold it. */

import { neededTypes } from '../../core/mapping/field-types/column-fault.ts';
import { FIELD_TYPE_NAMES, type FieldTypeName } from '../../core/mapping/field-types/field-type.ts';
import { FIELD_TYPES, fitsColumn } from '../../core/mapping/field-types/field-types.ts';
import { canHoldKey } from '../../core/mapping/key-types.ts';
import type { ColumnFacts } from './facts.ts';

/** undefined: no type reads such a field. A lookup to an object that is not mapped is the text of its id. */
export function typeOf(described: string, pointsToMapped: boolean): FieldTypeName | undefined {
  if (described === 'reference' && pointsToMapped) return 'reference';
  return FIELD_TYPE_NAMES.find((name) => FIELD_TYPES[name].describedTypes.includes(described));
}

/** Types of pg_type. A lookup's column has the type of the parent's key. */
export function columnTypes(type: FieldTypeName, keyType: string): readonly string[] {
  return FIELD_TYPES[type].columnTypes ?? [keyType];
}

/** For people. */
export function fittingTypes(type: FieldTypeName, keyType: string): string {
  return FIELD_TYPES[type].columnTypes === undefined ? keyType : neededTypes(FIELD_TYPES[type]);
}

export function fits(type: FieldTypeName, keyType: string, column: ColumnFacts): boolean {
  const fieldType = FIELD_TYPES[type];
  return fieldType.columnTypes === undefined ? canHoldKey(column.type, keyType) : fitsColumn(fieldType, column);
}
