import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import type { FieldDefinition } from '../schema/object-definition.ts';

/** The CSV of Bulk API 2.0: `#N/A` is null, an empty cell is "unchanged". */

export const DELIMITERS = { BACKQUOTE: '`', CARET: '^', COMMA: ',', PIPE: '|', SEMICOLON: ';', TAB: '\t' } as const;
export const LINE_ENDINGS = { LF: '\n', CRLF: '\r\n' } as const;

export interface CsvFormat {
  readonly columnDelimiter: keyof typeof DELIMITERS;
  readonly lineEnding: keyof typeof LINE_ENDINGS;
}

/** A file that cannot be read as a whole; the text is what the job's `errorMessage` says. */
export class CsvError extends Error {
  override readonly name = 'CsvError' as const;
}

/** The rows of a file, header first. Throws CsvError. */
export function parseRows(csv: string, format: CsvFormat): readonly (readonly string[])[] {
  const firstLine = /\r?\n/.exec(csv)?.[0];
  if (firstLine !== undefined && firstLine !== LINE_ENDINGS[format.lineEnding])
    throw new CsvError(`LineEnding is invalid on user data. Current LineEnding setting is ${format.lineEnding}`);
  try {
    return parse(csv, {
      bom: true,
      delimiter: DELIMITERS[format.columnDelimiter],
      record_delimiter: LINE_ENDINGS[format.lineEnding],
      skip_empty_lines: true,
    });
  } catch (error) {
    throw new CsvError(`InvalidBatch : Failed to parse CSV: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Writes rows, every cell in quotes. */
export function formatRows(rows: readonly (readonly string[])[], format: CsvFormat): string {
  return stringify([...rows.map((row) => [...row])], {
    delimiter: DELIMITERS[format.columnDelimiter],
    record_delimiter: LINE_ENDINGS[format.lineEnding],
    quoted: true,
    quoted_empty: true,
  });
}

const TRUE = ['true', '1', 'yes', 'y', 't', 'on'];
const FALSE = ['false', '0', 'no', 'n', 'f', 'off'];

/** What a cell sends for a field: undefined leaves it unchanged, null clears it. */
export function readCell(cell: string, field: FieldDefinition | undefined): string | null | undefined {
  if (cell === '') return undefined;
  if (cell === '#N/A') return null;
  if (field?.type !== 'boolean') return cell;
  if (TRUE.includes(cell.toLowerCase())) return 'true';
  return FALSE.includes(cell.toLowerCase()) ? 'false' : cell;
}

/** A value as Bulk queries print it: `Z` instead of `+0000`, numbers with a decimal point unless they are integers by type. */
export function writeCell(value: unknown, field: FieldDefinition | undefined): string {
  if (value === null || value === undefined) return '';
  if (field?.type === 'datetime') return String(value).replace('+0000', 'Z');
  if (['double', 'currency', 'percent'].includes(field?.type ?? '') && Number.isInteger(value)) return `${value}.0`;
  return String(value);
}
