/** The column by which rows without a Salesforce id are matched with records. */
import pg from 'pg';
import { matchingKey } from '../../core/agreement/first-load.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import { fromPostgres } from '../../core/mapping/canonical.ts';
import type { FieldMapping } from '../../core/mapping/configuration.ts';

const name = pg.escapeIdentifier;

/** As `fromPostgres` reads it. */
export function columnText({ column, type }: FieldMapping): string {
  return type.columnText(name(column));
}

/** The key that a row has by the text of its column. */
export function readKey({ type, field }: FieldMapping, text: string | null): string | undefined {
  try {
    return matchingKey(fromPostgres(type, text, field));
  } catch (error) {
    if (error instanceof RejectedRecordError) return undefined;
    throw error;
  }
}
