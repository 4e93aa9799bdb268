/**
 * What the database must be like before anything is created in it. Everything that would stop the pipelines later, or
 * break the application's own writes (an UPDATE of a published table without replica identity fails), is a fault here.
 */
import type pg from 'pg';
import {
  type FieldMapping,
  lookupColumns,
  type ObjectMapping,
  type SyncConfiguration,
  seenBy,
} from '../../core/mapping/configuration.ts';
import { columnFault } from '../../core/mapping/field-types/column-fault.ts';
import { columnHint, spelledName, spelledTable, type TableName, tableHint } from '../../core/mapping/identifiers.ts';
import { canHoldKey } from '../../core/mapping/key-types.ts';
import { isLookup, type Lookup, lookupsOf, storedFields, storedIn, targetsOf } from '../../core/mapping/lookups.ts';
import { sharing } from '../../core/mapping/shared-tables.ts';
import { insertFault } from '../tables/own-columns.ts';
import { filterFault, likenessFault } from '../tables/row-filter.ts';
import type { ServerFacts } from './server-facts.ts';
import type { CatalogColumn, CatalogTable } from './table-catalog.ts';
import { visibilityFaults } from './visibility.ts';

const OLDEST_SERVER = 150_000;
const ACTIVE_ORIGINS_SETTING_SINCE = 180_000;

/** Faults of the server's settings. `slot`: the name of the slot that is to exist. */
export function serverFaults(server: ServerFacts, origins: number): string[] {
  const faults: string[] = [];
  if (server.version < OLDEST_SERVER) faults.push('the server: PostgreSQL 15 or newer is needed');
  if (server.walLevel !== 'logical') {
    faults.push(`wal_level is ${server.walLevel}: set it to logical (on RDS: rds.logical_replication = 1) and restart`);
  }
  const slots = server.otherSlots + 1;
  if (server.maxReplicationSlots < slots) {
    faults.push(`max_replication_slots is ${server.maxReplicationSlots}: ${slots} are needed; raise it and restart`);
  }
  if (server.maxWalSenders < 1) faults.push('max_wal_senders is 0: one is needed; raise it and restart');
  // An origin that was once set up keeps its place until it is dropped. Up to PostgreSQL 17 the number of places is
  // max_replication_slots.
  const needed = server.otherOrigins + origins;
  const [setting, places] =
    server.version >= ACTIVE_ORIGINS_SETTING_SINCE
      ? ['max_active_replication_origins', server.maxActiveOrigins]
      : ['max_replication_slots', server.maxReplicationSlots];
  if (places < needed) {
    faults.push(
      `${setting} is ${places}: ${needed} replication origins are needed (${origins} of them by settings.origins); raise it and restart`,
    );
  }
  return faults;
}

export interface TableFindings {
  /** prepare refuses to go on. */
  readonly faults: readonly string[];
  /** Records may be rejected later. */
  readonly warnings: readonly string[];
}

/** What is wrong with the table of an object. `others`: tables of the names of those that do not exist, written otherwise. */
export function tableFindings(
  mapping: ObjectMapping,
  server: ServerFacts,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
  configuration: SyncConfiguration,
  others: readonly TableName[] = [],
): TableFindings {
  const name = spelledTable(mapping);
  const table = tables.get(mapping.object);
  if (table === undefined)
    return {
      faults: [`${name}: does not exist; create it, or correct ${mapping.object}${tableHint(mapping, others)}`],
      warnings: [],
    };
  const faults = [
    ...visibilityFaults(table, server),
    ...pluginFaults(table, configuration),
    ...keyFaults(mapping, table),
    ...salesforceIdFaults(mapping, table),
    ...ownColumnFaults(mapping, table),
    ...storedFields(mapping).flatMap((field) => fieldFaults(field, table)),
    ...lookupsOf(mapping).flatMap((lookup) => referenceFaults(lookup, table, tables, configuration)),
    ...mapping.fields.flatMap((field) => columnOfEachFaults(field, table)),
  ];
  const at = (text: string) => `${name}${text.startsWith(':') ? '' : '.'}${text}`;
  return {
    faults: faults.map(at),
    warnings: [
      ...insertWarnings(mapping, table),
      ...requiredLookupWarnings(mapping, table),
      ...exchangeWarnings(mapping, table),
    ].map(at),
  };
}

/** What is wrong with the SQL of the objects whose table is there: row filters, and what new rows get. */
export async function expressionFaults(
  client: pg.ClientBase,
  { objects }: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const mapping of objects) {
    const table = tables.get(mapping.object);
    if (table === undefined) continue;
    const found = [await filterFault(client, mapping)];
    for (const given of mapping.onInsert) {
      if (columnOf(table, given.column) !== undefined) found.push(await insertFault(client, mapping, given));
    }
    faults.push(...found.flatMap((fault) => (fault === undefined ? [] : `${spelledTable(mapping)}${fault}`)));
  }
  for (const [one, other] of sharing(objects)) {
    if (tables.get(one.object) === undefined) continue;
    const fault = await likenessFault(client, one, other);
    if (fault !== undefined) faults.push(`${spelledTable(one)}${fault}`);
  }
  return faults;
}

const NUMBERS = ['int4', 'int8'];

/** Each write of sfsync raises it by a hundred: a smallint would be used up. */
function lockVersionFaults({ lockVersionColumn: name }: ObjectMapping, table: CatalogTable): string[] {
  if (name === undefined) return [];
  const column = columnOf(table, name);
  if (column === undefined) return [missing(name, table)];
  if (column.generated) return [`${name}: is a generated column, which cannot be written; lockVersion needs another`];
  if (NUMBERS.includes(column.type)) return [];
  return [`${name}: is of type ${column.type}; lockVersion is a column of type ${NUMBERS.join(', ')}`];
}

const TIMES = ['timestamptz', 'timestamp'];

/** What is wrong with the columns that sfsync reads and fills beside those of the fields. */
function ownColumnFaults(mapping: ObjectMapping, table: CatalogTable): string[] {
  const { updatedAtColumn, touchColumn, createdAtColumn, deletedAtColumn, onInsert } = mapping;
  const times = [
    { option: 'updatedAt', name: updatedAtColumn, types: TIMES, isWritten: false },
    { option: 'touch', name: touchColumn, types: TIMES, isWritten: true },
    { option: 'createdAt', name: createdAtColumn, types: [...TIMES, 'date'], isWritten: true },
    { option: 'deletedAt', name: deletedAtColumn, types: [...TIMES, 'date'], isWritten: true },
  ];
  const ofTimes = times.flatMap(({ option, name, types, isWritten }) => {
    if (name === undefined) return [];
    const column = columnOf(table, name);
    if (column === undefined) return [missing(name, table)];
    if (isWritten && column.generated)
      return [`${name}: is a generated column, which cannot be written; ${option} needs another`];
    if (types.includes(column.type)) return [];
    return [`${name}: is of type ${column.type}; ${option} is a column of type ${types.join(', ')}`];
  });
  const ofInserts = onInsert.flatMap((given) => {
    const column = columnOf(table, given.column);
    if (column === undefined) return [missing(given.column, table)];
    if (column.generated)
      return [`${given.column}: is a generated column, which cannot be written; remove it from onInsert`];
    if (!('value' in given)) return [];
    if (given.value === null)
      return column.notNull ? [`${given.column}: allows no null, which onInsert gives it; give a value`] : [];
    const limit = column.maxLength;
    return limit !== null && String(given.value).length > limit
      ? [`${given.column}: holds ${limit} characters, and onInsert gives it more; shorten the value`]
      : [];
  });
  return [...new Set([...ofTimes, ...lockVersionFaults(mapping, table), ...ofInserts])];
}

function pluginFaults({ kind }: CatalogTable, { settings: { plugin } }: SyncConfiguration): string[] {
  if (kind !== 'p' || plugin !== 'wal2json') return [];
  return [
    ": is partitioned, and wal2json names the partition of a change, not its table; set settings.plugin to 'pgoutput', which publishes by the root",
  ];
}

/** Types whose text form is the same in every session and for every equal value. */
const KEY_TYPES = ['int2', 'int4', 'int8', 'uuid', 'text', 'varchar', 'citext'];

function keyFaults(mapping: ObjectMapping, table: CatalogTable): string[] {
  const { keyColumns } = mapping;
  const lacking = keyColumns.filter((column) => columnOf(table, column) === undefined);
  if (lacking.length > 0) return lacking.map((column) => missing(column, table));
  const faults = keyColumns.flatMap((column) => {
    const type = columnOf(table, column)?.type ?? '';
    return KEY_TYPES.includes(type) ? [] : [`${column}: is of type ${type}; a key is one of ${KEY_TYPES.join(', ')}`];
  });
  const { primaryKey, replicaIdentity, identityColumns } = table;
  const isIdentity = replicaIdentity === 'i' && isSameSet(identityColumns, keyColumns);
  if (primaryKey.length === 0 && !isIdentity) {
    faults.push(
      `: has no primary key. Publishing it would make every UPDATE and DELETE of the application fail; add primary key (${spelledNames(keyColumns)})`,
    );
  } else if (isKeyOfPartitions(mapping, table) || isIdentity || isSameSet(primaryKey, keyColumns)) {
    if (!table.indexes.some((index) => keyColumns.every((column, i) => index[i] === column))) {
      faults.push(withoutIndex(mapping, table));
    }
  } else faults.push(otherKey(mapping, table));
  if (mapping.direction === 'to-postgres') return faults;
  if (replicaIdentity === 'n') {
    faults.push(
      ': has replica identity nothing, so its updates and deletes cannot be published; set replica identity default',
    );
  }
  const unnamed = keyColumns.filter((column) => !identityColumns.includes(column));
  if (replicaIdentity === 'i' && unnamed.length > 0) {
    faults.push(
      `: its replica identity index lacks ${unnamed.join(', ')}, so a delete would not say which row; set replica identity default`,
    );
  }
  return faults;
}

function isSameSet(columns: readonly string[], others: readonly string[]): boolean {
  return columns.length === others.length && columns.every((column) => others.includes(column));
}

/** Rows are looked for by the key, and gone through in its order. */
function withoutIndex({ keyColumns }: ObjectMapping, { primaryKey }: CatalogTable): string {
  if (keyColumns.length === 1) {
    return `${keyColumns[0]}: no index begins with it, and rows are looked for by it; create index on it`;
  }
  const isOrder = isSameSet(primaryKey, keyColumns) ? `set key to [${primaryKey.map(quoted).join(', ')}], or ` : '';
  return `: no index begins with the key (${spelledNames(keyColumns)}) in this order, and rows are looked for by it; ${isOrder}create index on (${spelledNames(keyColumns)})`;
}

/**
 * A partitioned table has its partition key in the primary key. What is beside it identifies a row by itself, in nearly all of them;
 * `copiedKeys` looks.
 */
function isKeyOfPartitions({ keyColumns }: ObjectMapping, { kind, primaryKey, partitionKey }: CatalogTable): boolean {
  const others = primaryKey.filter((column) => !keyColumns.includes(column));
  const isPart = keyColumns.every((column) => primaryKey.includes(column));
  return kind === 'p' && isPart && others.every((column) => partitionKey.includes(column));
}

function otherKey({ keyColumns }: ObjectMapping, { primaryKey }: CatalogTable): string {
  const key = primaryKey.length === 1 ? quoted(primaryKey[0] ?? '') : `[${primaryKey.map(quoted).join(', ')}]`;
  return `: its primary key is (${spelledNames(primaryKey)}), the configured key is ${spelledNames(keyColumns)}; set key to ${key} (or make what is configured unique and not null, and the replica identity: alter table ... replica identity using index)`;
}

function quoted(column: string): string {
  return `'${column}'`;
}

function spelledNames(columns: readonly string[]): string {
  return columns.map(spelledName).join(', ');
}

function salesforceIdFaults({ salesforceIdColumn }: ObjectMapping, table: CatalogTable): string[] {
  const column = columnOf(table, salesforceIdColumn);
  if (column === undefined) return [missing(salesforceIdColumn, table)];
  const faults: string[] = [];
  if (!['text', 'varchar'].includes(column.type) || (column.maxLength !== null && column.maxLength < 18)) {
    faults.push(`${salesforceIdColumn}: must be text (an id has 18 characters)`);
  }
  faults.push(...uniquenessFaults(salesforceIdColumn, table));
  return faults;
}

/** A partitioned table has no unique index without its partition key: there an index finds the rows, and their ids are compared. */
function uniquenessFaults(column: string, { kind, uniqueKeys, indexes }: CatalogTable): string[] {
  if (kind === 'p') {
    if (indexes.some((key) => key[0] === column)) return [];
    return [
      `${column}: has no index, and rows are looked for by it; create index on it (not unique: the table is partitioned)`,
    ];
  }
  if (uniqueKeys.some((key) => key.length === 1 && key[0] === column)) return [];
  return [`${column}: must be unique; add a unique constraint (without a condition)`];
}

function fieldFaults(field: FieldMapping, table: CatalogTable): string[] {
  const column = columnOf(table, field.column);
  if (column === undefined) return [missing(field.column, table)];
  const fault = columnFault(field, column);
  return fault === undefined ? [] : [`${column.name}: ${fault}`];
}

function referenceFaults(
  lookup: Lookup,
  table: CatalogTable,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
  configuration: SyncConfiguration,
): string[] {
  const { references, namedBy } = lookup;
  const mapped = configuration.objects.find(({ object }) => object === references);
  if (mapped === undefined) return [];
  const [parent, parentTable] = [seenBy(mapped, lookup), tables.get(references)];
  const faults = lookupColumns(lookup).flatMap((name, i) => {
    const [column, key] = [columnOf(table, name), parentTable && columnOf(parentTable, parent.keyColumns[i] ?? '')];
    if (column === undefined) return lookup.column === name ? [] : [missing(name, table)];
    if (key === undefined || canHoldKey(column.type, key.type)) return [];
    const what = namedBy === undefined && parent.keyColumns.length === 1 ? 'the key' : `column ${key.name}`;
    return [`${name}: is of type ${column.type}, ${what} of ${references} is ${key.type}; they must be the same`];
  });
  if (namedBy !== undefined && parentTable !== undefined) {
    const names = [namedBy.column, namedBy.among?.column ?? []].flat();
    const isUnique = parentTable.uniqueKeys.some((columns) => columns.every((each) => names.includes(each)));
    if (!isUnique) {
      faults.push(
        `${lookup.column}: names rows of ${references} by ${names.join(', ')}, which must be unique; add a unique constraint to ${spelledTable(mapped)}`,
      );
    }
  }
  return faults;
}

/** Of columns for the keys of one object each, all but one are null in a row. */
function columnOfEachFaults({ targets = [] }: FieldMapping, table: CatalogTable): string[] {
  if (targets.length < 2) return [];
  return targets.flatMap(({ column, ofType }) =>
    ofType === undefined && columnOf(table, column)?.notNull === true
      ? [`${column}: allows no null, so no row could name a record of another object; drop not null`]
      : [],
  );
}

/** A record cannot wait in such a row with an empty lookup. */
function requiredLookupWarnings(mapping: ObjectMapping, table: CatalogTable): string[] {
  return mapping.fields.filter(isLookup).flatMap((lookup) => {
    const { field, direction, targets } = lookup;
    const column = storedIn(lookup).find((each) => columnOf(table, each.column)?.notNull === true)?.column;
    if (direction === 'to-salesforce' || column === undefined) return [];
    const other = targets === undefined ? '' : ', and one that names a record of another object stays rejected';
    return [
      `${column}: allows no null: a record that comes before the ${targetsOf(lookup).join(', ')} of its ${field} is rejected (PARENT_MISSING) until that lands${other}; drop not null to have it wait with an empty column`,
    ];
  });
}

/** Unique columns in which two records cannot exchange their values: none of them can be null in between. */
function exchangeWarnings(mapping: ObjectMapping, table: CatalogTable): string[] {
  const written = new Set(
    storedFields(mapping)
      .filter(({ direction }) => direction !== 'to-salesforce')
      .map(({ column }) => column),
  );
  return table.strictKeys.flatMap(({ name, columns, nulls }) => {
    const mapped = columns.filter((column) => written.has(column));
    const canBeFreed = nulls && mapped.some((column) => columnOf(table, column)?.notNull === false);
    if (mapped.length === 0 || canBeFreed) return [];
    const list = columns.map(spelledName).join(', ');
    return [
      `${mapped[0]}: two records that exchange their values of (${list}) in Salesforce are listed, and tried again until one of them has another value: index ${name} is checked row by row, and no null frees a value. A constraint that is deferrable lets them through: alter table ${spelledTable(mapping)} add unique (${list}) deferrable, then drop the other`,
    ];
  });
}

/** Columns that a row made from a Salesforce record would leave empty although they must not be. */
function insertWarnings(mapping: ObjectMapping, table: CatalogTable): string[] {
  const filled = new Set(
    storedFields(mapping)
      .filter(({ direction }) => direction !== 'to-salesforce')
      .map(({ column }) => column),
  );
  const { salesforceIdColumn, touchColumn, createdAtColumn, lockVersionColumn, onInsert } = mapping;
  for (const column of [salesforceIdColumn, touchColumn, createdAtColumn, lockVersionColumn])
    if (column !== undefined) filled.add(column);
  for (const { column } of onInsert) filled.add(column);
  for (const column of Object.keys(mapping.filter?.values ?? {})) filled.add(column);
  return table.columns
    .filter(({ name, notNull, hasDefault, generated }) => notNull && !hasDefault && !generated && !filled.has(name))
    .map(({ name }) => {
      const sharing = mapping.fields.flatMap(({ field, shared }) => (shared?.includes(name) ? field : []));
      if (sharing.length > 0) {
        return `${name}: allows no null, has no default, and comes from the row of the parent that ${sharing.join(', ')} names: new records without one will be rejected; say what they get: onInsert: { ${name}: ... }`;
      }
      return `${name}: allows no null, has no default and is not filled from Salesforce: new records will be rejected; say what they get: onInsert: { ${name}: ... }`;
    });
}

function columnOf(table: CatalogTable, name: string): CatalogColumn | undefined {
  return table.columns.find((column) => column.name === name);
}

function missing(column: string, { columns }: CatalogTable): string {
  const names = columns.map(({ name }) => name);
  return `${spelledName(column)}: the column does not exist${columnHint(column, names)}`;
}
