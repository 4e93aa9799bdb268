/** The DDL that a mapping still needs: the id column with its unique index, defaults, and tables that do not exist. */
import { quoteName } from '../../postgres/session/quote.ts';
import { takesNow } from './column-advice.ts';
import { isNew, SALESFORCE_ID, salesforceIdColumnOf, type TableFacts } from './facts.ts';
import { columnTypes } from './field-fit.ts';
import type { Proposal, ProposedField } from './proposal.ts';

const CONCURRENTLY = 'create unique index concurrently';

/** undefined: nothing is missing. */
export function schemaAdditions(proposals: readonly Proposal[]): string | undefined {
  const statements = proposals.flatMap((proposal) =>
    isNew(proposal.table)
      ? [tableText(proposal, proposals)]
      : [...salesforceIdOf(proposal.table), ...defaults(proposal)],
  );
  if (statements.length === 0) return undefined;
  const head = ["-- What sync.config.ts needs of the application's tables. Make a migration of it."];
  if (statements.some((statement) => statement.includes(CONCURRENTLY))) {
    head.push(
      `-- \`${CONCURRENTLY}\` blocks no writes while it runs, and cannot run inside a transaction`,
      '-- (in a Rails migration: disable_ddl_transaction!).',
    );
  }
  return `${head.join('\n')}\n\n${statements.join('\n')}\n`;
}

/** A commented-out line where the application has to choose. */
function defaults({ table, key, withoutDefault }: Proposal): string[] {
  return withoutDefault.map((column) => {
    const change = `alter table ${quoteName(table.schema)}.${quoteName(table.name)} alter column ${quoteName(column.name)} set default`;
    return takesNow(column)
      ? `${change} now();`
      : `-- a default is needed${key.includes(column.name) ? '' : ', or null allowed'} (${column.type}): ${change} ...;`;
  });
}

function salesforceIdOf(facts: TableFacts): string[] {
  const { schema, name, kind, columns, uniqueKeys, indexes } = facts;
  const table = `${quoteName(schema)}.${quoteName(name)}`;
  const salesforceId = salesforceIdColumnOf(facts);
  const exists = columns.some((column) => column.name === salesforceId);
  const found =
    kind === 'p'
      ? indexes?.some((key) => key[0] === salesforceId)
      : uniqueKeys.some((key) => key.length === 1 && key[0] === salesforceId);
  return [
    ...(exists ? [] : [`alter table ${table} add column ${quoteName(salesforceId)} text;`]),
    ...(found === true ? [] : indexOfIds(facts, table, salesforceId)),
  ];
}

/** PostgreSQL makes no index of a partitioned table concurrently, and no unique one without the partition key. */
function indexOfIds({ name, kind }: TableFacts, table: string, salesforceId: string): string[] {
  const index = `${quoteName(`${name}_${salesforceId}`.slice(-63))} on ${table} (${quoteName(salesforceId)});`;
  if (kind !== 'p') return [`${CONCURRENTLY} ${index}`];
  return [
    `-- ${table} is partitioned: an index on the id alone cannot be unique there, and blocks writes while it is made.`,
    `create index ${index}`,
  ];
}

function tableText({ table, key, fields }: Proposal, proposals: readonly Proposal[]): string {
  const columns = [
    `${quoteName(key[0] ?? '')} uuid primary key default gen_random_uuid()`,
    `${quoteName(SALESFORCE_ID)} text unique`,
    ...fields.map((field) => columnText(field, proposals)),
  ];
  return `create table ${quoteName(table.schema)}.${quoteName(table.name)} (\n  ${columns.join(',\n  ')}\n);`;
}

/** Rows may come before their parents, within one transaction. */
function columnText({ column, type, references }: ProposedField, proposals: readonly Proposal[]): string {
  const parent = proposals.find(({ object }) => object === references);
  const keyType = parent?.table.columns.find(({ name }) => name === parent.key.at(-1))?.type ?? 'uuid';
  const [columnType = 'text'] = columnTypes(type, keyType);
  const sqlType = columnType.startsWith('_') ? `${columnType.slice(1)}[]` : columnType;
  const text = `${quoteName(column)} ${sqlType}`;
  if (type === 'boolean') return `${text} not null default false`;
  if (parent === undefined) return text;
  return `${text} references ${quoteName(parent.table.schema)}.${quoteName(parent.table.name)} deferrable`;
}
