/** What has drifted between the mapping of an object and the org, and where a column holds less than its field. */
import type { FieldMapping, ObjectMapping } from './configuration.ts';
import type { DescribedField, DescribedObject } from './described-object.ts';
import { broken, type Drift, named, notRenamed, risky } from './drift.ts';
import type { FieldType } from './field-types/field-type.ts';
import { spelledName, spelledTable } from './identifiers.ts';
import { isLookup } from './lookups.ts';
import { STAMP_FIELDS } from './object-ways.ts';
import { makesPersons, personAccountDrift } from './person-accounts.ts';
import { picklistDrift } from './picklist-drift.ts';
import type { TableColumn } from './table-drift.ts';
import { typeDrift } from './type-check.ts';

const UNKNOWN_OBJECT: Drift = broken(
  ': Salesforce has no such object, or our user may not see it; give the user access to it, or remove it from sync.config.ts',
);

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
    ...externalIdDrift(mapping, described, columns),
    ...systemFieldDrift(mapping, described),
    ...personAccountDrift(mapping, described),
    ...(mapping.direction === 'to-postgres' ? [] : required(mapping, described)),
  ]);
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

/** What flows and queries ask for of every record. */
function systemFieldDrift({ recycleBin, stampField }: ObjectMapping, { fields }: DescribedObject): Drift[] {
  const has = (wanted: string) => fields.some(({ name }) => name === wanted);
  const drifts: Drift[] = [];
  if (recycleBin && !has('IsDeleted')) {
    drifts.push(
      broken(
        ': has no field IsDeleted, and queries that name it fail; give the object the direction to-postgres and recycleBin false',
      ),
    );
  }
  if (!recycleBin && has('IsDeleted')) {
    drifts.push(risky(': has a field IsDeleted, which would show its deletes; say recycleBin true'));
  }
  if (!has(stampField)) {
    const other = STAMP_FIELDS.find(has);
    const change = other === undefined ? 'it has none, so it cannot be polled; remove it' : `name ${other}`;
    drifts.push(broken(`: has no field ${stampField}, by which changed records are found; ${change}`));
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
  const { formerly } = field;
  const isBoth = formerly !== undefined && described.fields.some(({ name }) => name === formerly);
  return [
    ...(isBoth ? [broken(`.${api}: ${notRenamed(formerly, true)}`)] : []),
    ...(ofType === undefined ? [] : [{ ...ofType, text: `.${api}: ${ofType.text}` }]),
    ...writeDrift(field, found),
    ...[
      ...picklistDrift(field, found),
      ...(column === undefined ? [] : columnDrift(mapping, field, found, column)),
    ].map(({ kind, text }) => ({ kind, text: `.${api}: ${text}` })),
  ];
}

/** A describe lists a field that our user may not see as little as one that is gone. */
function missingField({ field: api, formerly }: FieldMapping, { fields }: DescribedObject): Drift {
  const spelled = fields.find(({ name }) => name.toLowerCase() === api.toLowerCase())?.name;
  if (fields.some(({ name }) => name === formerly)) return broken(`.${api}: ${notRenamed(formerly ?? '', false)}`);
  if (spelled !== undefined) return broken(`.${api}: Salesforce spells it ${spelled}; do so in sync.config.ts`);
  return broken(
    `.${api}: Salesforce does not show it: it is gone or renamed, or our user may not see it, and queries that name it fail; give the user read access (field-level security), or change sync.config.ts`,
  );
}

/** Whose values may differ in case only; a citext compares as Salesforce does. */
const TEXT_KEYS = ['text', 'varchar'];
const FOLDS =
  'does not distinguish upper and lower case, and row keys do: of rows whose keys are alike but for that, only the first becomes a record; mark it as case sensitive';

/** The external id by which new rows become records. */
function externalIdDrift(
  { externalIdField: api, keyColumns }: ObjectMapping,
  { fields }: DescribedObject,
  columns: readonly TableColumn[],
): Drift[] {
  if (api === undefined) return [];
  const found = fields.find(({ name }) => name === api);
  if (found === undefined)
    return [
      broken(
        `.${api}: Salesforce does not show it, and new rows need it as their external id; create it, or give our user access to it`,
      ),
    ];
  const isText = columns.some(({ name, type }) => keyColumns.includes(name) && TEXT_KEYS.includes(type));
  const folds = found.caseSensitive === false && isText;
  const is = (fits: boolean, text: string) => (fits ? [] : [broken(`.${api}: ${text}`)]);
  return [
    ...is(found.type === 'string', `is a ${found.type}, and holds row keys, which are text; make it a text field`),
    ...is(found.externalId === true, 'is no external id, so new rows cannot be sent; mark it as one'),
    ...is(found.unique === true, 'is not unique, so a row might get two records; make it unique'),
    ...is(found.createable, 'cannot be written by our user, so new rows are refused; give the user edit access'),
    ...(folds ? [risky(`.${api}: ${FOLDS}`)] : []),
    ...keyLengthDrift(api, found, keyColumns, columns),
  ];
}

/** The most characters of a key column's text; a varchar says it itself. */
const KEY_LENGTHS: Readonly<Record<string, number>> = { int2: 6, int4: 11, int8: 20, uuid: 36 };

function keyLengthDrift(
  api: string,
  { length }: DescribedField,
  keyColumns: readonly string[],
  columns: readonly TableColumn[],
): Drift[] {
  const longest = keyColumns.map((key) => {
    const column = columns.find(({ name }) => name === key);
    return KEY_LENGTHS[column?.type ?? ''] ?? column?.maxLength ?? 0;
  });
  const needed = longest.reduce((sum, each) => sum + each, keyColumns.length - 1);
  if (length === 0 || needed <= length) return [];
  return [
    risky(
      `.${api}: takes ${length} characters, and row keys have up to ${needed}: the rows of longer ones become no records; widen the field`,
    ),
  ];
}

const RICH_TEXT =
  'is rich text: Salesforce cleans the HTML that it is sent, and writes & < > as entities, which count for its length; what it makes of a text comes back into the row; map it as richText, and the row keeps its own spelling';

function notWritable(api: string, what: string): Drift {
  return broken(`.${api}: ${what}; give it the direction to-postgres`);
}

/** A formula, a roll-up, an auto-number, or a field that our user may only read. */
function writeDrift(
  { field: api, direction, type }: FieldMapping,
  { updateable, calculated, autoNumber, htmlFormatted }: DescribedField,
): Drift[] {
  if (direction === 'to-postgres') return [];
  if (calculated === true) return [notWritable(api, 'is a formula or a roll-up, which Salesforce computes')];
  if (autoNumber === true) return [notWritable(api, 'is an auto-number, which Salesforce gives')];
  if (updateable)
    return htmlFormatted === true && type.isStoredAs === undefined ? [risky(`.${api}: ${RICH_TEXT}`)] : [];
  return [
    broken(
      `.${api}: cannot be written by our user, so each push of it is refused; give the user edit access (field-level security), or give it the direction to-postgres`,
    ),
  ];
}

/** Where Salesforce may hold what the column does not take, or the other way round; the texts do not name the field. */
export function columnDrift(
  table: Pick<ObjectMapping, 'schema' | 'table'>,
  { type, references, targets, direction }: Pick<FieldMapping, 'type' | 'references' | 'targets' | 'direction'>,
  found: DescribedField,
  column: TableColumn,
): Drift[] {
  const place = `${spelledTable(table)}.${spelledName(column.name)}`;
  const incoming = direction !== 'to-salesforce';
  const isNullable = type.blank === null;
  const drifts: Drift[] = [];
  const narrow = incoming ? type.narrowness(found, column) : undefined;
  if (narrow !== undefined) {
    const { inSalesforce, inColumn, change } = narrow;
    drifts.push(risky(`${inSalesforce} in Salesforce, ${place} ${inColumn}; ${change}`));
  }
  const isAsItStands = type.mapped === undefined && type.meaning?.convert === undefined;
  const excess = direction !== 'to-postgres' && isAsItStands ? type.excess?.(found, column) : undefined;
  if (excess !== undefined) drifts.push(risky(`${place} ${excess}`));
  // What a lookup's column does with null is checked with the table (postgres/prepare/database-check.ts).
  const fillsNull = type.nullInColumn !== undefined || type.emptyInColumn?.(column) !== undefined;
  if (incoming && isNullable && !fillsNull && !isLookup({ references, targets }) && found.nillable && column.notNull) {
    const change = changeForNull(type);
    drifts.push(risky(`may be empty in Salesforce, and ${place} allows no null; drop not null${change}`));
  }
  if (direction !== 'to-postgres' && isNullable && !found.nillable && found.updateable && !column.notNull) {
    drifts.push(risky(`may not be empty in Salesforce, and ${place} allows null; set it not null`));
  }
  return drifts;
}

/** What else a column may do with null than allow it. */
function changeForNull({ mapped, emptyInColumn }: FieldType): string {
  if (mapped !== undefined) return ", or give the empty value a code: `values: { '': ... }`";
  return emptyInColumn?.({ type: 'text', emptyByDefault: true }) === undefined
    ? ''
    : ", or give it the default '', which it gets then";
}

/** Fields without which Salesforce creates no record. */
function required(mapping: ObjectMapping, described: DescribedObject): Drift[] {
  const given = new Set(
    mapping.fields.filter(({ direction }) => direction !== 'to-postgres').map(({ field: api }) => api),
  );
  if (makesPersons(mapping, described)) given.add('Name');
  return described.fields
    .filter(({ name, type, nillable, createable, defaultedOnCreate }) => {
      return createable && !nillable && !defaultedOnCreate && type !== 'boolean' && !given.has(name);
    })
    .map(({ name }) =>
      risky(
        `.${name}: Salesforce requires it of new records, and no column fills it; map it, or give it a default in Salesforce`,
      ),
    );
}
