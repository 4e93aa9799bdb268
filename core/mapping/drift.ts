/**
 * Drift: the org and the tables move on, and sync.config.ts stays as it was. Compares the mapping of an object with what
 * Salesforce tells of it to our user, and with the columns of its table, and names for each difference the change to make.
 * How the table must be made as such is the business of `sfsync prepare` (postgres/prepare/database-check.ts).
 */
import type { FieldType } from './canonical.ts';
import type { FieldMapping, ObjectMapping } from './configuration.ts';

/** A field as the describe call tells it (REST API Developer Guide, sObject Describe). */
export interface DescribedField {
  readonly name: string;
  /** `string`, `currency`, ... */
  readonly type: string;
  /** Characters; 0 for types that have none. */
  readonly length: number;
  /** Digits right of the point. */
  readonly scale: number;
  readonly nillable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly defaultedOnCreate: boolean;
  /** Objects that a lookup may point to. */
  readonly referenceTo: readonly string[];
  readonly externalId?: boolean | undefined;
  readonly unique?: boolean | undefined;
}

export interface DescribedObject {
  readonly queryable: boolean;
  readonly updateable: boolean;
  readonly deletable: boolean;
  /** Those that our user may see. */
  readonly fields: readonly DescribedField[];
}

/** What of a column matters here; type names are those of pg_type. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  /** Of varchar(n) and char(n). */
  readonly maxLength: number | null;
  readonly notNull: boolean;
}

export interface Drift {
  /** broken: the object, or what the field brings, no longer goes across. risky: single records may be refused. */
  readonly kind: 'broken' | 'risky';
  /** What is, and the change to make. */
  readonly text: string;
}

/** Code of what is told when a field of the mapping is gone. */
export const FIELD_VANISHED = 'FIELD_VANISHED';

/** Code of what is told when a field of the mapping has a type in Salesforce that the mapping does not read. */
export const FIELD_TYPE_CHANGED = 'FIELD_TYPE_CHANGED';

/**
 * What Salesforce said of the types of fields in doubt, by field: what is, and the change to make. null: the type fits the
 * mapping, so it is single values that do not. Absent: nobody asked, or Salesforce does not tell the field.
 */
export type DoubtedTypes = Readonly<Record<string, string | null>>;

/** Code of what is told when the column of a field of the mapping is gone. */
export const COLUMN_VANISHED = 'COLUMN_VANISHED';

/** Code of what is told when such a column is there again and does not take the values that it should hold. */
export const COLUMN_REFUSES = 'COLUMN_REFUSES';

/** All codes of what is told once of a field that is left out; none of them is a reject. */
export const DRIFT_CODES: readonly string[] = [FIELD_VANISHED, FIELD_TYPE_CHANGED, COLUMN_VANISHED, COLUMN_REFUSES];

/**
 * The mapping without fields that are gone. Updates go through the API then, which writes what is named and nothing else: the
 * flow is made for all fields.
 */
export function withoutFields(mapping: ObjectMapping, gone: ReadonlySet<string>): ObjectMapping {
  const fields = mapping.fields.filter(({ field }) => !gone.has(field));
  return fields.length === mapping.fields.length ? mapping : { ...mapping, fields, delivery: 'api' };
}

/** Types of Salesforce whose values a type of the mapping reads. A picklist is text; text takes an id as it is. */
const FITTING: Readonly<Record<FieldType, readonly string[]>> = {
  text: [
    ...['string', 'textarea', 'email', 'phone', 'url', 'picklist', 'combobox', 'encryptedstring'],
    ...['id', 'reference', 'anyType'],
  ],
  number: ['int', 'long', 'double', 'currency', 'percent'],
  boolean: ['boolean'],
  date: ['date'],
  datetime: ['datetime'],
  time: ['time'],
  multipicklist: ['multipicklist'],
  reference: ['reference'],
};

/**
 * What of an object has drifted in Salesforce. `described`: undefined when Salesforce knows no such object; `columns`: those
 * of its table, as far as there are any.
 */
export function salesforceDrift(
  mapping: ObjectMapping,
  described: DescribedObject | undefined,
  columns: readonly TableColumn[],
): Drift[] {
  if (described === undefined) return named(mapping, [UNKNOWN_OBJECT]);
  const fields = mapping.fields.flatMap((field) => fieldDrift(mapping, field, described, columns));
  return named(mapping, [
    ...objectDrift(mapping, described),
    ...fields,
    ...externalIdDrift(mapping, described),
    ...required(mapping, described),
  ]);
}

/** What of its table is gone. `columns`: undefined when there is no such table. */
export function tableDrift(mapping: ObjectMapping, columns: readonly TableColumn[] | undefined): Drift[] {
  return named(
    mapping,
    columns === undefined ? [noTable(mapping)] : [...missingColumns(mapping, columns), ...keyDrift(mapping, columns)],
  );
}

function named({ object }: ObjectMapping, drifts: readonly Drift[]): Drift[] {
  return drifts.map(({ kind, text }) => ({ kind, text: `${object}${text}` }));
}

const UNKNOWN_OBJECT: Drift = broken(
  ': Salesforce has no such object, or our user may not see it; give the user access to it, or remove it from sync.config.ts',
);

function broken(text: string): Drift {
  return { kind: 'broken', text };
}

function risky(text: string): Drift {
  return { kind: 'risky', text };
}

function objectDrift(mapping: ObjectMapping, { queryable, updateable, deletable }: DescribedObject): Drift[] {
  const writes = mapping.fields.some(({ direction }) => direction !== 'to-postgres');
  const drifts: Drift[] = [];
  if (!queryable) drifts.push(broken(': our user may not read it; give the user the Read permission'));
  if (writes && !updateable) {
    drifts.push(
      broken(': our user may not edit it; give the user the Edit permission, or make all fields to-postgres'),
    );
  }
  if (mapping.deleteRecord !== 'ignore' && !deletable) {
    drifts.push(
      risky(
        ": our user may not delete it, so deletes of rows are refused; give the permission, or set deleteRecord 'ignore'",
      ),
    );
  }
  return drifts;
}

function fieldDrift(
  mapping: ObjectMapping,
  field: FieldMapping,
  described: DescribedObject,
  columns: readonly TableColumn[],
): Drift[] {
  const { field: api } = field;
  const found = described.fields.find(({ name }) => name === api);
  if (found === undefined) return [missingField(field, described)];
  const column = columns.find(({ name }) => name === field.column);
  const ofType = typeDrift(field, found);
  return [
    ...(ofType === undefined ? [] : [{ ...ofType, text: `.${api}: ${ofType.text}` }]),
    ...writeDrift(field, found),
    ...(column === undefined ? [] : columnDrift(mapping, field, found, column)),
  ];
}

/** A field that our user may not see is told as little as one that is gone. */
function missingField({ field: api }: FieldMapping, { fields }: DescribedObject): Drift {
  const spelled = fields.find(({ name }) => name.toLowerCase() === api.toLowerCase())?.name;
  if (spelled !== undefined) return broken(`.${api}: Salesforce spells it ${spelled}; do so in sync.config.ts`);
  return broken(
    `.${api}: Salesforce does not tell of it: it is gone or renamed, or our user may not see it, and queries that name it fail; give the user read access (field-level security), or change sync.config.ts`,
  );
}

/** Fields that are left out, by what Salesforce said of them. */
export function changedFields(types: DoubtedTypes | undefined): Set<string> {
  return new Set(Object.entries(types ?? {}).flatMap(([field, change]) => (change === null ? [] : [field])));
}

/**
 * What a describe says of the types of fields in doubt. It says nothing of one that Salesforce does not tell. A field by whose
 * value records find their rows is never of another type: without it they would become second rows, so they are rejected.
 */
export function doubtedTypes(
  mapping: ObjectMapping,
  described: DescribedObject | undefined,
  doubted: ReadonlySet<string>,
): DoubtedTypes {
  const fields = mapping.fields.filter(({ field }) => doubted.has(field));
  return Object.fromEntries(
    fields.flatMap((field): [string, string | null][] => {
      const found = described?.fields.find(({ name }) => name === field.field);
      if (found === undefined) return [];
      const drift = mapping.matchBy?.field === field.field ? undefined : typeDrift(field, found);
      return [[field.field, drift?.kind === 'broken' ? drift.text : null]];
    }),
  );
}

function typeDrift({ type, references }: FieldMapping, found: DescribedField): Drift | undefined {
  if (!FITTING[type].includes(found.type)) {
    const [better] = Object.entries(FITTING).find(([, types]) => types.includes(found.type)) ?? [];
    const change =
      better === undefined ? 'remove it from sync.config.ts' : `map it as ${better}, with a column to match`;
    // Text takes every plain value, in the spelling of whichever API brought it.
    const kind = type === 'text' && better !== undefined ? risky : broken;
    return kind(`is a ${found.type} in Salesforce and mapped as ${type}; ${change}`);
  }
  if (references === undefined || found.referenceTo.includes(references)) return undefined;
  return broken(
    `points to ${found.referenceTo.join(', ')} in Salesforce and to ${references} in sync.config.ts; name one of them, or map it as text`,
  );
}

/** The external id by which new rows become records. */
function externalIdDrift({ externalIdField: api }: ObjectMapping, { fields }: DescribedObject): Drift[] {
  if (api === undefined) return [];
  const found = fields.find(({ name }) => name === api);
  if (found === undefined)
    return [
      broken(
        `.${api}: Salesforce does not tell of it, and new rows need it as their external id; create it, or give our user access to it`,
      ),
    ];
  const is = (fits: boolean, text: string) => (fits ? [] : [broken(`.${api}: ${text}`)]);
  return [
    ...is(found.type === 'string', `is a ${found.type}, and holds row keys, which are text; make it a text field`),
    ...is(found.externalId === true, 'is no external id, so new rows cannot be sent; mark it as one'),
    ...is(found.unique === true, 'is not unique, so a row might get two records; make it unique'),
    ...is(found.createable, 'cannot be written by our user, so new rows are refused; give the user edit access'),
  ];
}

const KEY_TYPES = ['int2', 'int4', 'int8', 'uuid', 'text', 'varchar'];

/** Only of these types sfsync knows how they spell a value, when a record names a key. */
function keyDrift({ externalIdField, keyColumn }: ObjectMapping, columns: readonly TableColumn[]): Drift[] {
  const key = columns.find(({ name }) => name === keyColumn);
  if (externalIdField === undefined || key === undefined || KEY_TYPES.includes(key.type)) return [];
  return [
    risky(
      `: new rows become records, and the key ${keyColumn} is of type ${key.type}: a record that comes back before its answer makes a second row; use one of ${KEY_TYPES.join(', ')}`,
    ),
  ];
}

/** A formula, a roll-up, an auto-number, or a field that our user may only read. */
function writeDrift({ field: api, direction }: FieldMapping, { updateable }: DescribedField): Drift[] {
  if (direction === 'to-postgres' || updateable) return [];
  return [
    broken(
      `.${api}: cannot be written by our user, so each push of it is refused; give the user edit access (field-level security), or give it the direction to-postgres`,
    ),
  ];
}

const INTEGERS = ['int2', 'int4', 'int8'];

/** Where Salesforce may hold what the column does not take, or the other way round. */
function columnDrift(mapping: ObjectMapping, field: FieldMapping, found: DescribedField, column: TableColumn): Drift[] {
  const { field: api, type, direction } = field;
  const place = `${mapping.schema}.${mapping.table}.${column.name}`;
  const incoming = direction !== 'to-salesforce';
  const drifts: Drift[] = [];
  if (incoming && type === 'text' && column.maxLength !== null && found.length > column.maxLength) {
    drifts.push(
      risky(
        `.${api}: takes ${found.length} characters in Salesforce, ${place} ${column.maxLength}; make the column text`,
      ),
    );
  }
  if (incoming && type === 'number' && found.scale > 0 && INTEGERS.includes(column.type)) {
    drifts.push(risky(`.${api}: has ${found.scale} decimals in Salesforce, ${place} none; make the column numeric`));
  }
  // What a lookup's column says of null is told with the table (postgres/prepare/database-check.ts).
  if (incoming && type !== 'reference' && type !== 'boolean' && found.nillable && column.notNull) {
    drifts.push(risky(`.${api}: may be empty in Salesforce, and ${place} allows no null; drop not null`));
  }
  if (direction !== 'to-postgres' && type !== 'boolean' && !found.nillable && found.updateable && !column.notNull) {
    drifts.push(risky(`.${api}: may not be empty in Salesforce, and ${place} allows null; set it not null`));
  }
  return drifts;
}

/** Fields without which Salesforce creates no record. */
function required(mapping: ObjectMapping, { fields }: DescribedObject): Drift[] {
  const given = new Set(
    mapping.fields.filter(({ direction }) => direction !== 'to-postgres').map(({ field: api }) => api),
  );
  return fields
    .filter(({ name, type, nillable, createable, defaultedOnCreate }) => {
      return createable && !nillable && !defaultedOnCreate && type !== 'boolean' && !given.has(name);
    })
    .map(({ name }) =>
      risky(
        `.${name}: Salesforce requires it of new records, and no column fills it; map it, or give it a default in Salesforce`,
      ),
    );
}

function noTable({ schema, table }: ObjectMapping): Drift {
  return broken(`: table ${schema}.${table} does not exist; create it, or correct sync.config.ts`);
}

function missingColumns(mapping: ObjectMapping, columns: readonly TableColumn[]): Drift[] {
  const { schema, table, keyColumn, salesforceIdColumn, updatedAtColumn, deletedAtColumn, fields } = mapping;
  const own = [keyColumn, salesforceIdColumn, updatedAtColumn ?? [], deletedAtColumn ?? []].flat();
  const there = new Set(columns.map(({ name }) => name));
  return [...own, ...fields.map(({ column }) => column)]
    .filter((column) => !there.has(column))
    .map((column) => broken(`: column ${schema}.${table}.${column} does not exist; add it, or correct sync.config.ts`));
}
