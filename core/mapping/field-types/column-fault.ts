/** Why a column cannot hold the values of a field; it is known before anything is written. */
import type { FieldMapping } from '../configuration.ts';
import type { ColumnShape, FieldType } from './field-type.ts';
import { FIELD_TYPES, fitsColumn } from './field-types.ts';

export interface FittedColumn extends Pick<ColumnShape, 'type' | 'kind' | 'elementKind'> {
  readonly name: string;
  readonly generated: boolean;
  /** generated as identity */
  readonly identity?: boolean;
}

/** The end of the sentence "<column>: "; undefined: it holds them. That of a lookup is compared with the parent's key elsewhere. */
export function columnFault(
  { type, field, direction, zone }: Pick<FieldMapping, 'type' | 'field' | 'direction' | 'zone'>,
  column: FittedColumn,
): string | undefined {
  if (direction !== 'to-salesforce') {
    const change = `give ${field} the direction to-salesforce`;
    if (column.generated) return `is a generated column, which cannot be written; ${change}`;
    if (column.identity === true) return `is an identity column, whose values the database makes; ${change}`;
  }
  if (type.columnTypes === undefined) return undefined;
  if (!fitsColumn(type, column)) {
    return `is of type ${column.type}; ${field} is mapped as ${type.name}, which needs ${neededTypes(type)}; ${changeOf(type, column)}`;
  }
  if (zone === undefined || column.type !== 'timestamptz') return undefined;
  return `is of type timestamptz, whose values have a zone of their own; remove zone from ${field}`;
}

/** What to change about a column of a type that the field's does not fit. */
function changeOf(type: FieldType, column: FittedColumn): string {
  const instead = insteadOf(type, column);
  if (instead !== undefined) return instead;
  const others = Object.values(FIELD_TYPES).filter(
    (each) => each.columnTypes !== undefined && fitsColumn(each, column),
  );
  if (others.length === 0) return 'change the type of the column, or remove the field';
  return `change the type of the column, or, if the field in Salesforce is one, map it as ${others.map(({ name }) => name).join(' or ')}`;
}

/** The change that the field's type knows for such a column. */
export function insteadOf(
  { instead }: FieldType,
  { type, name }: Pick<FittedColumn, 'type' | 'name'>,
): string | undefined {
  return instead?.[type]?.replace("'column'", `'${name}'`);
}

export function neededTypes({ columnTypes = [], takesEnums, columnForm }: FieldType): string {
  const spelled = columnTypes.map((each) => (each.startsWith('_') ? `${each.slice(1)}[]` : each));
  if (!takesEnums) return spelled.join(', ');
  return [...spelled, columnForm === 'set' ? 'an array of an enum' : 'an enum'].join(', ');
}
