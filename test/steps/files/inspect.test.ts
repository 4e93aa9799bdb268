/** Whether a file of the inbound flow holds records, of which object, and how it is cut. */
import { describe, expect, test } from 'vitest';
import { defineSync, text } from '../../../core/mapping/configuration.ts';
import { inspectFile } from '../../../steps/files/inspect.ts';
import { mapRange } from '../../../steps/files/map.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';

const KEY = 'salesforce/Account/f/run/file';
const idOf = (n: number) => `00100000000000${n}AAA`;
const record = (n: number, more: object = {}) =>
  JSON.stringify({ Id: idOf(n), SystemModstamp: '2026-01-01T00:00:00.000Z', IsDeleted: false, Name: `N${n}`, ...more });

const configuration = defineSync({ objects: { Account: { table: 'lenders', fields: { Name: text('name') } } } });
/** Ranges have so many bytes: less than a configuration may say. */
const withRanges = (bytes: number) => ({
  ...configuration,
  settings: { ...configuration.settings, rangeMegabytes: bytes / 1024 / 1024 },
});

function inspect(body: string | Buffer, { key = KEY, rangeBytes = 1024 * 1024, size = Buffer.from(body).length } = {}) {
  return inspectFile(new MemoryBucket([[key, body]]).storage, withRanges(rangeBytes), { key, size });
}

test('a key tells the object', async () => {
  expect(await inspect(`${record(1)}\n`)).toMatchObject({ object: 'Account', ranges: [{ start: 0, firstLine: 1 }] });
});

test.for([
  ['outbound/Account/f/run/file', 'UNKNOWN_KEY', 'outbound/Account/f/run/file is no key of an inbound flow'],
  ['salesforce/Lead/f/run/file', 'UNKNOWN_OBJECT', 'salesforce/Lead/f/run/file holds records of an unknown object: '],
] as const)('%s is refused: %s', async ([key, code, message]) => {
  await expect(inspect(record(1), { key })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

describe('a run without records leaves', () => {
  test.for([
    ['no bytes', '', KEY],
    ['a header', 'Id,Name\n', KEY],
    ['blank lines', ' \n\n', KEY],
    ['an empty array', '[]', KEY],
    ['a marker of the name of its run', 'succeeded', 'salesforce/Account/f/run/run'],
  ] as const)('%s: there is nothing to map', async ([, body, key]) => {
    expect(await inspect(body, { key })).toEqual({ object: 'Account', ranges: [] });
  });

  test('nothing else: what holds no readable record is refused, and stays where it is', async () => {
    const refused = { code: 'NO_READABLE_RECORD', message: expect.stringContaining(KEY) };
    await expect(inspect('succeeded')).rejects.toMatchObject(refused);
    await expect(inspect('[{"Name":"N"}]')).rejects.toMatchObject(refused);
    await expect(inspect(`${JSON.stringify({ Name: 'N' })}\n`)).rejects.toMatchObject(refused);
  });
});

describe('JSON lines', () => {
  test('are cut where a range is full', async () => {
    const lines = `${record(1)}\n${record(2)}\n${record(3)}\n`;
    const { ranges } = await inspect(lines, { rangeBytes: record(1).length });
    expect(ranges.map(({ firstLine }) => firstLine)).toEqual([1, 2, 3]);
    expect(ranges.at(-1)?.end).toBe(lines.length);
  });

  test('of which one of a later range can be read are records', async () => {
    const broken = '{"Name":\n'.repeat(20);
    const { ranges } = await inspect(`${broken}${record(1)}\n`, { rangeBytes: 100 });
    expect(ranges.length).toBeGreaterThan(1);
    await expect(inspect(`${broken}${broken}`, { rangeBytes: 100 })).rejects.toMatchObject({
      code: 'NO_READABLE_RECORD',
    });
  });

  test('of which one has an id are records, also where its value does not fit', async () => {
    const [{ end } = { end: 0 }] = (await inspect(record(1, { Name: 'x'.repeat(300) }))).ranges;
    expect(end).toBeGreaterThan(300);
  });
});

describe('what cannot be cut', () => {
  test.for([
    ['a JSON array', `[${record(1)},\n${record(2)}]`],
    ['a CSV', `Id,SystemModstamp,Name\n${idOf(1)},2026-01-01T00:00:00Z,"two\nlines"\n`],
  ] as const)('%s is one range, however large', async ([, body]) => {
    expect((await inspect(body, { rangeBytes: 50 })).ranges).toEqual([{ start: 0, end: body.length, firstLine: 1 }]);
  });

  test('is refused where it is larger than a Lambda can hold', async () => {
    const limit = 64 * 1024 * 1024;
    const refused = {
      code: 'PIECE_TOO_LARGE',
      message: expect.stringContaining(`${KEY} is one JSON array or CSV of ${limit + 1} bytes`),
    };
    await expect(inspect(`[${record(1)}]`, { size: limit + 1 })).rejects.toMatchObject(refused);
    expect((await inspect(`[${record(1)}]`, { size: limit })).ranges).toHaveLength(1);
  });
});

test('records are mapped with the lines that they have in the file, and counted', async () => {
  const body = `${record(1)}\n${record(2, { Name: ['x'] })}\nno json\n`;
  const bucket = new MemoryBucket([[KEY, `${record(9)}\n${body}`]]);
  const [mapping] = withRanges(1000).objects;
  const start = record(9).length + 1;
  const range = { start, end: start + body.length, firstLine: 2 };
  if (mapping === undefined) expect.unreachable();
  expect(await mapRange(bucket.storage, mapping, { key: KEY, range, execution: 'one' })).toEqual({
    mappedKey: `work/one/mapped-${start}.jsonl`,
    records: 1,
    rejected: 2,
  });
  expect(bucket.lines(`work/one/mapped-${start}.jsonl`)).toMatchObject([
    { line: 2, version: { id: idOf(1), fields: { Name: 'N1' } } },
    { line: 3, rejected: { id: idOf(2), field: 'Name' }, readable: { misfits: ['Name'] } },
    { line: 4, rejected: { code: 'UNREADABLE_LINE' } },
  ]);
});
