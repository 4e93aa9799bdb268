/** The sample under names that SQL takes in quotes only, as Sequelize, Prisma and Hibernate make them, and worse ones. */
import { mappingOf, type ObjectMapping, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import { quoteName } from '../../../postgres/session/quote.ts';

/** As long as a name of PostgreSQL may be, in bytes: the letters take two. */
const LONGEST = `${'ä'.repeat(31)}b`;

interface Names {
  readonly schema: string;
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
}

/** Columns that are called as the aliases of statements are among them. */
const NAMES: Readonly<Record<string, Names>> = {
  Account: {
    schema: 'App "Zwei".Ä',
    table: 'user',
    columns: {
      id: 'Id',
      salesforce_id: 'salesforceId',
      name: 't',
      phone: 'x',
      website: 'row',
      industry: 'order',
      annual_revenue: '1st, 2nd',
      employee_count: 'a.b',
      description: 'back\\slash',
    },
  },
  Contact: {
    schema: 'public',
    table: 'a.b, c*"d"\\e',
    columns: {
      id: 'key',
      salesforce_id: 'ID',
      first_name: 'First Name',
      last_name: "it's",
      email: 'select',
      phone: '"quoted"',
      born_on: 'größe',
      do_not_call: 'p',
      lender_id: 'c',
      credit_score: 'sfsync.link',
    },
  },
  Opportunity: {
    schema: 'App "Zwei".Ä',
    table: LONGEST,
    columns: {
      id: LONGEST,
      salesforce_id: 'id',
      title: 't',
      amount: 'x',
      stage: 'stageName',
      closes_on: '$1',
      lender_id: 'lenderId',
      probability: '%I',
      term_months: ' ',
      approved_at: 'k',
      purposes: '--',
    },
  },
};

/** SQL that gives the sample's tables and columns their names. */
export function renamed(configuration: SyncConfiguration): string {
  const schemas = new Set(Object.values(NAMES).map(({ schema }) => schema));
  const made = [...schemas]
    .filter((schema) => schema !== 'public')
    .map((schema) => `create schema ${quoteName(schema)}`);
  const changes = Object.entries(NAMES).flatMap(([object, { schema, table, columns }]) => {
    const before = mappingOf(configuration, object);
    const renames = Object.entries(columns).map(
      ([column, name]) => `alter table public.${before.table} rename ${column} to ${quoteName(name)}`,
    );
    return [
      ...renames,
      `alter table public.${before.table} rename to ${quoteName(table)}`,
      ...(schema === 'public' ? [] : [`alter table public.${quoteName(table)} set schema ${quoteName(schema)}`]),
    ];
  });
  return [...made, ...changes].join(';\n');
}

/** The configuration for the renamed tables. */
export function quoted(configuration: SyncConfiguration): SyncConfiguration {
  return { ...configuration, objects: configuration.objects.map(quotedObject) };
}

function quotedObject(mapping: ObjectMapping): ObjectMapping {
  const { schema, table, columns } = NAMES[mapping.object] as Names;
  const named = (column: string) => columns[column] ?? column;
  return {
    ...mapping,
    schema,
    table,
    keyColumns: mapping.keyColumns.map(named),
    salesforceIdColumn: named(mapping.salesforceIdColumn),
    fields: mapping.fields.map((field) => ({ ...field, column: named(field.column) })),
  };
}

/** A table or column of the sample, quoted. */
export function named(object: string, column?: string): string {
  const { schema, table, columns } = NAMES[object] as Names;
  return column === undefined ? `${quoteName(schema)}.${quoteName(table)}` : quoteName(columns[column] ?? column);
}
