/**
 * What the columns of a table make of values: numeric(12,2) rounds, uuid folds, a domain may do anything. Only the server knows,
 * so it is asked; not about values that the column surely holds as they are (`isExact` of the field's type), which are nearly all.
 */

import { RejectedRecordError } from '../../core/errors.ts';
import type { CanonicalValue } from '../../core/mapping/canonical.ts';
import { fromPostgres, toPostgres } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import type { ColumnShape } from '../../core/mapping/field-types/field-type.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import type { TableColumns } from '../session/transaction-facts.ts';
import { tableColumns } from './table-columns.ts';

/** Fields whose values may not be in the row as they are in Salesforce. What PostgreSQL owns is as the row has it. */
export async function inexactFields(session: Session, mapping: ObjectMapping): Promise<readonly InexactField[]> {
  const { shapes, formerTypes } = await tableColumns(session, mapping);
  return mapping.fields.flatMap((field) => {
    const shape = shapes.get(field.column);
    if (shape === undefined || field.direction === 'to-salesforce') return [];
    const isExact = (value: CanonicalValue) => value === null || field.type.isExact(shape, value);
    const former = formerTypes.get(field.column) ?? [];
    return AWKWARD.every(isExact) && former.length === 0 ? [] : [{ field, isExact, former }];
  });
}

/** A column that holds these as they are holds all values. */
const AWKWARD: readonly CanonicalValue[] = [`0.${'1'.repeat(2000)}`, '10:11:12.123', 'a text', true];

export interface InexactField {
  readonly field: FieldMapping;
  /** false: ask `columnValues`. */
  readonly isExact: (value: CanonicalValue) => boolean;
  /** Types that the column had since its table was last compared: a row may hold what these have made of a value. */
  readonly former: readonly string[];
}

/** By field, by value: what the column makes of it. Absent: it is refused, or can be read no more. */
export type ColumnValues = ReadonlyMap<string, ReadonlyMap<CanonicalValue, CanonicalValue>>;

/** Asks for values that columns may not hold as they are. */
export async function columnValues(
  session: Session,
  mapping: ObjectMapping,
  asked: ReadonlyMap<FieldMapping, ReadonlySet<CanonicalValue>>,
): Promise<ColumnValues> {
  const columns = await tableColumns(session, mapping);
  const answers = new Map<string, ReadonlyMap<CanonicalValue, CanonicalValue>>();
  for (const [field, values] of asked) {
    if (values.size > 0)
      answers.set(field.field, await valuesOf(session, columns, [typeOf(columns, field)], field, [...values]));
  }
  return answers;
}

/** By field, by value: what may be in a row of a value that was written while the column had one of its former types. */
export type FormerValues = ReadonlyMap<string, ReadonlyMap<CanonicalValue, ReadonlySet<CanonicalValue>>>;

/** Asks for what the column's former types, one after the other, have made of values. */
export async function formerValues(
  session: Session,
  mapping: ObjectMapping,
  asked: ReadonlyMap<FieldMapping, ReadonlySet<CanonicalValue>>,
): Promise<FormerValues> {
  const columns = await tableColumns(session, mapping);
  const answers = new Map<string, Map<CanonicalValue, Set<CanonicalValue>>>();
  for (const [field, given] of asked) {
    const values = [...given].filter((value) => value !== null);
    const types = [...(columns.formerTypes.get(field.column) ?? []), typeOf(columns, field)];
    const found = new Map<CanonicalValue, Set<CanonicalValue>>(values.map((value) => [value, new Set()]));
    if (values.length === 0 || types.length === 1) continue;
    for (const first of types.keys()) {
      for (const [value, held] of await valuesOf(session, columns, types.slice(first), field, values))
        found.get(value)?.add(held);
    }
    answers.set(field.field, found);
  }
  return answers;
}

function typeOf({ fullTypes }: TableColumns, { column }: FieldMapping): string {
  return fullTypes.get(column) ?? 'text';
}

/** `types`: one after the other, the last one that of the column. */
async function valuesOf(
  session: Session,
  { shapes }: TableColumns,
  types: readonly string[],
  { field, column, type }: FieldMapping,
  given: readonly CanonicalValue[],
): Promise<ReadonlyMap<CanonicalValue, CanonicalValue>> {
  const values = given.filter((value) => value === null || type.refusal?.(value) === undefined);
  const shape = shapes.get(column);
  const [first = ''] = types;
  const written = types.length === 1 ? shape : shapeOf(first);
  const { rows } = await query<{ held: (string | null)[] }>(
    session,
    'select sfsync.through_types($1, $2, $3) as held',
    [types, type.columnText('held.v', shape), values.map((value) => String(toPostgres(type, value, written)))],
  );
  const held = rows[0]?.held ?? [];
  return new Map(
    values.flatMap((value, i) => {
      const text = held[i] ?? null;
      const found = text === null ? undefined : readable(() => fromPostgres(type, text, field));
      return found === undefined ? [] : [[value, found] as const];
    }),
  );
}

/** Of a type that is known by its name only, as far as the spelling of a value depends on it. */
function shapeOf(fullType: string): ColumnShape {
  const type = fullType.endsWith('[]') ? `_${fullType.slice(0, -2)}` : fullType;
  return { type, kind: 'b', modifier: -1 };
}

function readable(read: () => CanonicalValue): CanonicalValue | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RejectedRecordError) return undefined;
    throw error;
  }
}
