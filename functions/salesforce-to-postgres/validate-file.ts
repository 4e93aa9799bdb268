/** Is this a file of records, and of which object? Splits it into line-aligned byte ranges. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { validateFileInput, validateFileOutput } from '../../core/contracts/inbound-tasks.ts';
import { parseInboundKey } from '../../core/contracts/storage-layout.ts';
import { ConfigurationError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { anyReadable, isArray, isCsv, isHeader } from '../../core/mapping/record-file.ts';
import { defineHandler, environment } from '../handler.ts';
import { readInboundRecords } from './inbound-records.ts';

const { BUCKET_NAME } = environment({ BUCKET_NAME: z.string() });
const storage = new Storage(BUCKET_NAME);

const RANGE_BYTES = Math.ceil(configuration.settings.rangeMegabytes * 1024 * 1024);
/** A JSON array or a CSV cannot be cut by lines: it is mapped in one piece, within a Lambda's memory. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;
const LINE_END_WINDOW = 64 * 1024;
const NEWLINE = 0x0a;

export const handler = defineHandler({
  input: validateFileInput,
  output: validateFileOutput,
  run: async ({ key, size }, { log }) => {
    const place = parseInboundKey(key);
    if (place === undefined) {
      throw new ConfigurationError(
        'UNKNOWN_KEY',
        `${key} is no key of an inbound flow (salesforce/<Object>/<flow>/<run>/<file>).`,
      );
    }
    const mapping = objectOf(place.object, key);
    const { ranges, empty } = await inspect(mapping, key, size, place.file === place.run);
    log.info(empty ? 'file without records' : 'file accepted', { key, size, ranges: ranges.length });
    return { object: place.object, ranges };
  },
});

function objectOf(object: string, key: string): ObjectMapping {
  try {
    return mappingOf(configuration, object);
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw new ConfigurationError('UNKNOWN_OBJECT', `${key} holds records of an unknown object: ${reason}`, {
      cause: error,
    });
  }
}

async function inspect(mapping: ObjectMapping, key: string, size: number, mayBeMarker: boolean) {
  const nothing = { ranges: [], empty: true };
  if (size === 0) return nothing;
  const head = (await storage.readRange(key, 0, Math.min(size, RANGE_BYTES))).toString('utf8');
  if (isArray(head) || isCsv(head)) {
    const ranges = await onePiece(mapping, key, size);
    return { ranges, empty: ranges.length === 0 };
  }
  const ranges = await splitByLines(key, size);
  for (const { start, end } of ranges) {
    const text = start === 0 && end <= RANGE_BYTES ? head : await readText(key, start, end);
    if (anyReadable(readInboundRecords(mapping, text))) return { ranges, empty: false };
  }
  if (mayBeMarker || isHeader(head) || head.trim() === '') return nothing;
  throw unreadable(key);
}

async function onePiece(mapping: ObjectMapping, key: string, size: number) {
  if (size > MAX_PIECE_BYTES) {
    throw new ConfigurationError(
      'PIECE_TOO_LARGE',
      `${key} is one JSON array or CSV of ${size} bytes, which cannot be cut into ranges: write JSON lines.`,
    );
  }
  const records = readInboundRecords(mapping, await readText(key, 0, size));
  if (records.length === 0) return [];
  if (!anyReadable(records)) throw unreadable(key);
  return [{ start: 0, end: size, firstLine: 1 }];
}

function unreadable(key: string): ConfigurationError {
  return new ConfigurationError(
    'NO_READABLE_RECORD',
    `${key} has content, but not one readable record of its object: expected JSON lines with Id and SystemModstamp. The file stays where it is.`,
  );
}

async function readText(key: string, start: number, end: number): Promise<string> {
  return (await storage.readRange(key, start, end)).toString('utf8');
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
}

/** Reads all of a file that is larger than one range: where a range ends, and how many lines it has. */
async function splitByLines(key: string, size: number): Promise<Range[]> {
  if (size <= RANGE_BYTES) return [{ start: 0, end: size, firstLine: 1 }];
  const ranges: Range[] = [];
  let firstLine = 1;
  for (let start = 0; start < size; ) {
    const target = Math.min(size, start + RANGE_BYTES);
    const lines = countLines(await storage.readRange(key, start, target));
    const end = target === size ? size : await lineEndAfter(key, target, size);
    ranges.push({ start, end, firstLine });
    // Beyond the target only the last line goes on.
    firstLine += lines + (target === size ? 0 : 1);
    start = end;
  }
  return ranges;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** The position after the first line feed at or after `from`. */
async function lineEndAfter(key: string, from: number, size: number): Promise<number> {
  for (let at = from; at < size; at += LINE_END_WINDOW) {
    const window = await storage.readRange(key, at, Math.min(size, at + LINE_END_WINDOW));
    const found = window.indexOf(NEWLINE);
    if (found >= 0) return at + found + 1;
  }
  return size;
}
