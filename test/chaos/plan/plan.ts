/** What a run does, before it does it: a pure function of its seed and its options. Shrinking leaves parts of it out. */
import type { Migration } from '../clients/migrations.ts';
import type { Side } from '../history/history.ts';

/** A value as both clients can spell it; `{record}` is a lookup, by the record's name in the plan. */
export type PlannedValue = string | number | boolean | null | readonly string[] | { readonly record: string };

export type PlannedValues = Readonly<Record<string, PlannedValue>>;

/** A record or row with what is written to it, by field of Salesforce. Names are of the plan: `Contact 3`. */
export interface PlannedWrite {
  readonly name: string;
  readonly object: string;
  readonly values: PlannedValues;
}

export type Act =
  /** One call or transaction, all or nothing, parents before their children. */
  | { readonly does: 'create' | 'update'; readonly writes: readonly PlannedWrite[] }
  /** Hundreds by one statement, or by a job of the Bulk API. */
  | { readonly does: 'bulk create' | 'bulk update'; readonly writes: readonly PlannedWrite[] }
  | { readonly does: 'delete'; readonly names: readonly string[] }
  /** PostgreSQL, in one transaction: what refers to the row refers to none, then it goes. */
  | { readonly does: 'free and delete'; readonly name: string }
  /** Salesforce: out of the recycle bin. PostgreSQL: the row is inserted again as it was. */
  | { readonly does: 'bring back'; readonly names: readonly string[] }
  | {
      readonly does: 'merge';
      readonly winner: string;
      readonly losers: readonly string[];
      readonly values: PlannedValues;
    }
  /** PostgreSQL: all rows of the operation's table. */
  | { readonly does: 'truncate' }
  | { readonly does: 'migrate'; readonly how: Migration; readonly detail: string };

export interface PlannedOperation {
  readonly number: number;
  /** Milliseconds after the beginning. */
  readonly at: number;
  readonly side: Side;
  readonly kind: string;
  readonly object: string;
  readonly act: Act;
}

export interface PlannedFault {
  /** Names its sequence of chance, so that it is the same whatever else is left out. */
  readonly number: number;
  readonly name: string;
  readonly at: number;
  readonly lastsMs: number;
}

/** The system is ended, and started with another mapping. */
export interface PlannedMapping {
  readonly at: number;
  /** Optional fields that are mapped from then on: `Contact.Title`. */
  readonly fields: readonly string[];
}

export interface Plan {
  readonly seed: number;
  /** Optional fields that are mapped at the beginning. */
  readonly fields: readonly string[];
  readonly operations: readonly PlannedOperation[];
  readonly faults: readonly PlannedFault[];
  readonly mappingChanges: readonly PlannedMapping[];
}

/** `Contact 3` is a Contact. */
export function objectOf(name: string): string {
  return name.slice(0, name.lastIndexOf(' '));
}
