/**
 * A mapped column that is gone: its field is left out in both directions, as one that Salesforce no longer tells
 * (vanished-fields.ts), and everything else goes on. A column that is there again is in force only when what it should
 * hold is back in it (returned-column.ts). Key, id and marks of a row, and the column that records are matched by, are no
 * such columns: without them nothing of the object can be told apart.
 */

import type { ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import { SyncError } from '../../core/errors.ts';
import {
  type FieldMapping,
  mappingOf,
  type ObjectMapping,
  type SyncConfiguration,
} from '../../core/mapping/configuration.ts';
import { COLUMN_REFUSES, COLUMN_VANISHED, withoutFields } from '../../core/mapping/drift.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { query } from '../../postgres/session/connection.ts';
import { COLUMNS_MOVED, type InForceMapping } from '../../postgres/tables/column-numbers.ts';
import type { StepContext } from '../step.ts';
import { fillReturned } from './refill.ts';

/** The context with all objects without the fields whose columns are gone, and with the numbers of their columns. */
export interface ColumnsInForce extends StepContext {
  /** What this step was the first to see. */
  readonly reasons: readonly ReasonCount[];
}

/** How often a step begins anew because columns have moved under it. */
const LOOKS = 3;
const UNDEFINED_COLUMN = '42703';

/**
 * Does the work of a step with the columns that there are; again when they move meanwhile, so the work must bear being
 * repeated. Not within a transaction. `step`: who tells people what is told once; undefined: this step tells nobody.
 */
export async function withColumns<T>(
  context: StepContext,
  step: string | undefined,
  work: (columns: ColumnsInForce) => Promise<T>,
): Promise<T> {
  for (let look = 1; ; look++) {
    try {
      return await work(await columnsInForce(context, step));
    } catch (error) {
      const moved = error instanceof SyncError && (error.code === COLUMNS_MOVED || error.code === UNDEFINED_COLUMN);
      if (!moved || look === LOOKS) throw error;
    }
  }
}

async function columnsInForce(context: StepContext, step: string | undefined): Promise<ColumnsInForce> {
  const { session, configuration, mapping } = context;
  const looked = await look(session, configuration);
  const numbers = numbersOf(looked);
  const own = looked.filter(({ object }) => object === mapping.object);
  await register(session, own);
  const leftOut = new Set(looked.filter(({ state }) => state === 'gone' || state === 'returned'));
  const inForce = (each: ObjectMapping): InForceMapping => ({
    ...withoutFields(each, fieldsOf(leftOut, each.object)),
    columnNumbers: numbers.get(each.object),
  });
  const fitted = () => ({ ...configuration, objects: configuration.objects.map(inForce) });
  const reasons: ReasonCount[] = [];
  for (const column of own.filter(({ state }) => state === 'returned')) {
    const { object, field } = column;
    leftOut.delete(column);
    const returned = { ...context, configuration: fitted(), mapping: mappingOf(fitted(), object) };
    const filled = await fillReturned(returned, step, { ...column, mapped: fieldOf(configuration, object, field) });
    if (filled !== 'in force') leftOut.add(column);
    if (typeof filled === 'object' && filled.first) reasons.push({ code: COLUMN_REFUSES, field, count: 1 });
  }
  const gone = own.filter(({ state }) => state === 'gone');
  const seen = gone.length === 0 ? [] : await note(session, gone, step);
  return {
    ...context,
    configuration: fitted(),
    mapping: inForce(mapping),
    reasons: [...reasons, ...seen.map((field) => ({ code: COLUMN_VANISHED, field, count: 1 }))],
  };
}

function fieldOf(configuration: SyncConfiguration, object: string, field: string): FieldMapping | undefined {
  return mappingOf(configuration, object).fields.find((each) => each.field === field);
}

interface LookedColumn {
  readonly object: string;
  readonly field: string;
  readonly column: string;
  readonly table: string | null;
  readonly number: number | null;
  /** What rows hold that were there before the column was added with a constant default (pg_attribute.attmissingval). */
  readonly initial: string | null;
  /** new: not known yet, or of a table that took the place of another. returned: it was gone, or is another column now. */
  readonly state: 'in force' | 'new' | 'gone' | 'returned';
  /** returned: it is another column than the one that was in force, so it is empty. */
  readonly empty: boolean;
}

/**
 * Values of other types are read and written as texts, so what does not fit is refused row by row. A column for a set that is
 * no array, or for a lookup that cannot be compared with the parent's key, fails the statement: it counts as gone.
 */
const FITS = `case w.form
  when 'array' then (select y.typcategory = 'A' from pg_type y where y.oid = a.atttypid)
  when 'parent key' then coalesce((
    select y.typcategory = ky.typcategory from pg_type y, pg_namespace kn
      join pg_class kt on kt.relnamespace = kn.oid
      join pg_attribute k on k.attrelid = kt.oid and not k.attisdropped
      join pg_type ky on ky.oid = k.atttypid
     where y.oid = a.atttypid and kn.nspname = w.parent_schema and kt.relname = w.parent_name and k.attname = w.key), true)
  else true end`;

async function look(session: Session, configuration: SyncConfiguration): Promise<LookedColumn[]> {
  const wanted = configuration.objects.flatMap((mapping) =>
    mapping.fields.map(({ field, column, type, references }) => {
      const needed = field === mapping.matchBy?.field;
      const { schema, table: name, object } = mapping;
      const parent = references === undefined ? undefined : mappingOf(configuration, references);
      const key = parent && { parent_schema: parent.schema, parent_name: parent.table, key: parent.keyColumn };
      return { object, field, schema, name, column, needed, form: type.columnForm, ...key };
    }),
  );
  const { rows } = await query<LookedColumn>(
    session,
    `select w.object, w.field, w.column, t.oid::text as table, a.attnum::int as number,
            case when a.atthasmissing then (a.attmissingval::text::text[])[1] end as initial,
            k.attnum is distinct from a.attnum or k.table_oid is distinct from t.oid as empty,
            case when t.oid is null or (a.attnum is null and w.needed) then 'in force'
                 when a.attnum is null then 'gone'
                 when k.object is null or (k.table_oid <> t.oid and k.vanished_at is null) then 'new'
                 when k.vanished_at is null and k.attnum = a.attnum then 'in force'
                 else 'returned' end as state
       from jsonb_to_recordset($1::jsonb) as w (object text, field text, schema text, name text, "column" text, needed boolean,
            form text, parent_schema text, parent_name text, key text)
       left join (pg_class t join pg_namespace n on n.oid = t.relnamespace) on n.nspname = w.schema and t.relname = w.name
       left join pg_attribute a on a.attrelid = t.oid and a.attname = w.column and a.attnum > 0 and not a.attisdropped
        and ${FITS}
       left join sfsync.mapped_column k on k.object = w.object and k.field = w.field`,
    [JSON.stringify(wanted)],
  );
  return rows;
}

function numbersOf(looked: readonly LookedColumn[]): Map<string, ReadonlyMap<string, number>> {
  return new Map(
    [...Map.groupBy(looked, ({ object }) => object)].map(([object, columns]) => [
      object,
      new Map(columns.flatMap(({ column, number }) => (number === null ? [] : [[column, number] as const]))),
    ]),
  );
}

function fieldsOf(columns: ReadonlySet<LookedColumn>, object: string): ReadonlySet<string> {
  return new Set([...columns].filter((column) => column.object === object).map(({ field }) => field));
}

async function register(session: Session, columns: readonly LookedColumn[]): Promise<void> {
  const added = columns.filter(({ state }) => state === 'new');
  if (added.length === 0) return;
  await query(
    session,
    `insert into sfsync.mapped_column as k (object, field, table_oid, attnum)
     select object, field, "table"::oid, number from jsonb_to_recordset($1::jsonb) as x (object text, field text, "table" text, number integer)
      order by object, field
     on conflict (object, field) do update set table_oid = excluded.table_oid, attnum = excluded.attnum
       where k.vanished_at is null and k.table_oid <> excluded.table_oid`,
    [JSON.stringify(added)],
  );
}

/** Answers the fields that this step saw first: also when it is tried again, for nobody may have been told yet. */
async function note(session: Session, gone: readonly LookedColumn[], step: string | undefined): Promise<string[]> {
  const { rows } = await query<{ field: string }>(
    session,
    `with noted as (
       insert into sfsync.mapped_column as k (object, field, table_oid, vanished_at, seen_by)
       select object, field, "table"::oid, now(), $2 from jsonb_to_recordset($1::jsonb) as x (object text, field text, "table" text)
        order by object, field
       on conflict (object, field) do update
         set vanished_at = coalesce(k.vanished_at, now()), seen_by = coalesce(k.seen_by, excluded.seen_by)
         where k.vanished_at is null or (k.seen_by is null and excluded.seen_by is not null)
       returning k.field, k.seen_by)
     select field from noted where seen_by = $2
     union select k.field from sfsync.mapped_column k join jsonb_to_recordset($1::jsonb) as x (object text, field text) using (object, field)
      where k.seen_by = $2 and k.vanished_at is not null`,
    [JSON.stringify(gone), step ?? null],
  );
  return rows.map(({ field }) => field).sort();
}

/** Columns that came back and are left out, for they do not take their values; for people. */
export async function listRefusing(
  session: Session,
): Promise<readonly { readonly object: string; readonly field: string; readonly since: Date }[]> {
  const { rows } = await query<{ object: string; field: string; since: Date }>(
    session,
    `select object, field, refused_at as since from sfsync.mapped_column
      where refused_at is not null and vanished_at is not null order by 1, 2`,
  );
  return rows;
}
