import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { invocation, type LambdaEnvironment, startLambdaEnvironment } from '../lambda-environment.ts';

const RANGE_BYTES = configuration.settings.rangeMegabytes * 1024 * 1024;

interface Range {
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
}
interface Validated {
  readonly object: string;
  readonly ranges: readonly Range[];
}
interface Mapped {
  readonly mappedKey: string;
  readonly records: number;
  readonly rejected: number;
}

let lambda: LambdaEnvironment;
let validateFile: (event: object) => Promise<Validated>;
let mapRecords: (event: object) => Promise<Mapped>;

beforeAll(async () => {
  lambda = await startLambdaEnvironment();
  // No record of these files needs a question to Salesforce.
  vi.stubEnv('SALESFORCE_SECRET_ARN', 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:unasked');
  validateFile = invocation(await import('../../../functions/salesforce-to-postgres/validate-file.ts'));
  mapRecords = invocation(await import('../../../functions/salesforce-to-postgres/map-records.ts'));
});
afterAll(() => lambda[Symbol.asyncDispose]());

const RUN = 'salesforce/Account/flow/run-1';
const record = (n: number, more: object = {}) => ({
  Id: `001${String(n).padStart(12, '0')}`,
  IsDeleted: false,
  SystemModstamp: '2026-01-01T00:00:00.000+0000',
  Name: `Lender ${n}`,
  ...more,
});
const jsonLines = (records: readonly object[]) => records.map((each) => `${JSON.stringify(each)}\n`).join('');

async function validate(content: string | Uint8Array, key = `${RUN}/0`): Promise<Validated> {
  const size = await lambda.put(key, content);
  return validateFile({ bucket: lambda.bucket, key, size });
}
const map = (range: Range, key = `${RUN}/0`) =>
  mapRecords({ bucket: lambda.bucket, key, object: 'Account', range, execution: 'execution' });

describe('a run without records', () => {
  test.for([
    ['no bytes', ''],
    ['a header', 'Id,Name,SystemModstamp\n'],
    ['blank lines', '\n \r\n'],
    ['an empty array', ' []\n'],
  ] as const)('leaves %s: nothing to do', async ([, content]) => {
    expect(await validate(content)).toEqual({ object: 'Account', ranges: [] });
  });

  test('leaves a marker named as the run: nothing to do', async () => {
    expect(await validate('done', `${RUN}/run-1`)).toEqual({ object: 'Account', ranges: [] });
  });
});

describe('a file of records', () => {
  test('in JSON lines is one range', async () => {
    const content = jsonLines([record(1), record(2)]);
    expect(await validate(content)).toEqual({
      object: 'Account',
      ranges: [{ start: 0, end: content.length, firstLine: 1 }],
    });
  });

  test('in which one line can be read is accepted: the others are rejected one by one', async () => {
    const { ranges } = await validate(`garbage\n${jsonLines([record(1)])}{"Id":"none"}\n`);
    const mapped = await map(ranges[0] as Range);
    expect(mapped).toMatchObject({ records: 1, rejected: 2 });
    expect(await lambda.lines(mapped.mappedKey)).toEqual([
      { line: 1, rejected: { code: 'UNREADABLE_LINE', reason: 'The line is no JSON.' } },
      { line: 2, version: expect.objectContaining({ id: '001000000000001AAA' }) },
      { line: 3, rejected: { code: 'NO_ID', reason: 'The record has no valid Id.', field: 'Id' } },
    ]);
  });

  test('in one array, with a byte order mark, is one range', async () => {
    const content = `\uFEFF${JSON.stringify([record(1), record(2)])}`;
    const { ranges } = await validate(content);
    expect(ranges).toEqual([{ start: 0, end: Buffer.byteLength(content), firstLine: 1 }]);
    expect(await map(ranges[0] as Range)).toMatchObject({ records: 2, rejected: 0 });
  });

  test('that is large is cut at line ends: no record and no character is lost or cut', async () => {
    // Lines of about 64 KiB whose names are of characters of three bytes, so that a cut at a round number would hit one.
    const count = 300;
    const records = Array.from({ length: count }, (_, n) => record(n, { Description: '€'.repeat(21_000 + n) }));
    const content = jsonLines(records);
    const { ranges } = await validate(content);
    const size = Buffer.byteLength(content);
    expect(ranges.length).toBe(Math.ceil(size / RANGE_BYTES));
    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges[0]?.start).toBe(0);
    expect(ranges.at(-1)?.end).toBe(size);
    expect(ranges.slice(1).map(({ start }) => start)).toEqual(ranges.slice(0, -1).map(({ end }) => end));
    expect(ranges.every(({ start, end }) => end - start < RANGE_BYTES + 70_000)).toBe(true);

    const read = new Map<string, unknown>();
    const numbers: number[] = [];
    for (const range of ranges) {
      const mapped = await map(range);
      expect(mapped.rejected).toBe(0);
      for (const line of await lambda.lines(mapped.mappedKey)) {
        const mappedLine = line as { line: number; version: { id: string; fields: { Description: string } } };
        read.set(mappedLine.version.id, mappedLine.version.fields.Description);
        numbers.push(mappedLine.line);
      }
    }
    expect([...read.values()]).toEqual(records.map((_, n) => '€'.repeat(21_000 + n)));
    expect(numbers).toEqual(records.map((_, n) => n + 1));
  });

  test('with a line longer than a range stays whole', async () => {
    const long = record(1, { Description: 'x'.repeat(RANGE_BYTES + 100_000) });
    const { ranges } = await validate(jsonLines([long, record(2)]));
    const first = Buffer.byteLength(jsonLines([long]));
    expect(ranges.map(({ start, firstLine }) => [start, firstLine])).toEqual([
      [0, 1],
      [first, 2],
    ]);
    expect(await map(ranges[0] as Range)).toMatchObject({ records: 1, rejected: 0 });
    expect(await map(ranges[1] as Range)).toMatchObject({ records: 1, rejected: 0 });
  });

  test('is mapped to canonical values, the system fields apart', async () => {
    const line = record(1, { IsDeleted: true, Name: ' Acme ', AnnualRevenue: '1E6', Site: 'not mapped' });
    const { ranges } = await validate(jsonLines([line]));
    const mapped = await map(ranges[0] as Range);
    expect(mapped.mappedKey).toBe('work/execution/mapped-0.jsonl');
    expect(await lambda.lines(mapped.mappedKey)).toEqual([
      {
        line: 1,
        version: {
          id: '001000000000001AAA',
          deleted: true,
          stamp: Date.UTC(2026, 0, 1),
          fields: { Name: 'Acme', AnnualRevenue: '1000000' },
        },
      },
    ]);
  });
});

describe('what is no file of records stops, naming the key', () => {
  test.for([
    ['garbage', 'top secret nonsense\nmore of it\n', `${RUN}/0`, 'NO_READABLE_RECORD'],
    ['an array of something else', '["top secret"]', `${RUN}/0`, 'NO_READABLE_RECORD'],
    ['an array that is cut off', '[{"Id":"top secret"', `${RUN}/0`, 'NO_READABLE_RECORD'],
    ['binary content', '\u0000\u0001\u0002', `${RUN}/0`, 'NO_READABLE_RECORD'],
    ['an object that is not mapped', jsonLines([record(1)]), 'salesforce/Lead/flow/run-1/0', 'UNKNOWN_OBJECT'],
    ['a place where no flow writes', jsonLines([record(1)]), 'salesforce/Account/0', 'UNKNOWN_KEY'],
  ] as const)('%s', async ([, content, key, code]) => {
    const error = await validate(content, key).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConfigurationError', code, message: expect.stringContaining(key) });
    expect(String(error)).not.toContain('secret');
  });

  test('a file that is gone by now', async () => {
    const gone = validateFile({ bucket: lambda.bucket, key: `${RUN}/gone`, size: 5 });
    await expect(gone).rejects.toMatchObject({ name: 'InvariantError', code: 'NoSuchKey' });
  });

  test('an input that does not fit', async () => {
    await expect(validateFile({ key: `${RUN}/0` })).rejects.toMatchObject({
      name: 'InvariantError',
      code: 'FAULTY_TASK',
      message: expect.stringContaining('bucket'),
    });
  });
});
