/**
 * From what Salesforce describes and what the database's catalog holds to a mapping: each field with the column of its name,
 * where the types fit, and for every other one the reason. No I/O.
 */
import type { DescribedField } from '../../core/mapping/described-object.ts';
import { insteadOf } from '../../core/mapping/field-types/column-fault.ts';
import type { FieldTypeName } from '../../core/mapping/field-types/field-type.ts';
import { FIELD_TYPES } from '../../core/mapping/field-types/field-types.ts';
import { keepsDeleted } from '../../core/mapping/object-ways.ts';
import { misfits, type OwnColumns, ownColumns, requiredLookups, withoutDefault } from './column-advice.ts';
import { enumValues } from './enum-values.ts';
import {
  type ColumnFacts,
  isNew,
  keyColumnsOf,
  type Pair,
  salesforceIdColumnOf,
  type TableFacts,
  tableText,
} from './facts.ts';
import { columnTypes, fits, fittingTypes, typeOf } from './field-fit.ts';
import { bare, snakeCase } from './names.ts';
import { perhapsSeveral, possibleParents, type SeveralParents, severalParents } from './several-parents.ts';

export interface ProposedField {
  readonly field: string;
  readonly column: string;
  /** Of a lookup to a row with several key columns: those of the row itself, before its own. */
  readonly shared?: readonly string[];
  readonly type: FieldTypeName;
  /** What the column holds for each value of Salesforce, where it has words of its own. */
  readonly values?: Readonly<Record<string, string>>;
  /** A rich text area. */
  readonly isHtml?: boolean;
  /** The object that a lookup points to. */
  readonly references: string | undefined;
  /** Of a lookup to several objects. */
  readonly several?: SeveralParents;
  readonly direction: 'both' | 'to-postgres' | 'to-salesforce';
  /** Why it does not travel both ways, and what one side may hold that the other does not take. */
  readonly remark: string | undefined;
}

export interface Proposal {
  readonly object: string;
  /** Our user may not edit its records, or they have no IsDeleted: its rows only follow them. */
  readonly readOnly: boolean;
  readonly table: TableFacts;
  readonly key: readonly string[];
  readonly salesforceId: string;
  readonly fields: readonly ProposedField[];
  /** Fields with a column of their name that does not fit, and why. */
  readonly unfit: readonly string[];
  /** Fields without a column of their name, with their types. */
  readonly withoutColumn: readonly string[];
  readonly columnsWithoutField: readonly string[];
  /** Mapped columns of type `timestamp`, which are taken for UTC. */
  readonly zoneless: readonly string[];
  readonly own: OwnColumns;
  /** A field that may hold the key of a row, so that rows may become records; undefined: there is none. */
  readonly externalId: string | undefined;
  /** Columns that allow no null, have no default and are not filled from Salesforce. */
  readonly withoutDefault: readonly ColumnFacts[];
  /** Lookups whose column allows no null. */
  readonly requiredLookups: readonly ProposedField[];
}

const NEW_KEY = 'id';

/** What Salesforce keeps of every record, and sfsync reads by itself. */
const SYSTEM_FIELDS = [
  ...['Id', 'IsDeleted', 'MasterRecordId', 'SystemModstamp', 'CreatedDate', 'CreatedById', 'LastModifiedDate'],
  ...['LastModifiedById', 'LastViewedDate', 'LastReferencedDate', 'LastActivityDate', 'LastCURequestDate'],
  ...['LastCUUpdateDate', 'OwnerId', 'RecordTypeId', 'PhotoUrl', 'Jigsaw', 'JigsawContactId', 'JigsawCompanyId'],
];

/** Who made and changed a record: nothing to keep in step. */
const AUDIT_LOOKUPS = ['CreatedById', 'LastModifiedById', 'MasterRecordId'];

function isReadOnly({ object, described: { updateable, fields } }: Pair): boolean {
  const keeps = keepsDeleted(object) || fields.some(({ name }) => name === 'IsDeleted');
  return !updateable || !keeps;
}

function isExternalId({ type, externalId, unique, createable }: DescribedField): boolean {
  return type === 'string' && externalId === true && unique === true && createable;
}

/** Parents come before the objects whose lookups point to them. */
export function propose(pairs: readonly Pair[]): Proposal[] {
  const proposals = pairs.map((pair) => proposeOne(pair, pairs));
  const ordered: Proposal[] = [];
  const visit = (proposal: Proposal, path: readonly Proposal[]): void => {
    if (ordered.includes(proposal) || path.includes(proposal)) return;
    for (const { references, several } of proposal.fields) {
      const objects = several === undefined ? [references] : Object.keys(several.targets);
      const parents = proposals.filter(({ object }) => objects.includes(object));
      for (const parent of parents) visit(parent, [...path, proposal]);
    }
    ordered.push(proposal);
  };
  for (const proposal of proposals) visit(proposal, []);
  return ordered;
}

/** The key columns of a table; of one that is to be made, the one that it gets. */
export function keyOf(table: TableFacts): readonly string[] {
  const columns = keyColumnsOf(table);
  return columns.length === 0 ? [NEW_KEY] : columns;
}

function proposeOne(pair: Pair, pairs: readonly Pair[]): Proposal {
  const { object, described, table } = pair;
  const key = keyOf(table);
  const salesforceId = salesforceIdColumnOf(table);
  const fields: ProposedField[] = [];
  const unfit: string[] = [];
  const withoutColumn: string[] = [];
  const zoneless: string[] = [];
  const taken = new Set([...key, salesforceId]);
  for (const field of described.fields) {
    const several = severalOf(field, table, pairs, taken);
    if (typeof several === 'object') {
      fields.push(severalField(field, several));
      for (const name of [several.typeColumn ?? [], several.columns].flat()) taken.add(name);
      continue;
    }
    if (several !== undefined) {
      unfit.push(`${field.name}: ${several}`);
      continue;
    }
    const parent = parentOf(field, table, pairs, taken);
    // A lookup among them that leads to a mapped object is proposed as any other: OwnerId, where User is mapped.
    if (SYSTEM_FIELDS.includes(field.name) && (parent === undefined || AUDIT_LOOKUPS.includes(field.name))) continue;
    const found = isNew(table) ? newColumn(field, parent) : columnOf(field, table, parent);
    const column = found === undefined || taken.has(found.name) ? undefined : found;
    const type = typeOf(field.type, parent !== undefined);
    if (column === undefined) {
      if (type !== undefined || !isNew(table)) withoutColumn.push(`${field.name} (${field.type})`);
      continue;
    }
    const fault = faultOf(field, type, column, parent, table);
    if (fault !== undefined || type === undefined) {
      unfit.push(`${field.name}: ${fault}`);
      continue;
    }
    taken.add(column.name);
    if (column.type === 'timestamp') zoneless.push(column.name);
    fields.push(proposedField(field, type, column, parent, table));
  }
  const own = ownColumns(table, taken);
  const filled = [own.touch, own.createdAt, own.lockVersion].flatMap((name) => name ?? []);
  for (const name of filled) taken.add(name);
  const columnsWithoutField = table.columns.map(({ name }) => name).filter((name) => !taken.has(name));
  return {
    ...{
      object,
      readOnly: isReadOnly(pair),
      table,
      key,
      salesforceId,
      fields,
      unfit,
      withoutColumn,
      columnsWithoutField,
      zoneless,
      own,
    },
    externalId: described.fields.find(
      (field) => isExternalId(field) && fields.every((each) => each.field !== field.name),
    )?.name,
    withoutDefault: withoutDefault(table, fields, [salesforceId, ...filled]),
    requiredLookups: requiredLookups(table, fields),
  };
}

/** The columns of a lookup to several objects, or what to write if some are meant; undefined: it has none. */
function severalOf(
  field: DescribedField,
  table: TableFacts,
  pairs: readonly Pair[],
  taken: ReadonlySet<string>,
): SeveralParents | string | undefined {
  if (AUDIT_LOOKUPS.includes(field.name)) return undefined;
  const parents = possibleParents(field, pairs);
  const found = severalParents(field, table, parents, taken);
  if (found !== undefined || parentOf(field, table, pairs, taken) !== undefined) return found;
  return columnOf(field, table, undefined) === undefined ? perhapsSeveral(field, table, parents, taken) : undefined;
}

/** Of a lookup to several objects it is the one for which the table has a foreign key. One to an object that is not mapped has none. */
function parentOf(
  field: DescribedField,
  table: TableFacts,
  pairs: readonly Pair[],
  taken: ReadonlySet<string>,
): Pair | undefined {
  const { referenceTo } = field;
  if (referenceTo.length === 1) return pairs.find(({ object }) => object === referenceTo[0]);
  const parents = possibleParents(field, pairs).filter((parent) => {
    const column = isNew(table) ? undefined : columnOf(field, table, parent);
    const isKey = table.foreignKeys.some((each) => each.column === column?.name && each.table === parent.table.name);
    return column !== undefined && isKey && !taken.has(column.name);
  });
  return parents.length === 1 ? parents[0] : undefined;
}

/**
 * A lookup's column is the one of its name, or the one whose foreign key points to the parent's table. One that points elsewhere is none.
 * Without a foreign key, one that is called like the relation (`reports_to`, `account`) is, if it has the type of the parent's key.
 */
function columnOf(field: DescribedField, table: TableFacts, parent: Pair | undefined): ColumnFacts | undefined {
  const { columns, foreignKeys } = table;
  const names = namesOf(field, parent).map(bare);
  const pointsHere = ({ name }: ColumnFacts) => {
    const keys = foreignKeys.filter((each) => each.column === name);
    if (parent === undefined || keys.length === 0) return true;
    return keys.some((each) => each.schema === parent.table.schema && each.table === parent.table.name);
  };
  const named = columns.find((each) => names.includes(bare(each.name)) && pointsHere(each));
  if (named !== undefined || parent === undefined) return named;
  const keys = foreignKeys.filter((each) => each.schema === parent.table.schema && each.table === parent.table.name);
  const isSo = ({ name }: ColumnFacts) => bare(name) === bare(relationOf(field));
  const isKey = ({ name }: ColumnFacts) => keys.some(({ column }) => column === name);
  if (keys.length > 0) return columns.find((each) => isKey(each) && (keys.length === 1 || isSo(each)));
  return columns.find((each) => isSo(each) && pointsHere(each) && fits('reference', keyTypeOf(parent), each));
}

/** `ReportsTo` of ReportsToId, `Borrower` of Borrower__c. */
function relationOf({ name }: Pick<DescribedField, 'name'>): string {
  return name.replace(/__c$/i, '').replace(/Id$/, '');
}

/** A column of a lookup that only its name says to be one. */
function unsaid(field: DescribedField, { name }: ColumnFacts, parent: Pair | undefined, table: TableFacts): string[] {
  if (parent === undefined || isNew(table) || table.foreignKeys.some(({ column }) => column === name)) return [];
  return namesOf(field, parent).some((each) => bare(each) === bare(name)) && !isText(keyTypeOf(parent))
    ? []
    : [`no foreign key says so: does it hold keys of ${tableText(parent.table)}? If not, remove the line`];
}

function isText(type: string): boolean {
  return ['text', 'varchar', 'bpchar'].includes(type);
}

function namesOf({ name }: DescribedField, parent: Pair | undefined): string[] {
  return parent === undefined ? [name] : [name, `${relationOf({ name })}_id`];
}

/** The column that a field gets in a table that is to be made. */
function newColumn(field: DescribedField, parent: Pair | undefined): ColumnFacts | undefined {
  const type = typeOf(field.type, parent !== undefined);
  if (type === undefined) return undefined;
  const stem = snakeCase(field.name);
  const name = parent === undefined || /_id$/.test(stem) ? stem : `${stem}_id`;
  const [columnType = 'text'] = columnTypes(type, keyTypeOf(parent));
  return { name, type: columnType, kind: 'b', maxLength: null, notNull: false, hasDefault: false, generated: false };
}

function keyTypeOf(parent: Pair | undefined): string {
  if (parent === undefined) return 'text';
  return parent.table.columns.find(({ name }) => name === keyOf(parent.table).at(-1))?.type ?? 'uuid';
}

/** Columns by which a row names a parent beside the lookup's own: they have the parent's names, as a tenant's mostly does. */
function sharedWith(parent: Pair | undefined): readonly string[] {
  return parent === undefined ? [] : keyOf(parent.table).slice(0, -1);
}

function faultOf(
  field: DescribedField,
  type: FieldTypeName | undefined,
  column: ColumnFacts,
  parent: Pair | undefined,
  table: TableFacts,
): string | undefined {
  if (type === undefined) return `is a ${field.type}, which sfsync does not read`;
  if (isDatabases(column) && !field.updateable)
    return `neither the field nor the ${column.generated ? 'generated' : 'identity'} column ${column.name} is written`;
  const lacking = sharedWith(parent).filter((name) => table.columns.every((each) => each.name !== name));
  if (parent !== undefined && lacking.length > 0) {
    const key = keyOf(parent.table).join(', ');
    return `a row of ${parent.object} is named by (${key}), and which column holds its ${lacking.join(', ')} cannot be seen; name all of them: reference([...], '${parent.object}')`;
  }
  const keyType = keyTypeOf(parent);
  if (fits(type, keyType, column)) return undefined;
  const said = `a ${field.type} goes into ${fittingTypes(type, keyType)}, and column ${column.name} is of type ${column.type}`;
  const instead = field.type === 'reference' ? undefined : insteadOf(FIELD_TYPES[type], column);
  return instead === undefined ? said : `${said}; ${instead}`;
}

function proposedField(
  field: DescribedField,
  type: FieldTypeName,
  column: ColumnFacts,
  parent: Pair | undefined,
  table: TableFacts,
): ProposedField {
  const [direction, why] = directionOf(field, column);
  const proposed = { field: field.name, column: column.name, type, references: parent?.object, direction };
  const inEnum = type === 'text' ? enumValues(field, column) : undefined;
  const others = parent === undefined ? [] : field.referenceTo.filter((object) => object !== parent.object);
  const remarks = [
    ...[...why, ...elsewhere(others), ...unsaid(field, column, parent, table)],
    ...[inEnum?.remark ?? []].flat(),
    ...misfits(table, proposed, field, column),
  ];
  const remark = remarks.length === 0 ? undefined : remarks.join('; ');
  const shared = sharedWith(parent);
  return {
    ...proposed,
    ...(shared.length > 0 && { shared }),
    ...(inEnum?.values && { values: inEnum.values }),
    ...(type === 'text' && field.htmlFormatted === true && { isHtml: true }),
    remark,
  };
}

function severalField({ name, updateable, referenceTo }: DescribedField, several: SeveralParents): ProposedField {
  const { typeColumn, columns, targets } = several;
  const others = referenceTo.filter((object) => !(object in targets));
  const remarks = [
    ...(updateable ? [] : ['our user may not edit the field']),
    ...(typeColumn === undefined ? [] : [`${typeColumn} is taken to hold the names of Rails' classes`]),
    ...elsewhere(others),
  ];
  return {
    ...{ field: name, column: columns[0], several, type: 'reference', references: undefined },
    direction: updateable ? 'both' : 'to-postgres',
    remark: remarks.length === 0 ? undefined : remarks.join('; '),
  };
}

function elsewhere(objects: readonly string[]): string[] {
  return objects.length === 0 ? [] : [`empty where it points to ${objects.join(', ')}`];
}

function directionOf(
  { updateable }: DescribedField,
  column: ColumnFacts,
): readonly [ProposedField['direction'], readonly string[]] {
  if (isDatabases(column))
    return ['to-salesforce', [`the column is ${column.generated ? 'generated' : 'an identity'}`]];
  if (!updateable) return ['to-postgres', ['our user may not edit the field']];
  return ['both', []];
}

/** The database makes the column's values. */
function isDatabases({ generated, identity }: ColumnFacts): boolean {
  return generated || identity === true;
}
