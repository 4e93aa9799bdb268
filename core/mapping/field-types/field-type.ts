/**
 * What a field type is: all that sfsync does differently for a text and for a date. Each type is one file here; its name
 * stands in the list below, and the compiler names the places that lack it.
 */
import type { CanonicalValue } from '../canonical.ts';
import type { DescribedField } from '../described-object.ts';
import type { TableColumn } from '../table-drift.ts';

/**
 * By these names sync.config.ts knows the types; each is also the name of the function there that makes such a field. Where
 * several types read a field of Salesforce, the first is proposed.
 */
export const FIELD_TYPE_NAMES = [
  'text',
  'number',
  'boolean',
  'date',
  'datetime',
  'time',
  'multipicklist',
  'reference',
] as const;

export type FieldTypeName = (typeof FIELD_TYPE_NAMES)[number];

/** A canonical value that is not null. */
type Value = Exclude<CanonicalValue, null>;

export interface FieldType {
  readonly name: FieldTypeName;

  // The canonical form.

  /** The canonical value of null, and of nothing but white space. */
  readonly blank: null | false;
  /**
   * The canonical value of a text, whichever API spelled it; undefined: it is no value of this type. The text is not empty
   * and has no white space at its ends. The canonical value of a canonical value is that value.
   */
  canonical(text: string): CanonicalValue | undefined;

  // Salesforce.

  /** Types of Salesforce (describe call) whose values have this type. */
  readonly describedTypes: readonly string[];
  /** Values of every other type can be read, too, in the spelling of whichever API brought them. */
  readonly readsOtherTypes: boolean;
  /** SOURCE_DATA_TYPE and DESTINATION_DATA_TYPE of the field in a flow of AppFlow. */
  readonly appflowType: string;
  /** As the REST API takes it in JSON. */
  toSalesforce(value: Value): string | number | boolean;
  /** As a cell of CSV, for AppFlow and the Bulk API. */
  toCsv(value: Value): string;
  /** Whether Salesforce, given the one value, may hold the other; absent: it holds what it takes. */
  isStoredAs?(given: string, stored: string): boolean;

  /** What its values mean beside its name, for a change of it: `zone`, `values`, `convert`. Absent: nothing. */
  readonly meaning?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;

  // PostgreSQL.

  /** Types of a column that holds such values (`pg_type.typname`); undefined: the type of the parent's key. */
  readonly columnTypes: readonly string[] | undefined;
  /** What such a column does with values that it cannot hold as they are, by its type; absent: it holds all. */
  readonly columnHolds: Readonly<Record<string, string>>;
  /** Of types that might be thought to hold such values: the change to make, by type. */
  readonly instead?: Readonly<Record<string, string>>;
  /** A column of an enum type holds such values, too; of sets, an array of such a type. */
  readonly takesEnums: boolean;
  /** Whether a column surely holds the value as it is, or refuses it. false: only the server knows what it makes of it. */
  isExact(column: ColumnShape, value: Value): boolean;
  /**
   * What the statements of sfsync need of the column. scalar: nothing, for its values are read and written as texts, and the
   * one that does not fit is refused alone. A column that cannot hold a set, or cannot be compared with the key of the parent,
   * fails the statement for all rows.
   */
  readonly columnForm: 'scalar' | 'set' | 'parent key';
  /** The SQL expression for the text of a column: for a reference, of the parent's key. */
  columnText(column: string, shape: ColumnShape | undefined): string;
  /**
   * That text as `canonical` reads it; for a reference, the text of the parent's Salesforce id. undefined: it says nothing that
   * Salesforce could hold.
   */
  spelledInColumn(text: string): string | undefined;
  /** As a text parameter or a cell of COPY. */
  toPostgres(value: Value, shape: ColumnShape | undefined): string | boolean | null;
  /** As JSON for `jsonb_populate_record`. */
  toPostgresJson(value: Value, shape: ColumnShape | undefined): string | boolean | readonly string[] | null;
  /** What a column that allows no null holds for null; absent, or undefined: it has nothing, and the record is rejected. */
  emptyInColumn?(column: Pick<ColumnShape, 'type' | 'emptyByDefault'>): EmptyInColumn | undefined;
  /** How rows are found by a value of the column; undefined: such a value is not one record's own. */
  readonly matching: ((column: string) => MatchExpression) | undefined;
  /** Where the field in Salesforce may hold more than the column; undefined: not as far as is known. */
  narrowness(
    field: Pick<DescribedField, 'length' | 'scale' | 'precision'>,
    column: Pick<TableColumn, 'type' | 'maxLength' | 'modifier'>,
  ): Narrowness | undefined;
  /** What of a column that states a limit Salesforce refuses, for the field has a lower one; absent or undefined: nothing that is known. */
  excess?(
    field: Pick<DescribedField, 'length' | 'scale' | 'precision'>,
    column: Pick<TableColumn, 'type' | 'maxLength' | 'modifier'>,
  ): string | undefined;

  // What sync.config.ts puts between the values and the column: `values` (value-map.ts), `convert` (converted.ts).

  /** Why the column has nothing for a value; undefined: it has something. Absent: it has something for every value. */
  refusal?(value: Value): Refusal | undefined;
  /** What stands in the column for null; absent: null. */
  readonly nullInColumn?: string | undefined;
  /** Values and what the column holds for each; absent: whatever they are. */
  readonly mapped?: readonly MappedValue[];
  /** Why the text of a column is no value; absent: Salesforce has no such value, or PostgreSQL cannot read it. */
  readonly unreadable?: Refusal;
}

/** As a text parameter or a cell of COPY, and as JSON for `jsonb_populate_record`. */
export interface EmptyInColumn {
  readonly text: string;
  readonly json: string | readonly [];
}

/** What a conversion has nothing for: "The value of <field> <fault>. <change>, or change the value." No text holds the value. */
export interface Refusal {
  readonly code: string;
  readonly fault: string;
  readonly change: string;
}

/** A value, and what the column holds for it. */
export interface MappedValue {
  readonly value: CanonicalValue;
  /** As a text parameter. */
  readonly code: string;
}

/** A column as its values depend on it; undefined in its place: nothing is known of it. */
export interface ColumnShape {
  /** `pg_type.typname`, of a domain its base type's; `_text` for text[]. */
  readonly type: string;
  /** `pg_type.typtype`; `e`: an enum. */
  readonly kind: string;
  /** `pg_attribute.atttypmod`, of a domain its base type's; -1: none. */
  readonly modifier: number;
  /** Of an array, `pg_type.typtype` of its elements. */
  readonly elementKind?: string | null;
  /** Whether it allows no null; absent: not known. */
  readonly notNull?: boolean;
  /** Whether its default is an empty text; absent: not known. */
  readonly emptyByDefault?: boolean;
}

/** What an index has to be on, and the type that its values are compared as; docs/first-load.md says which index. */
export interface MatchExpression {
  readonly value: string;
  readonly type: string;
}

/** Ends of the sentence "<field> <inSalesforce> in Salesforce, <column> <inColumn>; <change>". */
export interface Narrowness {
  readonly inSalesforce: string;
  readonly inColumn: string;
  readonly change: string;
}
