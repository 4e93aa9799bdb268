/**
 * The shape of inbound files: JSON lines, one JSON array, or CSV with a header. A run without records may leave
 * nothing, no bytes, a marker object or a header; all of these are fine.
 */
import type { ObjectMapping } from './configuration.ts';
import type { ReadRecord } from './salesforce-record.ts';
import { parseExact, parseRecord, parseRecordLine } from './salesforce-record.ts';

/** A header names fields and nothing else: API names separated by commas, the Id among them. */
export function isHeader(text: string): boolean {
  const names = text
    .trim()
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  return names.includes('Id') && names.every((name) => /^[A-Za-z]\w*$/.test(name));
}

/** CSV: the first line is a header, and more follows. A quoted cell may hold line feeds, so it is never cut by lines. */
export function isCsv(text: string): boolean {
  const end = text.indexOf('\n');
  return end > 0 && isHeader(withoutMark(text.slice(0, end))) && text.slice(end).trim() !== '';
}

function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

export function isArray(text: string): boolean {
  return /^\s*\[/.test(text);
}

/** The records of a part of a file, each with its line (or, in an array, its place), both from 1. Blank lines are none. */
export function readRecords(mapping: ObjectMapping, text: string): FileRecord[] {
  const body = withoutMark(text);
  if (isArray(body)) return readArray(mapping, body);
  return body
    .split('\n')
    .map((line, i) => ({ line: i + 1, text: line.trim() }))
    .filter((line) => line.text !== '')
    .map(({ line, text: json }) => ({ line, record: parseRecordLine(mapping, json) }));
}

function readArray(mapping: ObjectMapping, text: string) {
  let list: unknown;
  try {
    list = parseExact(text);
  } catch {
    return [{ line: 1, record: parseRecordLine(mapping, text) }];
  }
  return (Array.isArray(list) ? list : [list]).map((value, i) => ({
    line: i + 1,
    record: parseRecord(mapping, value),
  }));
}

export interface FileRecord {
  readonly line: number;
  readonly record: ReadRecord;
}

/** Whether one of the records has a valid id, even if one of its values does not fit. */
export function anyReadable(records: readonly FileRecord[]): boolean {
  return records.some(({ record }) => (record.version ?? record.unusable)?.id !== undefined);
}
