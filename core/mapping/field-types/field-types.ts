/** Every field type by its name. */
import { UTC } from '../local-time.ts';
import { boolean } from './boolean.ts';
import { type AnyConversion, converted, isConvertible } from './converted.ts';
import { date } from './date.ts';
import { datetime } from './datetime.ts';
import { dayIn } from './day-in.ts';
import type { ColumnShape, FieldType, FieldTypeName } from './field-type.ts';
import { inZone } from './in-zone.ts';
import { multipicklist } from './multipicklist.ts';
import { number } from './number.ts';
import { reference } from './reference.ts';
import { richText } from './rich-text.ts';
import { text } from './text.ts';
import { time } from './time.ts';
import { isMappable, type ValueMap, withValues } from './value-map.ts';

export const FIELD_TYPES: Readonly<{ [Name in FieldTypeName]: FieldType & { readonly name: Name } }> = {
  text,
  number,
  boolean,
  date,
  datetime,
  time,
  multipicklist,
  reference,
};

/** A field as far as its type depends on it. */
interface TypeDefinition {
  readonly type: FieldTypeName;
  readonly zone?: string | undefined;
  readonly dayIn?: string | undefined;
  readonly values?: ValueMap | undefined;
  readonly convert?: AnyConversion | undefined;
  readonly html?: boolean | undefined;
}

/** The type of a field as sync.config.ts has it. `ownZone`: that of the object's columns. */
export function fieldTypeOf(definition: TypeDefinition, ownZone: string = UTC): FieldType {
  const { type, zone, dayIn: day, values, convert, html } = definition;
  const plain = FIELD_TYPES[type];
  // The functions are given what the column holds, whatever its type.
  if (convert !== undefined && isConvertible(plain)) return converted(plain, convert);
  if (values !== undefined && isMappable(plain)) return withValues(plain, values);
  if (html === true && type === 'text') return richText(plain);
  if (type === 'datetime') return inZone(zone ?? ownZone);
  return type === 'date' && day !== undefined ? dayIn(day, zone ?? ownZone) : plain;
}

/** Whether a column holds values of the type; that of a lookup is compared with the parent's key instead. */
export function fitsColumn(
  { columnTypes, takesEnums, columnForm }: FieldType,
  column: Pick<ColumnShape, 'type' | 'kind' | 'elementKind'>,
): boolean {
  const ofEnum = columnForm === 'set' ? column.elementKind : column.kind;
  return columnTypes?.includes(column.type) !== false || (takesEnums && ofEnum === 'e');
}
