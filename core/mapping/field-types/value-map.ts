/**
 * Value maps: `values: { 'Prospecting': 0, 'Closed Won': 3 }` says what the column holds for each value of Salesforce. Only the
 * column has the codes. Everything else, from the base to the conflict log, has the values as Salesforce has them.
 */
import { InvariantError } from '../../errors.ts';
import { type CanonicalValue, canonicalOf, trimmed } from '../canonical.ts';
import { boolean } from './boolean.ts';
import type { ColumnShape, FieldType, MappedValue } from './field-type.ts';
import { number } from './number.ts';
import { text } from './text.ts';

/** What a column holds for a value. */
export type Code = string | number | boolean;

/** By value of Salesforce; the empty text is the empty value. */
export type ValueMap = Readonly<Record<string, Code>>;

/** What holds codes of each kind: a text in a column of text, or of an enum. */
const HOLDERS = { string: text, number, boolean } as const;
type Kind = keyof typeof HOLDERS;

/** Types whose values may have codes. */
const MAPPABLE: readonly string[] = ['text', 'number', 'boolean'];

/** Whether values of such fields may have codes. */
export function isMappable({ name }: FieldType): boolean {
  return MAPPABLE.includes(name);
}

/** The type with the codes of the map in its columns. `values`: without faults, see `valueMapFaults`. */
export function withValues(type: FieldType, values: ValueMap): FieldType {
  const mapped = mappedValues(type, values);
  const codes = new Map(mapped.map(({ value, code }) => [value, code]));
  const read = new Map<string, CanonicalValue>();
  // A code of several values is read as the first of them.
  for (const { value, code } of mapped) if (!read.has(code)) read.set(code, value);
  const holder = HOLDERS[kindOf(Object.values(values))];
  const keyOf = (column: string) => (holder === number ? number.canonical(column) : column);
  const readsBack = (value: CanonicalValue) => read.get(codes.get(value) ?? '') === value;
  const isOneToOne = read.size === codes.size;
  const code = (value: CanonicalValue) => {
    const found = codes.get(value);
    if (found === undefined)
      throw new InvariantError('VALUE_NOT_MAPPED', 'A value without an entry came to its column.');
    return found;
  };
  return {
    ...type,
    mapped,
    refusal: (value) => (codes.has(value) ? undefined : NOT_MAPPED),
    nullInColumn: codes.get(null),
    meaning: { values: Object.fromEntries(mapped.map((each) => [String(each.value ?? ''), each.code])) },
    unreadable: NOT_MAPPED,

    columnTypes: holder.columnTypes,
    columnHolds: {},
    instead: otherKinds(holder),
    takesEnums: holder.takesEnums,
    isExact: (column: ColumnShape, value) => {
      const known = codes.get(value);
      if (known === undefined) return isOneToOne;
      return readsBack(value) && holder.isExact(column, holder === boolean ? known === 'true' : known);
    },
    emptyInColumn: () => undefined,
    columnForm: 'scalar',
    columnText: (column) => `${column}::text`,
    spelledInColumn: (column) => {
      const value = read.get(keyOf(trimmed(column)) ?? '');
      return value === undefined ? undefined : String(value ?? '');
    },
    toPostgres: code,
    toPostgresJson: code,
    // Rows of one code are many.
    matching: undefined,
    narrowness: () => undefined,
  };
}

const NOT_MAPPED = {
  code: 'VALUE_NOT_MAPPED',
  fault: 'has no entry in its `values`',
  change: 'Add one to sync.config.ts',
} as const;

function mappedValues(type: FieldType, values: ValueMap): MappedValue[] {
  return Object.entries(values).map(([value, code]) => ({
    value: canonicalOf(type, value) ?? null,
    code: codeText(code),
  }));
}

/** As the column spells it, without what a column of char(n) adds. */
function codeText(code: Code): string {
  return typeof code === 'number' ? (number.canonical(String(code)) ?? '') : trimmed(String(code));
}

/** Of types of columns that hold codes of another kind: how to write them. */
function otherKinds(holder: FieldType): Record<string, string> {
  return Object.fromEntries(
    Object.values(HOLDERS)
      .filter((each) => each !== holder)
      .flatMap(({ name, columnTypes }) => columnTypes.map((type) => [type, `write the codes as ${name}s`])),
  );
}

function kindOf([first = '']: readonly Code[]): Kind {
  return typeof first as Kind;
}

/** What is wrong with a map, as ends of a sentence about the field's `values`. */
export function valueMapFaults(type: FieldType, values: ValueMap, isToPostgresOnly: boolean): string[] {
  if (!isMappable(type)) {
    return [`goes with picklist, text, number and boolean, and the field is a ${type.name}; remove it`];
  }
  const entries = Object.entries(values);
  if (entries.length === 0) return ['has no entry, so that no value could come; name the values, or remove it'];
  const kinds = new Set(entries.map(([, code]) => typeof code));
  const faults: string[] = [];
  if (kinds.size > 1) {
    faults.push(`has ${[...kinds].sort().join(' and ')} codes, and a column holds one kind; write all of them as one`);
  }
  for (const [key, code] of entries) {
    if (canonicalOf(type, key) === undefined) faults.push(`names ${quoted(key)}, which is no ${type.name}; correct it`);
    if (typeof code === 'number' && !Number.isFinite(code)) {
      faults.push(`has ${code} for ${quoted(key)}, which no column holds; name a number`);
    }
  }
  if (type.name === 'boolean' && entries.length === 1) {
    faults.push('names one of true and false, and a checkbox has both; name both');
  }
  faults.push(
    ...twice(entries, ([key]) => String(canonicalOf(type, key)), 'are one value in Salesforce; keep one of them'),
  );
  // A value that nothing but Salesforce writes need not be found back.
  const shared =
    'have the same code, so which of them a row means is not known; give each one of its own, or give the field the direction to-postgres';
  if (!isToPostgresOnly) faults.push(...twice(entries, ([, code]) => codeText(code), shared));
  return faults;
}

type Entry = readonly [key: string, code: Code];

function twice(entries: readonly Entry[], by: (entry: Entry) => string, fault: string): string[] {
  return [...Map.groupBy(entries, by).values()]
    .filter((group) => group.length > 1)
    .map((group) => `: ${group.map(([key]) => quoted(key)).join(' and ')} ${fault}`);
}

function quoted(key: string): string {
  return `'${key}'`;
}
