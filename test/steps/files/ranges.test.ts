/** A large file is cut after the ends of its lines: no line is in two ranges, and none in no range. */
import { describe, expect, test } from 'vitest';
import { splitByLines } from '../../../steps/files/ranges.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';

const KEY = 'salesforce/Account/f/r/1';
const WINDOW = 64 * 1024;

async function split(text: string, rangeBytes: number) {
  const bytes = Buffer.from(text);
  const ranges = await splitByLines(new MemoryBucket([[KEY, bytes]]).storage, KEY, bytes.length, rangeBytes);
  return ranges.map(({ start, end, firstLine }) => ({ text: bytes.subarray(start, end).toString(), firstLine }));
}

test.for([
  ['smaller than a range', 'one\ntwo\n', 9],
  ['as large as one', 'one\ntwo\n', 8],
] as const)('a file that is %s is not cut, nor read', async ([, text, rangeBytes]) => {
  const nothing = new MemoryBucket();
  expect(await splitByLines(nothing.storage, KEY, text.length, rangeBytes)).toEqual([
    { start: 0, end: text.length, firstLine: 1 },
  ]);
});

describe('a larger one', () => {
  test('is cut after the line in which a range ends; each range knows its first line', async () => {
    expect(await split('one\ntwo\nthree\nfour\nfive', 6)).toEqual([
      { text: 'one\ntwo\n', firstLine: 1 },
      { text: 'three\nfour\n', firstLine: 3 },
      { text: 'five', firstLine: 5 },
    ]);
  });

  test('of which a range ends with a line: the next line goes with it, for the line feed after it is looked for', async () => {
    expect(await split('one\ntwo\nthree\n', 4)).toEqual([
      { text: 'one\ntwo\n', firstLine: 1 },
      { text: 'three\n', firstLine: 3 },
    ]);
  });

  test('may have lines that are longer than a range', async () => {
    expect(await split(`${'x'.repeat(20)}\n${'y'.repeat(20)}\nz`, 3)).toEqual([
      { text: `${'x'.repeat(20)}\n`, firstLine: 1 },
      { text: `${'y'.repeat(20)}\n`, firstLine: 2 },
      { text: 'z', firstLine: 3 },
    ]);
  });

  test.for([
    ['in the first window', 10],
    ['as the last byte of it', WINDOW - 1],
    ['as the first of the second', WINDOW],
    ['in the third', 2 * WINDOW + 5],
  ] as const)('has the end of such a line found %s', async ([, beyond]) => {
    const line = 'x'.repeat(4 + beyond);
    expect(await split(`${line}\nnext\n`, 4)).toEqual([
      { text: `${line}\n`, firstLine: 1 },
      { text: 'next\n', firstLine: 2 },
    ]);
  });

  test('whose last line has no end ends with the file', async () => {
    expect(await split('x'.repeat(WINDOW + 10), 4)).toEqual([{ text: 'x'.repeat(WINDOW + 10), firstLine: 1 }]);
  });
});
