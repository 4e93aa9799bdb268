/** The CSV of a Bulk API 2.0 job: an empty cell leaves a field alone, `#N/A` clears it (Bulk API 2.0 guide, prepare CSV files). */

import type { PushLine } from '../core/contracts/outbound-tasks.ts';
import { toCsv } from '../core/mapping/canonical.ts';
import { type FieldMapping, type ObjectMapping, updatedFields } from '../core/mapping/configuration.ts';
import type { RecordError } from './record-answer.ts';

const NULL = '#N/A';
/** The longest value of a cell (Bulk API 2.0 guide, limits). */
const CELL_CHARACTERS = 32_000;
/** An upload may have 150 MB once it is encoded as base64, which makes 100 MB of it. */
const UPLOAD_BYTES = 100_000_000;

/** Whether a CSV can express the line. */
export function fitsBulk({ kind, fields }: PushLine): boolean {
  const fits = (value: unknown) => typeof value !== 'string' || (value !== NULL && value.length <= CELL_CHARACTERS);
  return kind === 'update' && Object.values(fields).every(fits);
}

/** The upload for updates, with a column for each field that any of them changes. `rows`: the lines for which there is room. */
export function bulkCsv(
  mapping: ObjectMapping,
  lines: readonly PushLine[],
  room = UPLOAD_BYTES,
): { readonly csv: string; readonly rows: readonly PushLine[] } {
  const fields = updatedFields(mapping).filter(({ field }) => lines.some((line) => line.fields[field] !== undefined));
  const texts = [row(['Id', ...fields.map(({ field }) => field)])];
  let bytes = texts[0]?.length ?? 0;
  for (const line of lines) {
    const text = row([line.id, ...fields.map((field) => cell(field, line))]);
    bytes += Buffer.byteLength(text);
    if (bytes > room) break;
    texts.push(text);
  }
  return { csv: texts.join(''), rows: lines.slice(0, texts.length - 1) };
}

function row(cells: readonly string[]): string {
  return `${cells.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')}\n`;
}

function cell({ field, type }: FieldMapping, { fields }: PushLine): string {
  const value = fields[field];
  return value === undefined ? '' : value === null ? NULL : toCsv(type, value);
}

/** `CODE:message:field,field--`, as the result of a failed row spells its error. */
export function recordErrorOf(text: string): RecordError {
  const [, statusCode, message, fields = ''] = /^([A-Z0-9_]+):(.*):([\w, ]*)--\s*$/s.exec(text) ?? [];
  if (statusCode === undefined) return { statusCode: /^[A-Z0-9_]+/.exec(text)?.[0] ?? 'UNKNOWN', message: text };
  return { statusCode, message: message ?? '', fields: fields.split(/[, ]+/).filter((name) => name !== '') };
}
