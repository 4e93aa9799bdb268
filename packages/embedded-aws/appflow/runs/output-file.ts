import { stringify } from 'csv-stringify/sync';
import type { InboundFlow } from '../flows/flow-definition.ts';
import type { MappedRecord } from '../flows/record-tasks.ts';
import type { AppFlowQuirks } from '../quirks.ts';

/** One page of records as text; pages of a file are joined by `joinFile`. */
export function encodePage(
  records: readonly MappedRecord[],
  header: readonly string[],
  fileType: InboundFlow['fileType'],
  quirks: AppFlowQuirks,
): string {
  if (records.length === 0) return '';
  if (fileType === 'CSV') return stringify(records.map((record) => header.map((field) => toCell(record[field]))));
  const lines = records.map((record) => JSON.stringify(toJson(record, quirks)));
  return quirks.jsonLayout === 'lines' ? `${lines.join('\n')}\n` : lines.join(',\n');
}

/** A whole file out of its pages. `header` holds the destination fields of a CSV file. */
export function joinFile(
  pages: readonly string[],
  header: readonly string[],
  fileType: InboundFlow['fileType'],
  quirks: AppFlowQuirks,
): Buffer {
  if (fileType === 'CSV') return Buffer.from(stringify([[...header]]) + pages.join(''));
  if (quirks.jsonLayout === 'array') return Buffer.from(`[${pages.join(',\n')}]`);
  return Buffer.from(pages.join(''));
}

/** The object of a run that moved nothing; undefined when there is none. */
export function emptyFile(
  header: readonly string[],
  fileType: InboundFlow['fileType'],
  quirks: AppFlowQuirks,
): Buffer | undefined {
  switch (quirks.emptyRun) {
    case 'nothing':
      return undefined;
    case 'zero-bytes':
      return Buffer.alloc(0);
    case 'header-only':
      return joinFile([], header, fileType, quirks);
    default:
      return quirks.emptyRun satisfies never;
  }
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function toJson(record: MappedRecord, quirks: AppFlowQuirks): MappedRecord {
  if (quirks.nulls === 'null' && quirks.numbers === 'native') return record;
  const written: MappedRecord = {};
  for (const [field, value] of Object.entries(record)) {
    if (value === null || value === undefined) {
      if (quirks.nulls === 'null') written[field] = null;
      else if (quirks.nulls === 'empty-string') written[field] = '';
    } else if (quirks.numbers === 'strings' && typeof value !== 'object') {
      written[field] = String(value);
    } else {
      written[field] = value;
    }
  }
  return written;
}
