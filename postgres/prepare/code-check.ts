/**
 * Whether the columns of fields with `values` or `convert` take what these make of values, found by trying: each is put into a
 * temporary table with a column like it, with its type and the checks that look at it alone.
 */
import pg from 'pg';
import { canonicalOf } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { FieldType, MappedValue } from '../../core/mapping/field-types/field-type.ts';
import { fitsColumn } from '../../core/mapping/field-types/field-types.ts';
import { spelledName, spelledTable } from '../../core/mapping/identifiers.ts';
import { storedFields } from '../../core/mapping/lookups.ts';
import { quoteName } from '../session/quote.ts';
import type { TableFindings } from './database-check.ts';
import type { CatalogTable } from './table-catalog.ts';

export async function codeFindings(
  client: pg.ClientBase,
  { objects }: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<TableFindings> {
  const faults: string[] = [];
  const warnings: string[] = [];
  for (const mapping of objects) {
    for (const field of storedFields(mapping)) {
      const column = tables.get(mapping.object)?.columns.find(({ name }) => name === field.column);
      const given = givenValues(field);
      // Of a column of another type that is all there is to say (column-fault.ts).
      if (column === undefined || given.length === 0 || !fitsColumn(field.type, column)) continue;
      const at = `${spelledTable(mapping)}.${spelledName(field.column)}`;
      const { refused, changed, strangers } = await tryCodes(client, mapping, field, given);
      const option = field.type.mapped === undefined ? 'a sample of its `convert`' : 'its `values`';
      if (field.direction !== 'to-salesforce') {
        faults.push(
          ...refused.map(
            (text) => `${at}: ${field.field} has in ${option} what the column refuses: ${text}; correct one of them`,
          ),
          ...changed.map(
            (code) =>
              `${at}: ${field.field} has '${code}' in ${option}, which the column holds as something else; correct one of them`,
          ),
        );
      }
      if (field.direction !== 'to-postgres' && field.type.mapped !== undefined && strangers.length > 0) {
        warnings.push(
          `${at}: its type has ${list(strangers)}, without an entry in the \`values\` of ${field.field}: such a value is listed and not sent; add one`,
        );
      }
    }
  }
  return { faults, warnings };
}

/** What the configuration says that the column holds. */
function givenValues({ type }: FieldMapping): readonly MappedValue[] {
  const samples = type.meaning?.convert;
  if (type.mapped !== undefined || samples === undefined || typeof samples === 'string') return type.mapped ?? [];
  return Object.entries(samples).map(([key, code]) => ({ value: canonicalOf(type, key) ?? null, code }));
}

interface Tried {
  /** What the server says of codes that the column does not take: no values of records. */
  readonly refused: readonly string[];
  readonly changed: readonly string[];
  /** Labels of the column's enum that no value has. */
  readonly strangers: readonly string[];
}

async function tryCodes(
  client: pg.ClientBase,
  { schema, table }: ObjectMapping,
  { column, type }: FieldMapping,
  given: readonly MappedValue[],
): Promise<Tried> {
  const name = quoteName(column);
  const of = [schema, table, column];
  const refused: string[] = [];
  const changed: string[] = [];
  await client.query('begin');
  try {
    const { rows: labels } = await client.query<{ label: string }>(LABELS, of);
    const { rows: checks } = await client.query<{ definition: string }>(CHECKS, of);
    await client.query(
      `create temporary table sfsync_code_check on commit drop as
         select ${name} from ${quoteName(schema)}.${quoteName(table)} with no data`,
    );
    for (const { definition } of checks) await client.query(`alter table sfsync_code_check add ${definition}`);
    for (const each of given) {
      await client.query('savepoint code');
      try {
        const { rows } = await client.query<{ held: string }>(
          `insert into sfsync_code_check values ($1) returning ${type.columnText(name, undefined)} as held`,
          [each.code],
        );
        if (!isRead(type, given, each, rows[0]?.held ?? '')) changed.push(each.code);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        await client.query('rollback to savepoint code');
        refused.push(`'${each.code}' (${error.message})`);
      }
    }
    const codes = new Set(given.map(({ code }) => code));
    return { refused, changed, strangers: labels.map(({ label }) => label).filter((label) => !codes.has(label)) };
  } finally {
    await client.query('rollback');
  }
}

/** Whether the text is read as the value; of values with one code, as one of them. */
function isRead(type: FieldType, given: readonly MappedValue[], { value, code }: MappedValue, held: string): boolean {
  const spelled = type.spelledInColumn(held);
  const found = spelled === undefined ? undefined : canonicalOf(type, spelled);
  return found === value || given.some((each) => each.value === found && each.code === code);
}

function list(labels: readonly string[]): string {
  return labels.map((label) => `'${label}'`).join(', ');
}

const COLUMN = `a.attrelid = format('%I.%I', $1::text, $2::text)::regclass and a.attname = $3::text and not a.attisdropped`;

/** Of the type, or of the one that a domain is of. */
const LABELS = `select e.enumlabel as label from pg_attribute a
    join pg_type t on t.oid = a.atttypid join pg_enum e on e.enumtypid in (t.oid, t.typbasetype)
   where ${COLUMN} order by e.enumsortorder`;

/** Checks that look at no other column. */
const CHECKS = `select pg_get_constraintdef(c.oid) as definition from pg_attribute a
    join pg_constraint c on c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum]
   where ${COLUMN} order by c.conname`;
