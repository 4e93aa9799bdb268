/** What a mapped table still needs so that records of Salesforce become rows; what `check` and `prepare` would say later. */

import type { DescribedField } from '../../core/mapping/described-object.ts';
import { FIELD_TYPES } from '../../core/mapping/field-types/field-types.ts';
import { columnDrift } from '../../core/mapping/org-drift.ts';
import type { ColumnFacts, TableFacts } from './facts.ts';
import type { ProposedField } from './proposal.ts';

const TIME_TYPES = ['timestamp', 'timestamptz', 'date'];

/** Columns that sfsync fills or reads beside those of the fields, by their options. */
export interface OwnColumns {
  readonly touch?: string;
  readonly createdAt?: string;
  readonly lockVersion?: string;
  /** May be one: JPA and Hibernate call it so. Only the application knows. */
  readonly version?: string;
  /** Marks rows that count as deleted. Only the application knows whether it does. */
  readonly deletedAt?: string;
  /** Says of which class a row is, where classes share the table. Only the application knows whether it does. */
  readonly kind?: string;
}

/** By the names that web frameworks give them. `taken`: columns of fields. */
export function ownColumns({ columns }: TableFacts, taken: ReadonlySet<string>): OwnColumns {
  const named = (names: readonly string[], types: readonly string[]) =>
    columns.find(({ name, type, generated }) => names.includes(name) && types.includes(type) && !generated)?.name;
  const find = (names: readonly string[], types: readonly string[]) => {
    const name = named(names, types);
    return name === undefined || taken.has(name) ? undefined : name;
  };
  const counter = find(['version', 'row_version', 'opt_lock', 'optlock'], ['int4', 'int8']);
  const isCounter = columns.some(({ name, notNull }) => name === counter && notNull);
  const instants = ['timestamp', 'timestamptz'];
  const found = {
    touch: find(['updated_at', 'updatedAt'], instants),
    createdAt: find(['created_at', 'createdAt', 'inserted_at'], instants),
    lockVersion: find(['lock_version', 'lockVersion'], ['int4', 'int8']),
    version: isCounter ? counter : undefined,
    deletedAt: find(['deleted_at', 'discarded_at', 'deletedAt'], instants),
    // Of Rails and of Hibernate. A field may have that name, too, and not mean it.
    kind: named(['type', 'dtype'], ['text', 'varchar']),
  };
  return Object.fromEntries(Object.entries(found).filter(([, name]) => name !== undefined));
}

/** Columns that a row made from a record would leave empty although they allow no null. */
export function withoutDefault(
  { columns }: TableFacts,
  fields: readonly ProposedField[],
  exceptions: readonly string[],
): ColumnFacts[] {
  const filled = new Set<string | undefined>([
    ...fields
      .filter(({ direction }) => direction !== 'to-salesforce')
      .flatMap(({ column, several }) => (several === undefined ? column : [...several.columns, several.typeColumn])),
    ...exceptions,
  ]);
  return columns.filter(
    ({ name, notNull, hasDefault, generated }) => notNull && !hasDefault && !generated && !filled.has(name),
  );
}

/** Of a table whose key is a whole number without a default: the sequences that may give it, as the application asks them by itself. */
export function keySequencesOf({ keySequences = [], columns }: TableFacts, key: readonly string[]): readonly string[] {
  const [own = ''] = key;
  const column = columns.find(({ name }) => name === own);
  const isNumber = column !== undefined && ['int2', 'int4', 'int8'].includes(column.type);
  return key.length === 1 && isNumber && !column.hasDefault && column.identity !== true ? keySequences : [];
}

/** Whether `now()` is a default that fits. */
export function takesNow({ type }: ColumnFacts): boolean {
  return TIME_TYPES.includes(type);
}

/** Lookups whose column allows no null; a record cannot wait in such a row with an empty lookup. */
export function requiredLookups({ columns }: TableFacts, fields: readonly ProposedField[]): ProposedField[] {
  return fields.filter(
    ({ column, references, several, direction }) =>
      (references !== undefined || several !== undefined) &&
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
