/**
 * The columns of a mapped table, for statements that take texts: `unnest($1::text[])` and then `x.amount::numeric`. They
 * are read once in each transaction, so that a column that was changed since does no harm.
 */
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { ColumnShape } from '../../core/mapping/field-types/field-type.ts';
import { lookupsOf } from '../../core/mapping/lookups.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import type { TableColumns } from '../session/transaction-facts.ts';
import { spelledKey } from './key-columns.ts';
import { insertExpression } from './own-columns.ts';

export async function tableColumns(session: Session, mapping: ObjectMapping): Promise<TableColumns> {
  const known = session.transaction?.columns;
  const found = known?.get(mapping.object) ?? (await readColumns(session, mapping));
  known?.set(mapping.object, found);
  return found;
}

/**
 * Whether a write to one row leaves the others as they are: the table has no trigger and no foreign key to itself. (A
 * mapped lookup without a foreign key counts as one.)
 */
export async function rowsStandAlone(session: Session, mapping: ObjectMapping): Promise<boolean> {
  if (lookupsOf(mapping).some(({ references }) => references === mapping.object)) return false;
  const { rows } = await query<{ alone: boolean }>(
    session,
    `select not exists (select from pg_trigger where tgrelid = t.oid and not tgisinternal)
            and not exists (select from pg_constraint where contype = 'f' and conrelid = t.oid and confrelid = t.oid) as alone
       from pg_class t where t.oid = format('%I.%I', $1::text, $2::text)::regclass`,
    [mapping.schema, mapping.table],
  );
  return rows[0]?.alone === true;
}

interface ColumnRow {
  readonly column: string;
  readonly type: string;
  readonly full_type: string;
  readonly former_types: readonly string[];
  readonly shape: ColumnShape;
  readonly not_null: boolean;
  readonly insert_triggers: boolean;
  readonly default: string | null;
}

/** Of pg_trigger.tgtype: for each row, before, insert. */
const BEFORE_INSERT = 7;

/**
 * A type that the table's portrait does not know yet has come after the one that it knows. Where it is the same, there may have been
 * another one in between.
 */
const FORMER_TYPES = `array(select jsonb_array_elements_text(m.former_types -> a.attname)) || case
  when noted.type <> a.atttypid or noted.modifier <> a.atttypmod then array(
    select format_type(noted.type, noted.modifier) from pg_type y where y.oid = noted.type)
  when m.portrait ->> 'file' <> (select relfilenode::text from pg_class c where c.oid = a.attrelid)
       and m.portrait -> 'altered' ->> a.attname <> a.xmin::text
    then sfsync.types_in_between(a.atttypid, a.atttypmod) end`;

/** Whether the default `d` of a column is an empty text, as `''::character varying`; null: it has none. */
export const IS_EMPTY_TEXT = `pg_get_expr(d.adbin, d.adrelid) ~ '^''''(::[^'']*)?$'`;

async function readColumns(session: Session, mapping: ObjectMapping): Promise<TableColumns> {
  const { object, schema, table } = mapping;
  const { rows } = await query<ColumnRow>(
    session,
    `select a.attname as column, format_type(base.oid, -1) as type, a.attnotnull or base.refuses_null as not_null,
            (select count(*) > 0 from pg_trigger where tgrelid = format('%I.%I', $1::text, $2::text)::regclass
                and not tgisinternal and tgtype & ${BEFORE_INSERT} = ${BEFORE_INSERT}) as insert_triggers,
            format_type(a.atttypid, a.atttypmod) as full_type, ${FORMER_TYPES} as former_types, base.shape,
            case when a.attidentity = '' then pg_get_expr(d.adbin, d.adrelid)
                 when has_sequence_privilege(s.sequence, 'usage') then format('nextval(%L)', s.sequence) end as default
       from pg_attribute a
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       left join sfsync.mapped_table m on m.object = $3
       cross join lateral string_to_array(m.portrait -> 'columns' ->> a.attname, '/') as seen (parts)
       cross join lateral (select seen.parts[2]::oid as type, seen.parts[3]::int as modifier) as noted
       cross join lateral pg_get_serial_sequence(format('%I.%I', $1::text, $2::text), a.attname) as s (sequence)
       cross join lateral (
         with recursive of as (
           select y.*, a.atttypmod as modifier, y.typnotnull as refuses_null from pg_type y where y.oid = a.atttypid
           union all
           select y.*, case when of.typtypmod = -1 then of.modifier else of.typtypmod end, of.refuses_null or y.typnotnull
             from of join pg_type y on y.oid = of.typbasetype where of.typtype = 'd')
         select of.oid, of.refuses_null, jsonb_build_object('type', of.typname, 'kind', of.typtype, 'modifier', of.modifier, 'elementKind', element.typtype,
                  'notNull', a.attnotnull or of.refuses_null, 'emptyByDefault', coalesce(${IS_EMPTY_TEXT}, false))
           from of left join pg_type element on element.oid = of.typelem where of.typtype <> 'd'
       ) as base (oid, refuses_null, shape)
      where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass and a.attnum > 0 and not a.attisdropped`,
    [schema, table, object],
  );
  const defaults = new Map(rows.flatMap((row) => (row.default === null ? [] : [[row.column, row.default] as const])));
  return {
    types: new Map(rows.map(({ column, type }) => [column, type])),
    shapes: new Map(rows.map(({ column, shape }) => [column, shape])),
    fullTypes: new Map(rows.map(({ column, full_type: type }) => [column, type])),
    formerTypes: new Map(rows.map(({ column, former_types: types }) => [column, types])),
    notNull: new Set(rows.filter((row) => row.not_null).map(({ column }) => column)),
    defaults,
    keyDefault: keyMaker(mapping, defaults),
    hasInsertTriggers: rows[0]?.insert_triggers === true,
  };
}

/** An expression that makes the key of a new row; undefined: some column of it is filled by a field, or by the table itself. */
function keyMaker(
  { keyColumns, onInsert, filter, fields }: ObjectMapping,
  defaults: ReadonlyMap<string, string>,
): string | undefined {
  const made = keyColumns.flatMap((column) => {
    const given = onInsert.find((each) => each.column === column);
    const [value] = filter?.values?.[column] ?? [];
    const isFilled = fields.some((field) => field.column === column || field.shared?.includes(column));
    if (isFilled) return [];
    if (given !== undefined) return insertExpression(given);
    return (value === undefined ? defaults.get(column) : insertExpression({ column, value })) ?? [];
  });
  return made.length === keyColumns.length ? spelledKey(made.map((expression) => `(${expression})`)) : undefined;
}

/** Columns of which a unique index, or an exclusion constraint, knows: by themselves, within an expression or in its condition. */
export async function collidingColumns(
  session: Session,
  { schema, table }: ObjectMapping,
): Promise<ReadonlySet<string>> {
  const { rows } = await query<{ column: string }>(
    session,
    `select distinct a.attname as column
       from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum > 0 and not a.attisdropped
      where i.indrelid = format('%I.%I', $1::text, $2::text)::regclass and (i.indisunique or i.indisexclusion)
        and (a.attnum = any (i.indkey)
             or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                           and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))`,
    [schema, table],
  );
  return new Set(rows.map(({ column }) => column));
}
