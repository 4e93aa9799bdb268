import { parse } from 'csv-parse/sync';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { type FileRecord, isCsv, readRecords } from '../../core/mapping/record-file.ts';
import { parseRecord } from '../../core/mapping/salesforce-record.ts';

/** The records of a part of a file, whatever its format. A line that cannot be read is a record that cannot be used. */
export function readFileRecords(mapping: ObjectMapping, text: string): FileRecord[] {
  return isCsv(text) ? readCsv(mapping, text) : readRecords(mapping, text);
}

function readCsv(mapping: ObjectMapping, text: string): FileRecord[] {
  const broken: FileRecord[] = [];
  const rows: { record: unknown; info: { lines: number } }[] = parse(Buffer.from(text, 'utf16le'), {
    bom: true,
    // The parser works on bytes, and in UTF-8 there are none for half of a surrogate pair (see decode-text.ts).
    encoding: 'utf16le',
    columns: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      const unusable = {
        code: 'UNREADABLE_LINE',
        reason: `The line is no CSV (${error?.code}).`,
        field: undefined,
        id: undefined,
      };
      broken.push({ line: Number(error?.lines ?? 0), record: { unusable } });
      return undefined;
    },
  });
  const read = rows.map(({ record, info }) => ({ line: info.lines, record: parseRecord(mapping, record) }));
  return [...read, ...broken];
}
