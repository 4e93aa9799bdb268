/** The text of sync.config.ts. */
import { spelledName } from '../../core/mapping/identifiers.ts';
import { keySequencesOf } from './column-advice.ts';
import { SALESFORCE_ID, tableText } from './facts.ts';
import type { Proposal, ProposedField } from './proposal.ts';
import type { SeveralParents } from './several-parents.ts';

const LINE = 110;

/** Objects of which nothing fits are left to a comment: a mapping needs a field. */
export function configurationText(proposals: readonly Proposal[]): string {
  const fields = proposals.flatMap((proposal) => proposal.fields);
  const imports = ['defineSync', ...new Set(fields.map(maker))].sort();
  return `import { ${imports.join(', ')} } from 'sfsync';

/**
 * Written by \`sfsync init\` from what Salesforce and the database say of themselves. Read it and correct it: a name that is
 * the same on both sides need not mean the same. \`sfsync check\` says what does not fit.
 */
export default defineSync({
  objects: {
${proposals.map((proposal) => indented(objectText(proposal), 4)).join('\n')}
  },
});
`;
}

function objectText(proposal: Proposal): string {
  const { object, readOnly, table, key, salesforceId, fields, unfit, withoutColumn, columnsWithoutField } = proposal;
  const lists = [
    ...(withoutColumn.length > 0 ? folded(`No column of that name: ${withoutColumn.join(', ')}`) : []),
    ...(columnsWithoutField.length > 0 ? folded(`Columns without a field: ${columnsWithoutField.join(', ')}`) : []),
  ];
  const comments = [...unfit.flatMap(folded), ...lists].map((line) => `// ${line}`);
  if (fields.length === 0) {
    return [`// ${object} and ${tableText(table)}: no field fits a column.`, ...comments].join('\n');
  }
  return [
    `${object}: {`,
    ...(readOnly ? ["  direction: 'to-postgres',"] : []),
    `  table: ${quoted(tableText(table))},`,
    ...(key.join() === 'id' ? [] : [`  key: ${listed(key)},`]),
    ...(salesforceId === SALESFORCE_ID ? [] : [`  salesforceId: ${quoted(salesforceId)},`]),
    ...ownText(proposal).map((line) => `  ${line}`),
    ...[
      ...rejectText(proposal),
      ...sequenceText(proposal),
      ...versionText(proposal),
      ...softDeleteText(proposal),
      ...inheritanceText(proposal),
      ...insertText(proposal),
      ...zoneText(proposal),
    ].map((line) => `  // ${line}`),
    '  fields: {',
    ...fields.map((field) => `    ${fieldText(readOnly ? { ...field, direction: 'both', remark: undefined } : field)}`),
    ...comments.map((comment) => `    ${comment}`),
    '  },',
    '},',
  ].join('\n');
}

function ownText({ own: { touch, createdAt, lockVersion } }: Proposal): string[] {
  const options = Object.entries({ ...(touch !== undefined && { updatedAt: touch }), touch, createdAt, lockVersion });
  return options.flatMap(([option, column]) => (column === undefined ? [] : `${option}: ${quoted(column)},`));
}

/** The application asks a sequence for its keys; a record's row needs one of the same. */
function sequenceText({ table, key, readOnly }: Proposal): string[] {
  const [sequence, ...others] = keySequencesOf(table, key);
  if (sequence === undefined || readOnly) return [];
  const [column = ''] = key;
  const name = `${spelledName(table.schema)}.${spelledName(sequence)}`.replaceAll("'", "''");
  const also = others.length === 0 ? '' : ` (or of ${others.join(', ')})`;
  return folded(
    `${column}: has no default. If the application takes it from sequence ${sequence}${also}, as Hibernate and JPA do, say so, and rows of new records get theirs there, too: onInsert: { ${column}: { sql: "nextval('${name}')" } }`,
  );
}

function versionText({ own: { version, lockVersion } }: Proposal): string[] {
  if (version === undefined || lockVersion !== undefined) return [];
  return folded(
    `${version}: if it is the application's lock version (@Version of JPA and Hibernate), say so, and an edit that does not know of one by sfsync fails there as any stale one: lockVersion: '${version}'. If it counts something else, leave it`,
  );
}

function softDeleteText({ own: { deletedAt } }: Proposal): string[] {
  if (deletedAt === undefined) return [];
  return folded(
    `${deletedAt}: if it marks rows that count as deleted, say so, and they are deleted in Salesforce: deleteRow: 'soft', deletedAt: '${deletedAt}'`,
  );
}

function insertText({ readOnly, externalId }: Proposal): string[] {
  if (readOnly || externalId === undefined) return [];
  return folded(
    `Rows without a Salesforce id stay in PostgreSQL. If they are to become records: insert: true, externalId: '${externalId}'`,
  );
}

function inheritanceText({ own: { kind } }: Proposal): string[] {
  if (kind === undefined) return [];
  return folded(
    `${kind}: if it says of which class a row is (single-table inheritance), map no field to it, and say which rows are meant: filter: { where: "${kind} = '...'", values: { ${kind}: '...' } }`,
  );
}

/** Why records would be rejected that are new in Salesforce. */
function rejectText({ withoutDefault, requiredLookups }: Proposal): string[] {
  const names = withoutDefault.map(({ name }) => name).join(', ');
  return [
    ...(names === ''
      ? []
      : folded(
          `${names}: no null allowed, no default, and not filled from Salesforce: each record that is new in Salesforce is rejected until there is a default (schema-additions.sql), or onInsert says what it gets`,
        )),
    ...requiredLookups.flatMap(({ column, field, references = 'parent' }) =>
      folded(
        `${column}: no null allowed: a record that comes before the ${references} of its ${field} is rejected (PARENT_MISSING) until that has a row; drop not null to have it wait with an empty column`,
      ),
    ),
  ];
}

/** Only the application knows what its timestamps mean. */
function zoneText({ zoneless }: Proposal): string[] {
  if (zoneless.length === 0) return [];
  return folded(
    `${zoneless.join(', ')}: timestamp without time zone, taken for UTC, as Rails, Ecto and Prisma keep it; if it holds local times, state them: zone: 'Europe/Berlin'`,
  );
}

/** Values of the column's own make a picklist. */
function maker({ type, values, isHtml }: ProposedField): string {
  if (isHtml === true) return 'richText';
  return values === undefined ? type : 'picklist';
}

function fieldText(proposed: ProposedField): string {
  const { field, column, shared = [], references, several, direction, values, remark } = proposed;
  const entries = Object.entries(values ?? {}).map(([value, label]) => `${propertyName(value)}: ${quoted(label)}`);
  const options = [
    ...(direction === 'both' ? [] : [`direction: '${direction}'`]),
    ...(entries.length === 0 ? [] : [`values: { ${entries.join(', ')} }`]),
  ];
  const args = [
    ...(several === undefined ? [listed([...shared, column])] : severalText(several)),
    ...(references === undefined ? [] : [quoted(references)]),
    ...(options.length === 0 ? [] : [`{ ${options.join(', ')} }`]),
  ];
  return `${field}: ${maker(proposed)}(${args.join(', ')}),${remark === undefined ? '' : ` // ${remark}`}`;
}

function severalText({ typeColumn, columns, targets }: SeveralParents): string[] {
  const names = Object.entries(targets).map(([object, name]) => `${propertyName(object)}: ${quoted(name)}`);
  const byObject = `{ ${names.join(', ')} }`;
  if (typeColumn === undefined) return [byObject];
  return [`{ type: ${quoted(typeColumn)}, key: ${quoted(columns[0])} }`, byObject];
}

function propertyName(value: string): string {
  return /^[A-Za-z_]\w*$/.test(value) ? value : quoted(value);
}

/** One name as it is, several as an array. */
function listed(names: readonly string[]): string {
  return names.length === 1 ? names.map(quoted).join() : `[${names.map(quoted).join(', ')}]`;
}

/** As biome writes a text of TypeScript. */
function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1);
  return text.includes("'") ? `"${inner}"` : `'${inner.replaceAll('\\"', '"')}'`;
}

function folded(text: string): string[] {
  return text.match(new RegExp(`.{1,${LINE}}(?= |$)`, 'g'))?.map((line) => line.trim()) ?? [];
}

function indented(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(spaces));
}
