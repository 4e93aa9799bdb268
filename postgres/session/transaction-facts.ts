/** What a session has learnt in its transaction, and which may be another thing in the next one. */
import type { ColumnShape } from '../../core/mapping/field-types/field-type.ts';

/** The columns of a mapped table. */
export interface TableColumns {
  /**
   * By column. Without length or precision, and of a domain its base type: a cast would cut a text that is too long, where an
   * assignment refuses it.
   */
  readonly types: ReadonlyMap<string, string>;
  /** What their values depend on. */
  readonly shapes: ReadonlyMap<string, ColumnShape>;
  /** By column, with length and precision. */
  readonly fullTypes: ReadonlyMap<string, string>;
  /** By column: types that it had since its table was last compared to its end, the oldest first. */
  readonly formerTypes: ReadonlyMap<string, readonly string[]>;
  /** Columns that allow no null. */
  readonly notNull: ReadonlySet<string>;
  /** By column, the expression of its default; of an identity, what its sequence gives. */
  readonly defaults: ReadonlyMap<string, string>;
  /** The expression that makes the key of a new row; undefined: there is none that the role may use. */
  readonly keyDefault: string | undefined;
  /** Triggers of the application see a new row before it is written. */
  readonly hasInsertTriggers: boolean;
}

export interface TransactionFacts {
  /** By object. */
  readonly columns: Map<string, TableColumns>;
  /** Objects whose tables still have the columns that the step looked at. */
  readonly compared: Set<string>;
  /** A row was refused because of a value that another row has: from then on sets free values before they write them. */
  hasCollided: boolean;
}

export function noFacts(): TransactionFacts {
  return { columns: new Map(), compared: new Set(), hasCollided: false };
}
