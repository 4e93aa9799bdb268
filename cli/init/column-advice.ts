/** What a mapped table still needs so that records of Salesforce become rows; what `check` and `prepare` would say later. */

import type { DescribedField } from '../../core/mapping/described-object.ts';
import { FIELD_TYPES } from '../../core/mapping/field-types/field-types.ts';
import { columnDrift } from '../../core/mapping/org-drift.ts';
import type { ColumnFacts, TableFacts } from './facts.ts';
import type { ProposedField } from './proposal.ts';

const TIME_TYPES = ['timestamp', 'timestamptz', 'date'];

/** Columns that a row made from a record would leave empty although they allow no null. */
export function withoutDefault(
  { columns }: TableFacts,
  fields: readonly ProposedField[],
  exceptions: readonly string[],
): ColumnFacts[] {
  const filled = new Set([
    ...fields.filter(({ direction }) => direction !== 'to-salesforce').map(({ column }) => column),
    ...exceptions,
  ]);
  return columns.filter(
    ({ name, notNull, hasDefault, generated }) => notNull && !hasDefault && !generated && !filled.has(name),
  );
}

/** Whether `now()` is a default that fits. */
export function takesNow({ type }: ColumnFacts): boolean {
  return TIME_TYPES.includes(type);
}

/** Lookups whose column allows no null; a record cannot wait in such a row with an empty lookup. */
export function requiredLookups({ columns }: TableFacts, fields: readonly ProposedField[]): ProposedField[] {
  return fields.filter(
    ({ column, references, direction }) =>
      references !== undefined &&
      direction !== 'to-salesforce' &&
      columns.some(({ name, notNull }) => name === column && notNull),
  );
}

/** Where one side may hold what the other does not take. */
export function misfits(
  table: TableFacts,
  { type, references, direction }: Pick<ProposedField, 'type' | 'references' | 'direction'>,
  field: DescribedField,
  column: ColumnFacts,
): string[] {
  const mapping = { schema: table.schema, table: table.name };
  return columnDrift(mapping, { type: FIELD_TYPES[type], references, direction }, field, column).map(
    ({ text }) => text,
  );
}
