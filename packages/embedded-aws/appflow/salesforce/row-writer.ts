import type { FieldValue } from '../runs/field-values.ts';

/** A row on its way to Salesforce. */
export interface OutboundRow {
  readonly file: string;
  readonly row: number;
  /** The record Id, or the external id of an upsert; undefined for an insert. */
  readonly id: string | undefined;
  readonly values: ReadonlyMap<string, FieldValue>;
}

/** A row that Salesforce, or the conversion before it, has refused. */
export interface RowFailure {
  readonly file: string | undefined;
  readonly row: number | undefined;
  readonly id: string | undefined;
  readonly statusCode: string;
  readonly message: string;
  readonly fields: readonly string[];
  /** The row as it was to be written. */
  readonly values: Readonly<Record<string, string>>;
}

/** Takes rows one by one and sends them in batches. */
export interface RowWriter {
  add(row: OutboundRow): Promise<void>;
  /** Sends the rest and waits for the outcome. */
  end(): Promise<void>;
}

/** What a writer reports of its work. */
export interface WriteLog {
  refused(failure: RowFailure): void;
  sent(bytes: number): void;
}

export function toFailure(
  row: OutboundRow,
  statusCode: string,
  message: string,
  fields: readonly string[] = [],
): RowFailure {
  const values = Object.fromEntries([...row.values].map(([field, { text }]) => [field, text]));
  return { file: row.file, row: row.row, id: row.id, statusCode, message, fields, values };
}
