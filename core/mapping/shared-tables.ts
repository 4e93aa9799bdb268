/**
 * Tables of several objects, as in single-table inheritance. Each row is one object's by the values of its filter, and at most one's: so
 * these have to differ, and what tells the objects apart is nobody's to write but the application's.
 */
import type { FilterValue, ObjectMapping } from './configuration.ts';
import { spelledName, spelledTable } from './identifiers.ts';
import { storedFields } from './lookups.ts';

/** The objects that have the table with this one, which is left out. */
export function tableMates(objects: readonly ObjectMapping[], mapping: ObjectMapping): readonly ObjectMapping[] {
  const table = spelledTable(mapping);
  return objects.filter((each) => each.object !== mapping.object && spelledTable(each) === table);
}

/** Each two objects that have one table. */
export function sharing(objects: readonly ObjectMapping[]): (readonly [ObjectMapping, ObjectMapping])[] {
  return objects.flatMap((one, i) => tableMates(objects.slice(i), one).map((other) => [one, other] as const));
}

/**
 * Columns whose values tell the two apart, as far as texts show it: whether the column's type does as well, the database says
 * (`1` and `'01'` are one integer).
 */
export function telling(one: ObjectMapping, other: ObjectMapping): string[] {
  const others = other.filter?.values ?? {};
  return Object.entries(one.filter?.values ?? {}).flatMap(([column, values]) => {
    const theirs = new Set(others[column]?.map(asText));
    return others[column] === undefined || values.some((value) => theirs.has(asText(value))) ? [] : [column];
  });
}

function asText(value: FilterValue): string | null {
  return value === null ? null : String(value);
}

export function sharedTableFaults(objects: readonly ObjectMapping[]): string[] {
  return sharing(objects).flatMap(([one, other]) => [
    ...pairFaults(one, other),
    ...writtenByOther(one, other),
    ...writtenByOther(other, one),
  ]);
}

function pairFaults(one: ObjectMapping, other: ObjectMapping): string[] {
  const at = `objects: ${one.object} and ${other.object} have table ${spelledTable(one)}`;
  const faults: string[] = [];
  if (telling(one, other).length === 0) {
    faults.push(
      `${at}, and a row of one might be the other's, too; give each filter.values with one column in which they differ, such as { type: '${one.object}' } and { type: '${other.object}' }`,
    );
  }
  if (one.keyColumns.join('\0') !== other.keyColumns.join('\0')) {
    faults.push(
      `${at} by different keys (${[one, other].map(({ keyColumns }) => keyColumns.map(spelledName).join(', ')).join('; ')}); name its primary key for both`,
    );
  }
  if (one.salesforceIdColumn === other.salesforceIdColumn) {
    faults.push(
      `${at} and one column ${spelledName(one.salesforceIdColumn)} for ids; a row that becomes the other's would carry the id of a record that it is not; give each a salesforceId column of its own`,
    );
  }
  return faults;
}

/** What records of `writer` bring into columns that say whose a row of `owner` is. */
function writtenByOther(owner: ObjectMapping, writer: ObjectMapping): string[] {
  const own = new Set([owner.salesforceIdColumn, ...Object.keys(owner.filter?.values ?? {})]);
  const { touchColumn, createdAtColumn, lockVersionColumn, deletedAtColumn } = writer;
  const written = [
    ...storedFields(writer).flatMap(({ field, column, direction }) =>
      direction === 'to-salesforce' ? [] : [[`fields.${field}`, column] as const],
    ),
    ...Object.entries({
      touch: touchColumn,
      createdAt: createdAtColumn,
      lockVersion: lockVersionColumn,
      deletedAt: deletedAtColumn,
    }).flatMap(([option, column]) => (column === undefined ? [] : [[option, column] as const])),
  ];
  return written
    .filter(([, column]) => own.has(column))
    .map(
      ([option, column]) =>
        `objects.${writer.object}.${option}: column ${spelledName(column)} says which rows are those of ${owner.object}, which has the same table; name another column`,
    );
}
