/**
 * `sync.config.ts`: what is kept in step with what. Parsed once into one frozen value; every fault is reported together.
 */
import type { z } from 'zod';
import { ConfigurationError } from '../errors.ts';
import type { CanonicalValue } from './canonical.ts';
import { configurationFaults } from './configuration-faults.ts';
import { type fieldSchema, objectSchema, syncSchema } from './configuration-schema.ts';
import type { Conversion } from './field-types/converted.ts';
import type { FieldType, FieldTypeName } from './field-types/field-type.ts';
import { fieldTypeOf } from './field-types/field-types.ts';
import type { ValueMap } from './field-types/value-map.ts';
import { readTableName } from './identifiers.ts';
import { type LookupTarget, lookupTo } from './lookups.ts';
import { keepsDeleted, type StampField } from './object-ways.ts';

/** Which way a field travels. `to-postgres`: Salesforce owns it. `to-salesforce`: Postgres owns it. */
export type Direction = 'both' | 'to-postgres' | 'to-salesforce';

/** Which side wins when both edited the same field since they last agreed; `latest`: the side that edited last. */
export type ConflictPolicy = 'salesforce' | 'postgres' | 'latest';

/** What a delete in Salesforce does to the row. `soft`: sets the column `deletedAt`, and such a row counts as gone. */
export type DeleteRow = 'delete' | 'soft' | 'ignore';

/**
 * What a delete of the row does to the record. `hard`: it goes to the recycle bin, and out of it once the read-back has shown
 * that the delete has buried no edit. A record whose row has left the filter stays in the bin: the row may come back.
 */
export type DeleteRecord = 'recycle-bin' | 'hard' | 'ignore';

/** How updates reach Salesforce: one CSV through AppFlow, or changed fields only through the Salesforce API. */
export type Delivery = 'appflow' | 'api';

/** What AppFlow does with an empty cell. */
export type BlankCells = 'keep' | 'clear';

/** Which rows go to Salesforce. What comes from Salesforce is applied to every row of a record. */
export interface RowFilter {
  /** An SQL expression over the table's columns, by their plain names; a row for which it is not true is outside. */
  readonly where: string;
  /**
   * What becomes of the record when its row leaves the filter. `delete`: it is deleted, as if the row were, and comes back
   * with the row. `ignore`: it stays as it is until the row comes back.
   */
  readonly leaving: 'delete' | 'ignore';
  /**
   * By column, as in single-table inheritance: what a row has that is the object's, and first of these what a new one gets. A row with
   * another value is a row of another object, or of none: nothing of it is read, and nothing is written to it.
   */
  readonly values?: Readonly<Record<string, readonly FilterValue[]>> | undefined;
}

export type FilterValue = string | number | boolean | null;

/** How many deletes of one object pass within the window before the rest is held. */
export interface DeleteGuard {
  /** This share of the object's records, in percent. */
  readonly percent: number;
  /** So many in any case: a small table is not held for two deletes. */
  readonly atLeast: number;
  /** Not more than this: a share of a large table may still be more than anyone would miss in time. */
  readonly atMost: number;
  readonly windowMinutes: number;
}

/** What a row that sfsync makes gets in a column that Salesforce does not know. */
export type ColumnValue =
  | { readonly column: string; readonly value: string | number | boolean | null }
  | { readonly column: string; readonly sql: string };

/** A column of the parent's table by which rows name it. */
export interface NamedBy {
  readonly column: string;
  /** Of rows that have the same name, those that are meant: record types of the child's object. */
  readonly among: { readonly column: string; readonly value: string } | undefined;
}

export interface FieldMapping {
  /** API name of the Salesforce field. */
  readonly field: string;
  readonly column: string;
  /** The API name that it had in Salesforce before: what both sides agreed on under that stays agreed on. */
  readonly formerly?: string | undefined;
  /** All that depends on the type of the field. */
  readonly type: FieldType;
  readonly direction: Direction;
  readonly policy: ConflictPolicy;
  /** Whether a value of Salesforce that the column cannot hold as it is comes into the row all the same. */
  readonly onLoss: 'accept' | 'reject';
  /** The sobject that a lookup points to; set for lookups to one object only. */
  readonly references: string | undefined;
  /** The objects to which it may point, where these are several (lookups.ts). `column` is then the first that holds keys. */
  readonly targets?: readonly LookupTarget[] | undefined;
  /** As sync.config.ts has it. */
  readonly by?: string | undefined;
  /** What the column of a lookup holds; absent: the parent's key. */
  readonly namedBy?: NamedBy | undefined;
  /**
   * Of a lookup to a parent whose key is of several columns: those by which the row names it, before `column`, in the order of the
   * parent's key. They are the row's own, such as the tenant's, and get values with the row only.
   */
  readonly shared?: readonly string[] | undefined;
  /** The zone that the field itself states for a `timestamp` column. */
  readonly zone?: string | undefined;
  /** What rows hold that nothing was written to since the column was added; absent: null. Of a mapping in force only. */
  readonly columnDefault?: CanonicalValue | undefined;
}

export interface ObjectMapping {
  /** API name of the sobject. */
  readonly object: string;
  /** `to-postgres`: read-only. Nothing of it is published, sent or deleted in Salesforce. */
  readonly direction: Exclude<Direction, 'to-salesforce'>;
  /** Deleted records have IsDeleted; without it a delete shows in the delete log, or not at all. */
  readonly recycleBin: boolean;
  readonly stampField: StampField;
  /** Each sweep lists all records, for the sake of formulas. */
  readonly refreshFormulas: boolean;
  readonly schema: string;
  readonly table: string;
  /** The columns that identify a row, at least one; their texts are the row key (`row-key.ts`). */
  readonly keyColumns: readonly string[];
  readonly salesforceIdColumn: string;
  /** When the row was edited, for the policy `latest`. */
  readonly updatedAtColumn: string | undefined;
  /** Set to the time of each write of sfsync. */
  readonly touchColumn: string | undefined;
  /** Raised by each write of sfsync. */
  readonly lockVersionColumn: string | undefined;
  /** Set to the time when sfsync makes the row. */
  readonly createdAtColumn: string | undefined;
  readonly onInsert: readonly ColumnValue[];
  /** The zone of the local times in its `timestamp` columns, where a field states no other. */
  readonly zone: string;
  readonly deleteRow: DeleteRow;
  readonly deleteRecord: DeleteRecord;
  /** A row in which it is not null counts as gone; set for `soft` only. */
  readonly deletedAtColumn: string | undefined;
  readonly delivery: Delivery;
  readonly blankCells: BlankCells;
  /** undefined: all rows go to Salesforce. */
  readonly filter: RowFilter | undefined;
  /** undefined: every delete is sent. */
  readonly deleteGuard: DeleteGuard | undefined;
  /** By whose value records that are new to us are matched with rows that carry no Salesforce id yet. */
  readonly matchBy: FieldMapping | undefined;
  /** The external id that holds the row key; set where new rows become records (`insert: true`). */
  readonly externalIdField: string | undefined;
  /** In the order of the configuration. */
  readonly fields: readonly FieldMapping[];
}

export interface SyncConfiguration {
  /** In the order of the configuration, which should name parents before children. */
  readonly objects: readonly ObjectMapping[];
  readonly settings: Settings;
}

/** What writes the stream, on the server. */
export type OutputPlugin = Settings['plugin'];

export type Settings = Readonly<z.output<typeof syncSchema>['settings']>;

export type SyncDefinition = z.input<typeof syncSchema>;
type FieldDefinition = z.input<typeof fieldSchema>;
type FieldOptions = Partial<Pick<FieldDefinition, 'direction' | 'policy' | 'onLoss' | 'formerly'>>;
type ReferenceOptions = FieldOptions & Pick<FieldDefinition, 'by'>;
type ZoneOptions = FieldOptions & Pick<FieldDefinition, 'zone'>;
type Converted<Value extends string | boolean> = FieldOptions & { readonly convert?: Conversion<Value> };
type Mapped<Value extends string | boolean> =
  | Converted<Value>
  | (FieldOptions & { readonly values: ValueMap; readonly convert?: never });

const field =
  <Options extends FieldOptions>(type: FieldTypeName) =>
  (column: string, options?: Options): FieldDefinition => ({
    column,
    type,
    ...options,
  });
export const text = field<Mapped<string>>('text');
export const number = field<Mapped<string>>('number');
export const boolean = field<Mapped<boolean>>('boolean');
export const date = field<Converted<string> & ZoneOptions & Pick<FieldDefinition, 'dayIn'>>('date');
export const datetime = field<Converted<string> & ZoneOptions>('datetime');
export const time = field<Converted<string>>('time');
export const multipicklist = field<FieldOptions>('multipicklist');

/** A picklist, by its API values: `values` says what the column holds for each, where it is not the value itself. */
export const picklist = text;

/** A rich text area. What Salesforce makes of the HTML that it is given counts as equal to that. */
export function richText(column: string, options: FieldOptions = {}): FieldDefinition {
  return { column, type: 'text', html: true, ...options };
}

/**
 * A lookup: the parent's id in Salesforce, the parent's key in Postgres. Of several columns, in the order of the parent's key, the last
 * one is the lookup's own, and the others are the row's, such as its tenant: `reference(['tenant_id', 'lender_id'], 'Account')`.
 */
export function reference(
  columns: string | readonly string[],
  references: string,
  options?: ReferenceOptions,
): FieldDefinition;
/**
 * A lookup to several objects, in two columns: what the row names, and its key. `targets`: for each object what stands in the
 * first, `{ Account: 'Lender', Contact: 'Borrower' }`.
 */
export function reference(columns: TypeAndKey, targets: ByObject, options?: FieldOptions): FieldDefinition;
/** The same with a column for the keys of each object: `{ Account: 'lender_id', Contact: 'borrower_id' }`. */
export function reference(columns: ByObject, options?: FieldOptions): FieldDefinition;
export function reference(
  columns: string | readonly string[] | TypeAndKey | ByObject,
  targets: string | ByObject | FieldOptions = {},
  options: ReferenceOptions = {},
): FieldDefinition {
  if (typeof columns === 'string' || isList(columns)) {
    const [column = '', ...others] = [columns].flat().reverse();
    const shared = others.length === 0 ? {} : { shared: others.reverse() };
    return { column, ...shared, type: 'reference', references: String(targets), ...options };
  }
  const { type, key } = columns;
  if (type !== undefined && key !== undefined) {
    return { column: key, typeColumn: type, type: 'reference', targets: targets as ByObject, ...options };
  }
  const [column = ''] = Object.values(columns);
  return { column, type: 'reference', targets: columns as ByObject, ...(targets as FieldOptions) };
}

function isList(columns: object): columns is readonly string[] {
  return Array.isArray(columns);
}

interface TypeAndKey {
  /** The column that says of which object the row is, and the one that holds its key. */
  readonly type: string;
  readonly key: string;
}

/** A text for each object, by its API name. */
type ByObject = Readonly<Record<string, string>>;

/** RecordTypeId, by the developer name of the record type: a text. The object RecordType has to be mapped, read-only. */
export function recordType(column: string, options: FieldOptions = {}): FieldDefinition {
  return reference(column, 'RecordType', { ...options, by: 'DeveloperName' });
}

/** Columns of an object's table that sfsync reads or writes beside its fields. A column may be there twice. */
export function ownColumns(mapping: ObjectMapping): string[] {
  const { keyColumns, salesforceIdColumn, onInsert } = mapping;
  return [
    ...[...keyColumns, salesforceIdColumn],
    ...[mapping.updatedAtColumn, mapping.deletedAtColumn].flatMap((column) => column ?? []),
    ...[mapping.touchColumn, mapping.lockVersionColumn, mapping.createdAtColumn].flatMap((column) => column ?? []),
    ...onInsert.map(({ column }) => column),
    ...Object.keys(mapping.filter?.values ?? {}),
    ...mapping.fields.flatMap(({ shared }) => shared ?? []),
  ];
}

/** Checks the definition and freezes it. Throws one ConfigurationError that lists every fault. */
export function defineSync(definition: SyncDefinition): SyncConfiguration {
  const parsed = syncSchema.safeParse(definition, { reportInput: true });
  const blankCells = parsed.data?.appflow.blankCells ?? 'keep';
  // Objects that can be read by themselves are looked at further, also when something else is at fault.
  const objects = Object.entries(definition.objects ?? {}).flatMap(([object, each]) => {
    const readable = objectSchema.safeParse(each);
    const others = definition.objects;
    return readable.success ? [mappingFrom(object, readable.data, { blankCells, others })] : [];
  });
  const faults = configurationFaults(definition, parsed.error?.issues ?? [], objects);
  if (!parsed.success || faults.length > 0) throw faulty(faults);
  return Object.freeze({ objects: Object.freeze(objects), settings: Object.freeze(parsed.data.settings) });
}

interface Surroundings {
  readonly blankCells: BlankCells;
  readonly others: SyncDefinition['objects'];
}

function mappingFrom(
  object: string,
  definition: z.output<typeof objectSchema>,
  { blankCells, others }: Surroundings,
): ObjectMapping {
  const { key, salesforceId, updatedAt, deleteRow, deletedAt, stamp, refreshFormulas } = definition;
  const { touch, lockVersion, createdAt, onInsert, zone } = definition;
  const readOnly = definition.direction === 'to-postgres';
  const { filter, deleteGuard, insert, externalId } = definition;
  const name = readTableName(definition.table, definition.schema) ?? { schema: 'public', table: definition.table };
  const fields = Object.entries(definition.fields).map(
    ([api, { values, convert, targets, typeColumn, html, ...mapping }]) =>
      Object.freeze({
        field: api,
        ...mapping,
        type: fieldTypeOf({ ...mapping, values, convert, html }, zone),
        ...severalTargets(targets, typeColumn, mapping.column),
        direction: readOnly ? 'to-postgres' : mapping.direction,
        references: mapping.references ?? undefined,
        ...namedBy(object, mapping, others),
      }),
  );
  return Object.freeze({
    object,
    direction: definition.direction,
    recycleBin: definition.recycleBin ?? keepsDeleted(object),
    stampField: stamp,
    refreshFormulas,
    ...name,
    keyColumns: Object.freeze([key].flat()),
    salesforceIdColumn: salesforceId,
    updatedAtColumn: updatedAt,
    touchColumn: touch,
    lockVersionColumn: lockVersion,
    createdAtColumn: createdAt,
    onInsert: Object.freeze(
      Object.entries(onInsert).map(([column, given]) =>
        Object.freeze(
          given !== null && typeof given === 'object' ? { column, sql: given.sql } : { column, value: given },
        ),
      ),
    ),
    zone,
    deleteRow,
    deleteRecord: readOnly ? 'ignore' : definition.deleteRecord,
    deletedAtColumn: deletedAt,
    // Nothing is sent, so that nothing has to go through a flow.
    delivery: readOnly ? 'api' : definition.delivery,
    blankCells,
    filter: filter && rowFilter(filter),
    deleteGuard: deleteGuard === false || readOnly ? undefined : Object.freeze(deleteGuard),
    matchBy: fields.find(({ field: api }) => api === definition.matchBy),
    externalIdField: insert ? externalId : undefined,
    fields: Object.freeze(fields),
  });
}

function severalTargets(
  targets: z.output<typeof fieldSchema>['targets'],
  typeColumn: string | undefined,
  keyColumn: string,
): Pick<FieldMapping, 'targets'> & Partial<Pick<FieldMapping, 'type'>> {
  if (targets === undefined) return {};
  const found = Object.entries(targets).map(([object, text]): LookupTarget => {
    if (typeColumn === undefined) return { object, column: text, ofType: undefined };
    return { object, column: keyColumn, ofType: { column: typeColumn, value: text } };
  });
  return { targets: Object.freeze(found), type: lookupTo(found) };
}

function rowFilter({
  where = 'true',
  leaving,
  values,
}: NonNullable<z.output<typeof objectSchema>['filter']>): RowFilter {
  if (values === undefined) return Object.freeze({ where, leaving });
  const lists = Object.entries(values).map(([column, given]) => [column, Array.isArray(given) ? given : [given]]);
  return Object.freeze({ where, leaving, values: Object.freeze(Object.fromEntries(lists)) });
}

/** Nothing where the parent is not mapped read-only, or its field is not mapped: a fault says so. */
function namedBy(
  object: string,
  { by, references }: z.output<typeof fieldSchema>,
  others: SyncDefinition['objects'],
): Pick<FieldMapping, 'namedBy'> {
  const parent = others[references ?? ''];
  const fields = parent?.direction === 'to-postgres' ? parent.fields : undefined;
  const column = fields?.[by ?? '']?.column;
  if (column === undefined) return {};
  const kind = references === 'RecordType' ? fields?.SobjectType?.column : undefined;
  return { namedBy: { column, among: kind === undefined ? undefined : { column: kind, value: object } } };
}

/** The mapping of a parent as the lookup sees it: its key is what the lookup's column holds. */
export function seenBy<Parent extends ObjectMapping>(parent: Parent, { namedBy: name }: FieldMapping): Parent {
  return name === undefined ? parent : { ...parent, keyColumns: [name.column] };
}

/** The columns by which a row names the parent of a lookup, in the order of the parent's key. */
export function lookupColumns({ column, shared = [] }: Pick<FieldMapping, 'column' | 'shared'>): readonly string[] {
  return [...shared, column];
}

/** The parent of a lookup, as the lookup sees it. Throws ConfigurationError where it is not mapped. */
export function parentOf(configuration: SyncConfiguration, lookup: FieldMapping): ObjectMapping {
  return seenBy(mappingOf(configuration, lookup.references ?? ''), lookup);
}

function faulty(faults: readonly string[]): ConfigurationError {
  const list = faults.map((fault) => `  - ${fault}`).join('\n');
  return new ConfigurationError('FAULTY_CONFIGURATION', `sync.config.ts has ${faults.length} fault(s):\n${list}`);
}

/** The mapping of an object. Throws ConfigurationError for one that is not mapped. */
export function mappingOf(configuration: SyncConfiguration, object: string): ObjectMapping {
  const mapping = configuration.objects.find((candidate) => candidate.object === object);
  if (mapping !== undefined) return mapping;
  const known = configuration.objects.map((candidate) => candidate.object).join(', ');
  throw new ConfigurationError('UNKNOWN_OBJECT', `${object} is not in sync.config.ts, which maps ${known}.`);
}

/** Without read-only objects: of what is left, tables are published, changes have queues, and rows are written to Salesforce. */
export function outgoingConfiguration(configuration: SyncConfiguration): SyncConfiguration {
  return { ...configuration, objects: configuration.objects.filter(({ direction }) => direction === 'both') };
}

/** The fields that may be written to Salesforce. */
export function outgoingFields(mapping: ObjectMapping): readonly FieldMapping[] {
  const known = outgoing.get(mapping) ?? mapping.fields.filter(({ direction }) => direction !== 'to-postgres');
  outgoing.set(mapping, known);
  return known;
}

/** The fields of an update: those, and the external id, which follows the key of the row. */
export function updatedFields(mapping: ObjectMapping): readonly FieldMapping[] {
  const { externalIdField: field, keyColumns } = mapping;
  const [column = ''] = keyColumns;
  const fields = outgoingFields(mapping);
  if (field === undefined) return fields;
  const type = fieldTypeOf({ type: 'text' });
  return [
    ...fields,
    { field, column, type, direction: 'to-salesforce', policy: 'postgres', onLoss: 'accept', references: undefined },
  ];
}

/** Asked for with every record. */
const outgoing = new WeakMap<ObjectMapping, readonly FieldMapping[]>();
