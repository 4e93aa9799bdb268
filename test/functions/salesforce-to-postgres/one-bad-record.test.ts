import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { messageOf } from '../../../core/contracts/notice.ts';
import { type Applied, lambdas, useSurroundings } from '../lambdas.ts';

const KEY = 'salesforce/Account/flow/run-1/0';
const RECORDS = 10_000;
/** So that the file is cut into ranges, and the bad lines are in later ones. */
const DESCRIPTION = 'd'.repeat(700);
const SECRET = 'top secret';

const around = useSurroundings();
const { validateFile, mapRecords, applyRecords } = lambdas();

beforeAll(async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'DEBUG');
});

let logged: string[];
beforeEach(async () => {
  logged = [];
  // The logger has a console of its own on these streams.
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      logged.push(String(chunk));
      return true;
    });
  }
  await around.lender.rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record');
});
afterEach(() => vi.restoreAllMocks());

const idOf = (line: number) => `001${String(line).padStart(12, '0')}AAA`;

/** The file's lines, from 1; `bad` says what is wrong with some of them. */
async function deliver(bad: Readonly<Record<number, object | string>>) {
  const lines = Array.from({ length: RECORDS }, (_, i) => {
    const fault = bad[i + 1] ?? {};
    if (typeof fault === 'string') return fault;
    return JSON.stringify({
      Id: idOf(i + 1),
      IsDeleted: false,
      SystemModstamp: '2026-01-01T12:00:00.000+0000',
      Name: `Lender ${i + 1}`,
      Phone: null,
      Website: null,
      Industry: null,
      AnnualRevenue: 1,
      NumberOfEmployees: null,
      Description: DESCRIPTION,
      ...fault,
    });
  });
  const size = await around.lambda.put(KEY, `${lines.join('\n')}\n`);
  const { ranges } = await validateFile({ bucket: around.lambda.bucket, key: KEY, size });
  expect(ranges.length).toBeGreaterThan(1);
  const putAt = new Date().toISOString();
  const parts: Applied[] = [];
  for (const range of ranges) {
    const { mappedKey } = await mapRecords({
      bucket: around.lambda.bucket,
      key: KEY,
      object: 'Account',
      range,
      execution: 'x',
    });
    parts.push(await applyRecords({ from: 'file', object: 'Account', mappedKey, source: KEY, putAt, execution: 'x' }));
  }
  return {
    inserted: parts.reduce((sum, { inserted }) => sum + inserted, 0),
    rejected: parts.reduce((sum, { rejected }) => sum + rejected, 0),
    reasons: parts.flatMap(({ reasons }) => reasons),
  };
}

const REJECTS = `select salesforce_id, field, code, reason, source, line, resolved_at
  from sfsync.rejected_record order by line`;

describe('of 10,000 records', () => {
  test.each([
    [
      'a value that does not fit its type',
      { AnnualRevenue: SECRET },
      { code: 'UNREADABLE_VALUE', field: 'AnnualRevenue' },
    ],
    ['what the table refuses', { Name: null, Phone: SECRET }, { code: '23502', field: 'Name' }],
  ])('one with %s is listed with its line in the file; 9,999 are applied', async (_what, fault, reject) => {
    expect(await deliver({ 7777: fault })).toEqual({
      inserted: 9999,
      rejected: 1,
      reasons: [{ ...reject, count: 1, ids: ['001000000007777AAA'] }],
    });
    expect(await around.lender.rows(REJECTS)).toEqual([
      {
        ...reject,
        salesforce_id: idOf(7777),
        reason: expect.stringMatching(/\w{3}/),
        source: KEY,
        line: 7777,
        resolved_at: null,
      },
    ]);
    expect(await around.lender.rows('select count(*)::int as n from lenders')).toEqual([{ n: 9999 }]);
    expect(logged.join()).toContain('records applied');
    expect(logged.join() + JSON.stringify(await around.lender.rows(REJECTS))).not.toContain(SECRET);
  });

  test('several with faults of several kinds: one message counts how many of each, and holds no value', async () => {
    const { inserted, rejected, reasons } = await deliver({
      2: `{"Id": "${SECRET}`,
      3: { SystemModstamp: SECRET },
      6000: { AnnualRevenue: SECRET },
      6001: { NumberOfEmployees: SECRET },
      6002: { AnnualRevenue: SECRET },
      9000: { Name: null },
      9999: { Id: SECRET },
    });
    expect({ inserted, rejected }).toEqual({ inserted: RECORDS - 7, rejected: 7 });
    expect((await around.lender.rows(REJECTS)).map(({ line, code, field }) => [line, code, field])).toEqual([
      [2, 'UNREADABLE_LINE', null],
      [3, 'NO_STAMP', 'SystemModstamp'],
      [6000, 'UNREADABLE_VALUE', 'AnnualRevenue'],
      [6001, 'UNREADABLE_VALUE', 'NumberOfEmployees'],
      [6002, 'UNREADABLE_VALUE', 'AnnualRevenue'],
      [9000, '23502', 'Name'],
      [9999, 'NO_ID', 'Id'],
    ]);
    const notice = { about: 'file', object: 'Account', key: KEY, execution: 'x', conflicts: 0 } as const;
    const { subject, text } = messageOf({ ...notice, rejected, reasons });
    expect(subject).toBe('sfsync: 7 rejected records from Salesforce (Account)');
    for (const reason of ['UNREADABLE_LINE', 'NO_STAMP (SystemModstamp)', '23502 (Name)', 'NO_ID (Id)']) {
      expect(text).toContain(`1 x ${reason}`);
    }
    expect(text).toContain('2 x UNREADABLE_VALUE (AnnualRevenue)');
    expect(text + logged.join()).not.toContain(SECRET);
  });
});
