/** Where a file can be cut: after the ends of its lines. */
import type { Storage } from '../../aws/storage.ts';

export interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Of the file, from 1. */
  readonly firstLine: number;
}

const LINE_END_WINDOW = 64 * 1024;
const NEWLINE = 0x0a;

/** Reads all of a file that is larger than one range: where a range ends, and how many lines it has. */
export async function splitByLines(storage: Storage, key: string, size: number, rangeBytes: number): Promise<Range[]> {
  if (size <= rangeBytes) return [{ start: 0, end: size, firstLine: 1 }];
  const ranges: Range[] = [];
  let firstLine = 1;
  for (let start = 0; start < size; ) {
    const target = Math.min(size, start + rangeBytes);
    const lines = countLines(await storage.readRange(key, start, target));
    const end = target === size ? size : await lineEndAfter(storage, key, target, size);
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
async function lineEndAfter(storage: Storage, key: string, from: number, size: number): Promise<number> {
  for (let at = from; at < size; at += LINE_END_WINDOW) {
    const window = await storage.readRange(key, at, Math.min(size, at + LINE_END_WINDOW));
    const found = window.indexOf(NEWLINE);
    if (found >= 0) return at + found + 1;
  }
  return size;
}
