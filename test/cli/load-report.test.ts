import { expect, test } from 'vitest';
import { describeLoad, describeResult, isClean } from '../../cli/load-report.ts';
import type { LoadReport } from '../../steps/first-load/compare.ts';
import type { LoadResult } from '../../steps/first-load/link.ts';

const report: LoadReport = {
  object: 'Contact',
  matchBy: 'Email',
  inserts: false,
  counts: {
    records: { linked: 10, byId: 20, byKey: 30, onlyInSalesforce: 40, ambiguous: 0 },
    rows: { onlyInPostgres: 50, ambiguous: 0, idNotLive: 60 },
  },
  ambiguous: [],
  parentsToLoad: [],
};
const result: LoadResult = {
  matched: 30,
  linked: 90,
  inserted: 40,
  updated: 1,
  vanished: 0,
  left: 0,
  rejected: 0,
  reasons: [],
  newRows: 0,
  due: false,
};

test('the table says of everything how many there are and what happens to them', () => {
  const lines = describeLoad(report).map((line) => line.replace(/[│ ]+/g, ' ').trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      'Contact how many what happens',
      'linked already 10 nothing',
      'matched by Salesforce id 20 linked',
      'matched by key 30 linked, by Email',
      'only in Salesforce 40 become rows',
      'only in Postgres 50 left alone: insert is not configured',
      'rows with an unknown id 60 left alone: Salesforce has no such live record',
    ]),
  );
  expect(isClean(report, undefined)).toBe(true);
});

test('what is ambiguous is named, a few of each', () => {
  const ids = Array.from({ length: 7 }, (_, i) => `00300000000000${i}AAA`);
  const one = { salesforceIds: ids, rowKeys: ['7'] };
  const counts = { ...report.counts, rows: { ...report.counts.rows, ambiguous: 1 } };
  const lines = describeLoad({ ...report, counts, ambiguous: Array.from({ length: 30 }, () => one) });
  const named = lines.filter((line) => line.startsWith('  7 records '));
  expect(named).toHaveLength(20);
  expect(named[0]).toBe(`  7 records ${ids.slice(0, 5).join(' ')} ...; 1 row 7`);
  expect(lines).toContain('  and more: --json');
  expect(isClean({ ...report, counts }, result)).toBe(false);
});

test('parents that should come first, and a key that is missing, are warnings', () => {
  expect(describeLoad({ ...report, matchBy: undefined, parentsToLoad: ['Account'] }).slice(-2)).toEqual([
    expect.stringMatching(/^! nothing of Account is linked yet: load it first/),
    expect.stringMatching(/^! 40 records and 50 rows of Contact may belong together.*--without-key/),
  ]);
});

test('the result lists what was done, and what is left for an operator to look at', () => {
  expect(describeResult(report, result)).toEqual([
    '90 pairs of Contact linked: 40 new rows, 1 row changed; 30 rows got the id of a record',
  ]);
  const more = { due: true, vanished: 1, left: 2, rejected: 3, reasons: [{ code: '23505', field: 'Email', count: 3 }] };
  expect(describeResult(report, { ...result, ...more }).slice(1)).toEqual([
    'what the rows have and Salesforce lacks is due: the pipeline takes it within minutes',
    '1 record vanished from Salesforce since',
    '! 2 records changed again and again while being read: run it again',
    '! 3 records refused: `sfsync rejects` says why',
    '  3 x 23505 Email',
  ]);
  expect(isClean(report, { ...result, rejected: 3 })).toBe(false);
  expect(isClean(report, { ...result, left: 2 })).toBe(false);
  expect(isClean(report, result)).toBe(true);
});
