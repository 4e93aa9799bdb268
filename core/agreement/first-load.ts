/**
 * The first load: an org and a database that both have data before they are kept in step. A record belongs to the row
 * that carries its Salesforce id, or to the row that has the same value in the field that the configuration names
 * (`matchBy`). Such a key links only when it leaves no choice: one record and one row have it, and both are still free.
 * Whatever else shares a key is listed and left alone, for a pair that was guessed wrongly mixes the data of two.
 */
import type { RowValue } from '../mapping/canonical.ts';
import { isUnsendable } from '../mapping/canonical.ts';

/** How often one value of the matching field occurs among live records and rows. */
export interface KeyFacts {
  readonly records: number;
  /** Of these, records that are not linked and whose id no row carries. */
  readonly freeRecords: number;
  /** Rows that count as gone are none. */
  readonly rows: number;
  /** Of these, rows that are not linked and carry no Salesforce id. */
  readonly freeRows: number;
}

/**
 * What a key says of its free records and free rows. pair: the record belongs to the row. apart: they are on one side
 * only. ambiguous: several records or rows have it, or its record already has another row.
 */
export type KeyPlace = 'pair' | 'apart' | 'ambiguous';

/** For each count it is enough to know whether it is 0, 1 or more. */
export function placeKey({ records, freeRecords, rows, freeRows }: KeyFacts): KeyPlace {
  if (freeRows === 0 || records === 0) return 'apart';
  return records === 1 && rows === 1 && freeRecords === 1 ? 'pair' : 'ambiguous';
}

/** A value as a key. undefined: it is empty, or no value that both sides can have, and matches nothing. */
export function matchingKey(value: RowValue | undefined): string | undefined {
  return value === null || value === undefined || isUnsendable(value) ? undefined : String(value);
}

/** Records and rows by where they stand, before anything is written. Each record and each row is counted once. */
export interface LoadCounts {
  readonly records: {
    /** A version of the record was merged before. */
    readonly linked: number;
    /** A row carries the record's id. */
    readonly byId: number;
    readonly byKey: number;
    /** They will become rows. */
    readonly onlyInSalesforce: number;
    readonly ambiguous: number;
  };
  /** Rows that belong to no record. */
  readonly rows: {
    readonly onlyInPostgres: number;
    readonly ambiguous: number;
    /** They carry the id of a record that is deleted, does not exist, or is hidden from our user. */
    readonly idNotLive: number;
  };
}

/** Records and rows that share one key, by id and row key; the key itself is not needed here. */
export interface AmbiguousKey {
  readonly salesforceIds: readonly string[];
  readonly rowKeys: readonly string[];
}

/** Both sides have something that could belong together, and nothing shows what. */
export function needsKey({ records, rows }: LoadCounts, matchBy: string | undefined): boolean {
  return matchBy === undefined && records.onlyInSalesforce > 0 && rows.onlyInPostgres > 0;
}
