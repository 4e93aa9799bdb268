/**
 * A mapped column that is gone: its field is left out in both directions, as one that Salesforce no longer has (fields.ts),
 * and everything else goes on. A column that is there again is in force only when what it should hold is back in it
 * (refill.ts). Key, id and marks of a row, and the column that records are matched by, are no such columns: without them
 * no row is known from another.
 */

import type { ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import { SyncError } from '../../core/errors.ts';
import {
  type FieldMapping,
  mappingOf,
  type ObjectMapping,
  parentOf,
  type SyncConfiguration,
} from '../../core/mapping/configuration.ts';
import { COLUMN_REFUSES, COLUMN_VANISHED, withoutFields } from '../../core/mapping/drift.ts';
import { lookupsIn, storedIn } from '../../core/mapping/lookups.ts';
import type { LookedColumn } from '../../postgres/ledger/mapped-columns.ts';
import { lookAtColumns, noteVanished } from '../../postgres/ledger/mapped-columns.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { COLUMNS_MOVED, type InForceMapping } from '../../postgres/tables/column-numbers.ts';
import { lookAtTables } from '../../postgres/tables/table-facts.ts';
import { COLUMN_UNREADABLE } from '../../postgres/tables/unreadable-columns.ts';
import type { StepContext } from '../step.ts';
import { isForgotten, noteMapping } from './joins.ts';
import { columnDefault, fillReturned } from './refill.ts';

/** The context with all objects without the fields whose columns are gone, and with the numbers of their columns. */
export interface ColumnsInForce extends StepContext {
  /** What this step was the first to see. */
  readonly reasons: readonly ReasonCount[];
}

/** How often a step begins anew because columns have moved under it, or cannot be read in one row. */
const LOOKS = 3;
const UNDEFINED_COLUMN = '42703';
const BEGUN_ANEW: ReadonlySet<string> = new Set([COLUMNS_MOVED, COLUMN_UNREADABLE, UNDEFINED_COLUMN]);

/**
 * Does the work of a step with the columns that there are; again when they move under it, so the work must bear being
 * repeated. Not within a transaction. `reporter`: names the step in what is reported once; undefined: it reports nothing.
 */
export async function withMappingInForce<T>(
  context: StepContext,
  reporter: string | undefined,
  work: (columns: ColumnsInForce) => Promise<T>,
): Promise<T> {
  for (let look = 1; ; look++) {
    try {
      return await work(await columnsInForce(context, reporter));
    } catch (error) {
      if (!beginsAnew(error) || look === LOOKS) throw error;
    }
  }
}

/** Whether a step has to begin anew: columns have moved since they were looked at, or have to be read one by one. */
export function beginsAnew(error: unknown): boolean {
  return error instanceof SyncError && BEGUN_ANEW.has(error.code);
}

async function columnsInForce(context: StepContext, reporter: string | undefined): Promise<ColumnsInForce> {
  const { session, configuration, mapping } = context;
  const tables = await lookAtTables(session, configuration.objects);
  const looked = await look(session, configuration);
  const numbers = numbersOf(looked);
  const own = looked.filter(({ object }) => object === mapping.object);
  const renamed = await noteMapping(context, own);
  const isLeftOut = (column: LookedColumn) =>
    column.forgetting || isForgotten(column) || renamed.has(column) || column.state === 'gone';
  const isReturned = (column: LookedColumn) => column.state === 'returned' && !isLeftOut(column);
  const leftOut = new Set(looked.filter((column) => isLeftOut(column) || isReturned(column)));
  const inForce = (each: ObjectMapping): InForceMapping => ({
    ...withDefaults(withoutFields(each, fieldsOf(leftOut, each.object)), looked),
    columnNumbers: numbers.get(each.object),
    tableFacts: tables.get(each.object),
  });
  const fitted = () => ({ ...configuration, objects: configuration.objects.map(inForce) });
  const reasons: ReasonCount[] = [];
  for (const column of own.filter(isReturned)) {
    const { object, field } = column;
    leftOut.delete(column);
    const returned = { ...context, configuration: fitted(), mapping: mappingOf(fitted(), object) };
    const filled = await fillReturned(returned, reporter, { ...column, mapped: fieldOf(configuration, object, field) });
    if (filled !== 'in force') leftOut.add(column);
    if (typeof filled === 'object' && filled.first) reasons.push({ code: COLUMN_REFUSES, field, count: 1 });
  }
  const gone = own.filter(({ state }) => state === 'gone');
  const seen = await noteVanished(session, gone, reporter);
  return {
    ...context,
    configuration: fitted(),
    mapping: inForce(mapping),
    reasons: [...reasons, ...seen.map((field) => ({ code: COLUMN_VANISHED, field, count: 1 }))],
  };
}

/** With what rows hold in columns that were added later, and that nothing was written to. */
function withDefaults(mapping: ObjectMapping, looked: readonly LookedColumn[]): ObjectMapping {
  const added = looked.filter(({ object, initial }) => object === mapping.object && initial !== null);
  if (added.length === 0) return mapping;
  const fields = mapping.fields.map((each) => {
    const initial = added.find(({ field }) => field === each.field)?.initial ?? null;
    return initial === null ? each : { ...each, columnDefault: columnDefault(each, initial) };
  });
  return { ...mapping, fields };
}

function fieldOf(configuration: SyncConfiguration, object: string, field: string): FieldMapping | undefined {
  return mappingOf(configuration, object).fields.find((each) => each.field === field);
}

async function look(session: Session, configuration: SyncConfiguration): Promise<LookedColumn[]> {
  const wanted = configuration.objects.flatMap((mapping) =>
    mapping.fields.map((each) => {
      const { field, column, type, direction, references, namedBy, formerly } = each;
      const needed = field === mapping.matchBy?.field;
      const { schema, table: name, object } = mapping;
      const [lookup] = lookupsIn(each);
      const parent = lookup && parentOf(configuration, lookup);
      const beside = storedIn(each).flatMap((other) => (other.column === column ? [] : other.column));
      const key = parent && { parent_schema: parent.schema, parent_name: parent.table, key: parent.keyColumns.at(-1) };
      const meaning = {
        type: type.name,
        direction,
        references: references ?? null,
        ...(namedBy && { namedBy: namedBy.column }),
        ...(each.shared && { shared: each.shared.join('/') }),
        ...type.meaning,
      };
      return { object, field, schema, name, column, needed, meaning, formerly, beside, form: type.columnForm, ...key };
    }),
  );
  return lookAtColumns(session, wanted);
}

function numbersOf(looked: readonly LookedColumn[]): Map<string, ReadonlyMap<string, number>> {
  return new Map(
    [...Map.groupBy(looked, ({ object }) => object)].map(([object, columns]) => [
      object,
      new Map(columns.flatMap(({ numbers }) => Object.entries(numbers ?? {}))),
    ]),
  );
}

function fieldsOf(columns: ReadonlySet<LookedColumn>, object: string): ReadonlySet<string> {
  return new Set([...columns].filter((column) => column.object === object).map(({ field }) => field));
}
