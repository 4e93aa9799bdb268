/**
 * Rows of the mapped tables, read as canonical values and written from them. `jsonb_populate_recordset` over the table's
 * own row type hands every text to the column type's input function, so no type is named here. Only columns that change
 * are written: the canonical form is coarser than the column's (a timestamp's microseconds), and must not replace it.
 */
import pg from 'pg';
import type { CanonicalValue, FieldType, FieldValues } from '../../core/canonical.ts';
import { fromPostgres, parseInstant, toPostgres, UNLINKED, UNREADABLE } from '../../core/canonical.ts';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../core/configuration.ts';
import { mappingOf } from '../../core/configuration.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import type { Instant } from '../../core/link.ts';
import type { Session } from './connection.ts';
import { query } from './connection.ts';

const name = pg.escapeIdentifier;
const text = pg.escapeLiteral;

export function tableOf({ schema, table }: ObjectMapping): string {
  return `${name(schema)}.${name(table)}`;
}

export interface StoredRow {
  readonly key: string;
  readonly salesforceId: string | undefined;
  readonly fields: FieldValues;
  /** When it was edited, where the mapping names the column. */
  readonly editedAt: Instant | undefined;
  /** It is there, and counts as gone: the application or a delete in Salesforce has marked it. */
  readonly softDeleted: boolean;
}

/** Which rows: by key, or by the Salesforce id that they carry. */
export type RowSelection = { readonly keys: readonly string[] } | { readonly salesforceIds: readonly string[] };

/** Locks the rows in key order and reads their mapped fields. */
export async function lockRows(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  selection: RowSelection,
): Promise<StoredRow[]> {
  const table = tableOf(mapping);
  const key = name(mapping.keyColumn);
  const [chosen, wanted] =
    'keys' in selection
      ? [`join ${populated(mapping)} chosen on chosen.${key} = t.${key}`, keyList(mapping, selection.keys)]
      : [
          `join unnest($1::text[]) chosen (id) on chosen.id = t.${name(mapping.salesforceIdColumn)}`,
          selection.salesforceIds,
        ];
  const parents = mapping.fields.filter(({ type }) => type === 'reference');
  const { rows } = await query<Record<string, string | null>>(
    session,
    `select t.${key}::text as "#key", t.${name(mapping.salesforceIdColumn)} as "#id", ${marks(mapping)}, ${mapping.fields.map(readColumn).join(', ')}
       from ${table} t ${chosen} ${parents.map((field) => joinParent(configuration, field)).join(' ')}
      order by t.${key} for update of t`,
    [wanted],
  );
  return rows.map((row) => ({
    key: String(row['#key']),
    salesforceId: row['#id'] ?? undefined,
    editedAt: parseInstant(row['#edited'] ?? ''),
    softDeleted: row['#deleted'] !== null,
    fields: Object.fromEntries(
      mapping.fields.map(({ field, type }) => [field, readValue(type, row[field] ?? null, field)]),
    ),
  }));
}

function marks({ updatedAtColumn, deletedAtColumn }: ObjectMapping): string {
  const column = (named: string | undefined) => (named === undefined ? 'null' : `t.${name(named)}::text`);
  return `${column(updatedAtColumn)} as "#edited", ${column(deletedAtColumn)} as "#deleted"`;
}

function readValue(type: FieldType, value: string | null, field: string): CanonicalValue {
  try {
    return fromPostgres(type, value, field);
  } catch (error) {
    if (error instanceof RejectedRecordError) return `${UNREADABLE}${field}`;
    throw error;
  }
}

function populated(mapping: ObjectMapping): string {
  return `jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb)`;
}

function keyList({ keyColumn }: ObjectMapping, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => ({ [keyColumn]: key })));
}

function readColumn({ field, column, type }: FieldMapping): string {
  const source = `t.${name(column)}`;
  if (type === 'multipicklist') return `array_to_string(${source}, ';') as ${name(field)}`;
  if (type !== 'reference') return `${source}::text as ${name(field)}`;
  const parent = `${name(`parent ${field}`)}."#id"`;
  return `case when ${source} is not null then coalesce(${parent}, ${text(UNLINKED)} || ${source}::text) end as ${name(field)}`;
}

/** A lookup is compared as the parent's Salesforce id, which the parent's row carries. */
function joinParent(configuration: SyncConfiguration, { field, column, references }: FieldMapping): string {
  const parent = mappingOf(configuration, references ?? '');
  const alias = name(`parent ${field}`);
  return `left join (select ${name(parent.keyColumn)} as "#key", ${name(parent.salesforceIdColumn)} as "#id" from ${tableOf(parent)}) ${alias}
    on ${alias}."#key" = t.${name(column)}`;
}

/** Keys of the rows that carry these Salesforce ids, locked against deletion until the transaction ends. */
export async function holdParents(
  session: Session,
  parent: ObjectMapping,
  salesforceIds: readonly string[],
): Promise<Map<string, string>> {
  if (salesforceIds.length === 0) return new Map();
  const id = name(parent.salesforceIdColumn);
  const { rows } = await query<{ id: string; key: string }>(
    session,
    `select ${id} as id, ${name(parent.keyColumn)}::text as key from ${tableOf(parent)}
      where ${id} = any ($1::text[]) order by ${name(parent.keyColumn)} for key share`,
    [salesforceIds],
  );
  return new Map(rows.map((row) => [row.id, row.key]));
}

/** A value per field; for lookups the parent's key (null while the parent has no row). */
export interface RowWrite {
  readonly key: string;
  readonly fields: FieldValues;
}

/** Writes changed fields. Rows that change the same fields go in one statement. */
export async function updateRows(session: Session, mapping: ObjectMapping, writes: readonly RowWrite[]): Promise<void> {
  const groups = Map.groupBy(writes, ({ fields }) => Object.keys(fields).sort().join());
  for (const group of groups.values()) {
    const changed = mapping.fields.filter(({ field }) => field in (group[0]?.fields ?? {}));
    if (changed.length === 0) continue;
    const key = name(mapping.keyColumn);
    const columns = changed.map(({ column }) => `${name(column)} = x.${name(column)}`).join(', ');
    await query(
      session,
      `update ${tableOf(mapping)} t set ${columns} from ${populated(mapping)} x where t.${key} = x.${key}`,
      [JSON.stringify(group.map((write) => ({ [mapping.keyColumn]: write.key, ...columnsOf(mapping, write.fields) })))],
    );
  }
}

export interface RowInsert {
  readonly salesforceId: string;
  readonly fields: FieldValues;
}

/** Inserts new rows; the table makes their keys. Answers the key of each Salesforce id. */
export async function insertRows(
  session: Session,
  mapping: ObjectMapping,
  inserts: readonly RowInsert[],
): Promise<Map<string, string>> {
  if (inserts.length === 0) return new Map();
  const given = mapping.fields.filter(({ direction }) => direction !== 'to-salesforce');
  const columns = [mapping.salesforceIdColumn, ...given.map(({ column }) => column)].map(name).join(', ');
  const { rows } = await query<{ id: string; key: string }>(
    session,
    `insert into ${tableOf(mapping)} (${columns}) select ${columns} from ${populated(mapping)}
     returning ${name(mapping.salesforceIdColumn)} as id, ${name(mapping.keyColumn)}::text as key`,
    [
      JSON.stringify(
        inserts.map(({ salesforceId, fields }) => ({
          [mapping.salesforceIdColumn]: salesforceId,
          ...columnsOf(mapping, fields),
        })),
      ),
    ],
  );
  return new Map(rows.map((row) => [row.id, row.key]));
}

/** Values as `jsonb_populate_recordset` takes them, by column. */
export function columnsOf(mapping: ObjectMapping, fields: FieldValues): Record<string, unknown> {
  return Object.fromEntries(
    mapping.fields
      .filter(({ field }) => fields[field] !== undefined)
      .map(({ field, column, type }) => [column, toPostgres(type, fields[field] ?? null)]),
  );
}
