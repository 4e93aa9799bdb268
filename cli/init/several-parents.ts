/**
 * Lookups that may point to several objects, in the columns that the table has for them: a type and a key, as Rails makes of a polymorphic
 * `belongs_to`, or a foreign key for each object. No I/O.
 */
import type { DescribedField } from '../../core/mapping/described-object.ts';
import { canHoldKey } from '../../core/mapping/key-types.ts';
import { type ColumnFacts, isNew, keyColumnsOf, type Pair, type TableFacts } from './facts.ts';
import { bare, singular, snakeCase } from './names.ts';

export interface SeveralParents {
  /** Holds what the row names; absent: there is a column for each object. */
  readonly typeColumn?: string;
  /** Those that hold keys. */
  readonly columns: readonly [string, ...string[]];
  /** By object: what stands in the type column, or the object's column. */
  readonly targets: Readonly<Record<string, string>>;
}

/** The objects to which the field may point and that are mapped, where there are several to which it may; a key of several columns has no place there. */
export function possibleParents({ referenceTo }: DescribedField, pairs: readonly Pair[]): readonly Pair[] {
  if (referenceTo.length < 2) return [];
  return pairs.filter(({ object, table }) => referenceTo.includes(object) && keyColumnsOf(table).length < 2);
}

/** undefined: no columns are certainly meant. `taken`: columns of other fields. */
export function severalParents(
  field: DescribedField,
  table: TableFacts,
  parents: readonly Pair[],
  taken: ReadonlySet<string>,
): SeveralParents | undefined {
  if (isNew(table) || parents.length === 0) return undefined;
  const stem = bare(field.name.replace(/__c$/i, '').replace(/Id$/, ''));
  const named = typedPairs(table, parents, taken).find(({ type }) => bare(type) === `${stem}type`);
  if (named !== undefined) return inTwo(named, parents);
  const columns = parents.flatMap(({ object, table: parent }): [string, string][] => {
    const keys = table.foreignKeys.filter(
      (each) => each.schema === parent.schema && each.table === parent.name && !taken.has(each.column),
    );
    return keys.length === 1 && keys[0] !== undefined ? [[object, keys[0].column]] : [];
  });
  const [first, second, ...others] = columns;
  if (first === undefined || second === undefined) return undefined;
  const distinct = new Set(columns.map(([, column]) => column)).size === columns.length;
  if (!distinct) return undefined;
  return {
    columns: [first[1], second[1], ...others.map(([, column]) => column)],
    targets: Object.fromEntries(columns),
  };
}

/** What to write where the table has such columns under other names; only the application knows whether they are meant. */
export function perhapsSeveral(
  { referenceTo }: DescribedField,
  table: TableFacts,
  parents: readonly Pair[],
  taken: ReadonlySet<string>,
): string | undefined {
  const found = parents.length === 0 ? [] : typedPairs(table, parents, taken);
  if (found.length === 0) return undefined;
  const [first] = found as [TypedPair, ...TypedPair[]];
  const columns = found.map(({ type, key }) => `${type} and ${key}`).join(', or ');
  const names = Object.entries(inTwo(first, parents).targets).map(([object, name]) => `${object}: '${name}'`);
  return `points to ${referenceTo.join(', ')}; if ${columns} hold it: reference({ type: '${first.type}', key: '${first.key}' }, { ${names.join(', ')} })`;
}

interface TypedPair {
  readonly type: string;
  readonly key: string;
}

/** Columns `<name>_type` of a text and `<name>_id` of the parents' keys, in either spelling. */
function typedPairs(
  { columns, foreignKeys }: TableFacts,
  parents: readonly Pair[],
  taken: ReadonlySet<string>,
): TypedPair[] {
  const isFree = ({ name }: ColumnFacts) => !taken.has(name) && foreignKeys.every(({ column }) => column !== name);
  return columns.filter(isFree).flatMap((type): TypedPair[] => {
    const isText = ['text', 'varchar', 'bpchar'].includes(type.type) || type.kind === 'e';
    const stem = /^(.+?)_?type$/i.exec(type.name)?.[1];
    if (!isText || stem === undefined) return [];
    const key = columns.find((each) => isFree(each) && bare(each.name) === `${bare(stem)}id`);
    const holdsAll = parents.every(({ table }) => {
      const [of] = keyColumnsOf(table);
      const keyType = table.columns.find(({ name }) => name === of)?.type ?? 'uuid';
      return key !== undefined && canHoldKey(key.type, keyType);
    });
    return key !== undefined && holdsAll ? [{ type: type.name, key: key.name }] : [];
  });
}

function inTwo({ type, key }: TypedPair, parents: readonly Pair[]): SeveralParents {
  const targets = Object.fromEntries(parents.map(({ object, table }) => [object, className(table.name)]));
  return { typeColumn: type, columns: [key], targets };
}

/** As Rails calls the class of a table: `loan_applications` is `LoanApplication`. */
function className(table: string): string {
  const words = snakeCase(table).split('_');
  const last = words.pop() ?? '';
  return [...words, singular(last)].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
