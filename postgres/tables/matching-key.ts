/** The column by which rows without a Salesforce id are matched with records. */
import pg from 'pg';
import { matchingKey } from '../../core/agreement/first-load.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import { fromPostgres } from '../../core/mapping/canonical.ts';
import type { FieldMapping } from '../../core/mapping/configuration.ts';

const name = pg.escapeIdentifier;

/** As `fromPostgres` reads it: no set is matched by, so that it does not depend on the shape of the column. */
export function columnText({ column, type }: FieldMapping): string {
  return type.columnText(name(column), undefined);
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
