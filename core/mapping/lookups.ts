/**
 * Lookups: fields that hold the id of a record in Salesforce, and in the row the key of another row. One that may point to several objects
 * lies in several columns of its row: either in two, of which one says what is meant and the other holds the key (`subject_type`, `subject_id`),
 * or in one for each object, of which at most one is not null. Its value is one all the same: the id of the record.
 */
import type { FieldMapping, ObjectMapping } from './configuration.ts';
import type { FieldType, Refusal } from './field-types/field-type.ts';
import { reference } from './field-types/reference.ts';
import { text } from './field-types/text.ts';
import { withValues } from './field-types/value-map.ts';
import { spelledName } from './identifiers.ts';

/** One of several objects to which a lookup may point, and how a row names a row of it. */
export interface LookupTarget {
  readonly object: string;
  /** It holds the key. */
  readonly column: string;
  /** What a row has there that means this object; undefined: the column is only for keys of this object. */
  readonly ofType: { readonly column: string; readonly value: string } | undefined;
}

/** A lookup as one of its parents sees it. */
export interface Lookup extends FieldMapping {
  readonly references: string;
  /** It may point to other objects, too. */
  readonly isOneOfSeveral?: boolean;
  readonly ofType?: LookupTarget['ofType'];
  /** The columns for keys of other objects, which are null in a row that names this one. */
  readonly beside?: readonly string[];
}

export function isLookup({ references, targets }: Pick<FieldMapping, 'references' | 'targets'>): boolean {
  return references !== undefined || targets !== undefined;
}

/** Objects to which the lookup may point; none: it is no lookup. */
export function targetsOf({ references, targets }: Pick<FieldMapping, 'references' | 'targets'>): readonly string[] {
  return targets === undefined ? [references ?? []].flat() : targets.map(({ object }) => object);
}

/** The lookups of an object, each as often as there are objects to which it may point. */
export function lookupsOf({ fields }: Pick<ObjectMapping, 'fields'>): readonly Lookup[] {
  return fields.flatMap(lookupsIn);
}

/** The same of one field. */
export function lookupsIn(field: FieldMapping): readonly Lookup[] {
  const { targets, references } = field;
  if (targets === undefined) return references === undefined ? [] : [{ ...field, references }];
  return targets.map(({ object, column, ofType }) => ({
    ...field,
    ...{ targets: undefined, references: object, column, ofType, isOneOfSeveral: true },
    beside: targets.flatMap((other) => (other.column === column ? [] : other.column)),
  }));
}

/** The columns that the lookup, as one parent sees it, lies in. */
export function columnsOfLookup({ column, ofType, beside = [] }: Lookup): readonly string[] {
  return [column, ...(ofType === undefined ? [] : [ofType.column]), ...beside];
}

/** The fields once for each of their columns; the type writes what of a value goes into that column. */
export function storedFields({ fields }: Pick<ObjectMapping, 'fields'>): readonly FieldMapping[] {
  return fields.some(({ targets }) => targets !== undefined) ? fields.flatMap(storedIn) : fields;
}

/** The same of one field, in the order in which `pointerIn` reads their texts. */
export function storedIn(field: FieldMapping): readonly FieldMapping[] {
  const { targets } = field;
  if (targets === undefined) return [field];
  const known = stored.get(targets) ?? partsOf(field, targets);
  stored.set(targets, known);
  return known;
}

const stored = new WeakMap<readonly LookupTarget[], readonly FieldMapping[]>();

function partsOf(field: FieldMapping, targets: readonly LookupTarget[]): readonly FieldMapping[] {
  const [first] = targets;
  const part = (
    column: string,
    of: (pointer: Pointer) => string | null,
    type: FieldType = field.type,
  ): FieldMapping => {
    const written = (value: string | boolean) => {
      const pointer = readPointer(String(value));
      return pointer === undefined ? null : of(pointer);
    };
    return { ...field, column, type: { ...type, toPostgres: written, toPostgresJson: written } };
  };
  if (first?.ofType !== undefined) {
    const values = Object.fromEntries(targets.map(({ object, ofType }) => [object, ofType?.value ?? '']));
    return [
      part(first.ofType.column, ({ object }) => values[object] ?? null, withValues(text, values)),
      part(first.column, ({ key }) => key),
    ];
  }
  return targets.map((target) => part(target.column, ({ object, key }) => (object === target.object ? key : null)));
}

/** The row that a lookup to several objects names. */
export interface Pointer {
  readonly object: string;
  readonly key: string;
}

/** As such a lookup is written into a row, where one to a single object is the parent's key. */
export function pointerText({ object, key }: Pointer): string {
  return `${object}:${key}`;
}

export function readPointer(written: string): Pointer | undefined {
  const end = written.indexOf(':');
  return end === -1 ? undefined : { object: written.slice(0, end), key: written.slice(end + 1) };
}

/**
 * What a row names, of the texts of its columns. 'unknown': a type that no target has, a key without a type, or several keys; that is
 * nobody's clearing of the lookup.
 */
export function pointerIn(
  targets: readonly LookupTarget[],
  texts: readonly (string | null)[],
): Pointer | 'unknown' | undefined {
  if (targets[0]?.ofType !== undefined) {
    const [type = null, key = null] = texts;
    if (key === null) return undefined;
    const meant = targets.find(({ ofType }) => ofType?.value === type);
    return meant === undefined ? 'unknown' : { object: meant.object, key };
  }
  const named = targets.flatMap(({ object }, i) => {
    const key = texts[i] ?? null;
    return key === null ? [] : [{ object, key }];
  });
  return named.length > 1 ? 'unknown' : named[0];
}

/** The type of a lookup to several objects. */
export function lookupTo(targets: readonly LookupTarget[]): typeof reference & {
  readonly meaning: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly unreadable: Refusal;
} {
  const typed = targets[0]?.ofType;
  // Values that are more, or less, leave the others as they were. A column that is gone does not: what it held looks like null.
  const meaning =
    typed === undefined
      ? { columns: Object.fromEntries(targets.map(({ object, column }) => [object, column])) }
      : {
          typeColumn: { of: typed.column },
          values: Object.fromEntries(targets.map(({ object, ofType }) => [object, ofType?.value ?? ''])),
        };
  const columns = targets.map(({ column }) => spelledName(column)).join(', ');
  const unreadable =
    typed === undefined
      ? {
          code: 'SEVERAL_PARENTS',
          fault: 'is not the only key of its lookup: a record has one parent in Salesforce',
          change: `Let at most one of the columns ${columns} be filled`,
        }
      : {
          code: 'UNKNOWN_PARENT_TYPE',
          fault: `is the key of a row that ${spelledName(typed.column)} says nothing of which sync.config.ts knows`,
          change: 'Name the type and its object in sync.config.ts',
        };
  return { ...reference, meaning, unreadable };
}
