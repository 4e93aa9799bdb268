/** Every field type by its name. */
import { boolean } from './boolean.ts';
import { date } from './date.ts';
import { datetime } from './datetime.ts';
import type { ColumnShape, FieldType, FieldTypeName } from './field-type.ts';
import { multipicklist } from './multipicklist.ts';
import { number } from './number.ts';
import { reference } from './reference.ts';
import { text } from './text.ts';
import { time } from './time.ts';

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

/** The type of a field as sync.config.ts has it. */
export function fieldTypeOf({ type }: { readonly type: FieldTypeName }): FieldType {
  return FIELD_TYPES[type];
}

/** Whether a column holds values of the type; that of a lookup is compared with the parent's key instead. */
export function fitsColumn(
  { columnTypes, takesEnums, columnForm }: FieldType,
  column: Pick<ColumnShape, 'type' | 'kind' | 'elementKind'>,
): boolean {
  const ofEnum = columnForm === 'set' ? column.elementKind : column.kind;
  return columnTypes?.includes(column.type) !== false || (takesEnums && ofEnum === 'e');
}
