/** What has drifted between the mapping of an object and the columns of its table. */
import { type ObjectMapping, ownColumns } from './configuration.ts';
import { broken, type Drift, named, risky } from './drift.ts';
import { columnHint, spelledName, spelledTable, type TableName, tableHint } from './identifiers.ts';
import { storedFields } from './lookups.ts';

/** What of a column matters here; type names are those of pg_type. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  /** Of varchar(n) and char(n). */
  readonly maxLength: number | null;
  readonly notNull: boolean;
  /** Its default is an empty text. */
  readonly emptyByDefault?: boolean;
  /** `pg_attribute.atttypmod`, of a domain its base type's; absent or -1: none. */
  readonly modifier?: number;
}

/** What of its table is gone. `columns`: undefined when there is no such table; `others`: tables that there are instead. */
export function tableDrift(
  mapping: ObjectMapping,
  columns: readonly TableColumn[] | undefined,
  others: readonly TableName[] = [],
): Drift[] {
  return named(
    mapping,
    columns === undefined
      ? [noTable(mapping, others)]
      : [...missingColumns(mapping, columns), ...keyDrift(mapping, columns)],
  );
}

const KEY_TYPES = ['int2', 'int4', 'int8', 'uuid', 'text', 'varchar'];

/** Only of these types sfsync knows how they spell a value, when a record names a key. */
function keyDrift({ externalIdField, keyColumns }: ObjectMapping, columns: readonly TableColumn[]): Drift[] {
  if (externalIdField === undefined) return [];
  const key = columns.filter(({ name }) => keyColumns.includes(name));
  const others = key.filter(({ type }) => !KEY_TYPES.includes(type));
  return others.map(({ name, type }) =>
    risky(
      `: new rows become records, and the key ${name} is of type ${type}: a record that comes back before its answer makes a second row; use one of ${KEY_TYPES.join(', ')}`,
    ),
  );
}

function noTable(mapping: ObjectMapping, others: readonly TableName[]): Drift {
  const hint = tableHint(mapping, others);
  return broken(`: table ${spelledTable(mapping)} does not exist; create it, or correct sync.config.ts${hint}`);
}

function missingColumns(mapping: ObjectMapping, columns: readonly TableColumn[]): Drift[] {
  const there = new Set(columns.map(({ name }) => name));
  return [...new Set([...ownColumns(mapping), ...storedFields(mapping).map(({ column }) => column)])]
    .filter((column) => !there.has(column))
    .map((column) =>
      broken(
        `: column ${spelledTable(mapping)}.${spelledName(column)} does not exist; add it, or correct sync.config.ts${columnHint(column, [...there])}`,
      ),
    );
}
