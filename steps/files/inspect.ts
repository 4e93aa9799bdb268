/** Whether a file of the inbound flow holds records, of which object, and into which ranges it is cut. */
import type { Storage } from '../../aws/storage.ts';
import { parseInboundKey } from '../../core/contracts/storage-layout.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { mappingOf, type ObjectMapping, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import { anyReadable, isArray, isCsv, isHeader } from '../../core/mapping/record-file.ts';
import { decodeText } from './decode-text.ts';
import { type Range, splitByLines } from './ranges.ts';
import { readFileRecords } from './read.ts';

/** A JSON array or a CSV cannot be cut by lines: it is mapped in one piece, within a Lambda's memory. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;

interface InboundFile {
  readonly key: string;
  readonly size: number;
}

/**
 * The object of a file and its ranges, none where a run has left no records. Throws ConfigurationError for a key, an object
 * or a content that is not of a flow's file.
 */
export async function inspectFile(
  storage: Storage,
  configuration: SyncConfiguration,
  file: InboundFile,
): Promise<{ readonly object: string; readonly ranges: Range[] }> {
  const place = parseInboundKey(file.key);
  if (place === undefined) {
    throw new ConfigurationError(
      'UNKNOWN_KEY',
      `${file.key} is no key of an inbound flow (salesforce/<Object>/<flow>/<run>/<file>).`,
    );
  }
  const mapping = objectOf(configuration, place.object, file.key);
  const rangeBytes = Math.ceil(configuration.settings.rangeMegabytes * 1024 * 1024);
  const ranges = await rangesOf(storage, mapping, file, { rangeBytes, mayBeMarker: place.file === place.run });
  return { object: place.object, ranges };
}

function objectOf(configuration: SyncConfiguration, object: string, key: string): ObjectMapping {
  try {
    return mappingOf(configuration, object);
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw new ConfigurationError('UNKNOWN_OBJECT', `${key} holds records of an unknown object: ${reason}`, {
      cause: error,
    });
  }
}

async function rangesOf(
  storage: Storage,
  mapping: ObjectMapping,
  { key, size }: InboundFile,
  { rangeBytes, mayBeMarker }: { readonly rangeBytes: number; readonly mayBeMarker: boolean },
): Promise<Range[]> {
  if (size === 0) return [];
  const head = await readText(storage, key, 0, Math.min(size, rangeBytes));
  if (isArray(head) || isCsv(head)) return onePiece(storage, mapping, key, size);
  const ranges = await splitByLines(storage, key, size, rangeBytes);
  for (const { start, end } of ranges) {
    const text = start === 0 && end <= rangeBytes ? head : await readText(storage, key, start, end);
    if (anyReadable(readFileRecords(mapping, text))) return ranges;
  }
  if (mayBeMarker || isHeader(head) || head.trim() === '') return [];
  throw unreadable(key);
}

async function onePiece(storage: Storage, mapping: ObjectMapping, key: string, size: number): Promise<Range[]> {
  if (size > MAX_PIECE_BYTES) {
    throw new ConfigurationError(
      'PIECE_TOO_LARGE',
      `${key} is one JSON array or CSV of ${size} bytes, which cannot be cut into ranges: write JSON lines.`,
    );
  }
  const records = readFileRecords(mapping, await readText(storage, key, 0, size));
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

async function readText(storage: Storage, key: string, start: number, end: number): Promise<string> {
  return decodeText(await storage.readRange(key, start, end));
}
