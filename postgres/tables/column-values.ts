/**
 * What the columns of a table make of values: numeric(12,2) rounds, uuid folds, a domain may do anything. Only the server knows,
 * so it is asked; not about values that the column surely holds as they are (`isExact` of the field's type), which are nearly all.
 */

import { RejectedRecordError } from '../../core/errors.ts';
import type { CanonicalValue } from '../../core/mapping/canonical.ts';
import { fromPostgres, toPostgres } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import type { TableColumns } from '../session/transaction-facts.ts';
import { tableColumns } from './table-columns.ts';

/** Fields whose values may not be in the row as they are in Salesforce. What PostgreSQL owns is as the row has it. */
export async function inexactFields(session: Session, mapping: ObjectMapping): Promise<readonly InexactField[]> {
  const { shapes } = await tableColumns(session, mapping);
  return mapping.fields.flatMap((field) => {
    const shape = shapes.get(field.column);
    if (shape === undefined || field.direction === 'to-salesforce') return [];
    const isExact = (value: CanonicalValue) => value === null || field.type.isExact(shape, value);
    return AWKWARD.every(isExact) ? [] : [{ field, isExact }];
  });
}

/** A column that holds these as they are holds all values. */
const AWKWARD: readonly CanonicalValue[] = [`0.${'1'.repeat(2000)}`, '10:11:12.123', 'a text', true];

export interface InexactField {
  readonly field: FieldMapping;
  /** false: ask `columnValues`. */
  readonly isExact: (value: CanonicalValue) => boolean;
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
    if (values.size > 0) answers.set(field.field, await valuesOf(session, columns, field, [...values]));
  }
  return answers;
}

async function valuesOf(
  session: Session,
  { fullTypes }: TableColumns,
  { field, column, type }: FieldMapping,
  values: readonly CanonicalValue[],
): Promise<ReadonlyMap<CanonicalValue, CanonicalValue>> {
  const { rows } = await query<{ held: (string | null)[] }>(session, 'select sfsync.in_column($1, $2, $3) as held', [
    fullTypes.get(column) ?? 'text',
    type.columnText('held.v'),
    values.map((value) => String(toPostgres(type, value))),
  ]);
  const held = rows[0]?.held ?? [];
  return new Map(
    values.flatMap((value, i) => {
      const text = held[i] ?? null;
      const found = text === null ? undefined : readable(() => fromPostgres(type, text, field));
      return found === undefined ? [] : [[value, found] as const];
    }),
  );
}

function readable(read: () => CanonicalValue): CanonicalValue | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RejectedRecordError) return undefined;
    throw error;
  }
}
