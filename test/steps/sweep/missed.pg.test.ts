/** What a sweep has missed is laid out to be read, and its window moves only when it is complete. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { saveSweptUntil, sweptUntil } from '../../../postgres/ledger/sweep.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { findMissed } from '../../../steps/sweep/missed.ts';
import { closeWindow, openWindow } from '../../../steps/sweep/window.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';
import { contextOf } from '../../support/system/steps.ts';

const idOf = (n: number) => `00100000000000${n}AAA`;
const LATER = '2030-01-01T00:00:00.000Z';
const LIST = 'work/one/listed-1.jsonl';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record, sfsync.sweep,
              sfsync.sweep_listed`);
  const lines = [1, 2].map((n) => ({ line: n, version: version('Account', idOf(n), 1) }));
  await applyVersions(context(), 'file', lines, Date.parse(LATER));
});

const context = () => contextOf(session, configuration, 'Account');
const listed = (n: number, fields = {}) => {
  const { id, stamp, deleted, fields: known } = version('Account', idOf(n), 1, fields);
  return { id, stamp, deleted, fields: known };
};
const COMPARISON = { object: 'Account', execution: 'one', part: 1, startedAt: LATER, polledUntil: 0 } as const;

async function missed(lines: readonly object[], full = false) {
  const bucket = new MemoryBucket();
  await bucket.writeLines(LIST, lines);
  const input = { ...COMPARISON, with: 'records', full, listKey: LIST } as const;
  return { bucket, ...(await findMissed(context(), bucket.storage, input)) };
}

test('records that are missing or different are to be read; those that were rejected before by themselves', async () => {
  await rows(
    `insert into sfsync.rejected_record (object, direction, source, execution, salesforce_id, code, reason)
              values ('Account', 'to-postgres', 'file', 'one', $1, '23514', 'no')`,
    [idOf(4)],
  );
  const { bucket, ...found } = await missed([listed(1), listed(2, { Phone: 'late' }), listed(3), listed(4)]);
  expect(found).toEqual({
    compared: 4,
    counts: { missing: 1, different: 1, deleted: 0, rejectedBefore: 1 },
    batches: [
      { recordsKey: 'work/one/missed-1-1.jsonl', again: false },
      { recordsKey: 'work/one/missed-1-2.jsonl', again: true },
    ],
  });
  expect(bucket.lines('work/one/missed-1-1.jsonl')).toMatchObject([
    { id: idOf(2), revision: expect.any(Number) },
    { id: idOf(3), revision: 0 },
  ]);
  expect(bucket.lines('work/one/missed-1-2.jsonl')).toMatchObject([{ id: idOf(4) }]);
});

test('where nothing was missed there is nothing to read', async () => {
  const { bucket, ...found } = await missed([listed(1), listed(2)]);
  expect(found).toEqual({
    compared: 2,
    counts: { missing: 0, different: 0, deleted: 0, rejectedBefore: 0 },
    batches: [],
  });
  expect(bucket.objects.size).toBe(1);
});

test('a batch to read has ten thousand records', async () => {
  // Two are known.
  const ids = Array.from({ length: 10_003 }, (_, i) => `0010000000${String(i).padStart(5, '0')}AAA`);
  const { bucket, batches } = await missed(ids.map((id) => ({ ...listed(9), id })));
  expect(batches).toHaveLength(2);
  expect(bucket.lines(batches[0]?.recordsKey ?? '')).toHaveLength(10_000);
  expect(bucket.lines(batches[1]?.recordsKey ?? '')).toHaveLength(1);
});

test('entries of the delete log are compared, and say when', async () => {
  const bucket = new MemoryBucket();
  const deletedAt = Date.UTC(2026, 0, 2);
  await bucket.writeLines(LIST, [{ id: idOf(1), deletedAt }]);
  const found = await findMissed(context(), bucket.storage, { ...COMPARISON, with: 'deleted', listKey: LIST });
  expect(found).toMatchObject({ compared: 1, counts: { deleted: 1, missing: 0 } });
  expect(bucket.lines('work/one/missed-1-1.jsonl')).toMatchObject([{ id: idOf(1), deletedAt }]);
});

test('only a full sweep remembers what it has listed: a link whose record was not is of one that is gone', async () => {
  const unlisted = async () => {
    const bucket = new MemoryBucket();
    const found = await findMissed(context(), bucket.storage, { ...COMPARISON, with: 'unlisted', after: undefined });
    return { counts: found.counts, compared: found.compared };
  };
  await missed([listed(1)], false);
  expect(await unlisted()).toMatchObject({ counts: { deleted: 2 } });
  await missed([listed(1)], true);
  expect(await unlisted()).toMatchObject({ counts: { deleted: 1 } });
});

const NOW = Date.UTC(2026, 0, 3);
const SWEEP = { object: 'Account', execution: 'one' };
const open = (more: { full: boolean; refreshFormulas?: boolean }) =>
  openWindow(session, { ...SWEEP, ...more }, configuration.settings, NOW);

test('a sweep lists from where the last complete one began, a full one and one for formulas everything', async () => {
  await saveSweptUntil(session, 'Account', NOW - 3_600_000);
  const startedAt = new Date(NOW).toISOString();
  const { from = '', ...window } = await open({ full: false });
  expect(window).toEqual({ startedAt, full: false });
  expect(Date.parse(from)).toBeLessThanOrEqual(NOW - 3_600_000);
  expect(Date.parse(from)).toBeGreaterThanOrEqual(NOW - 24 * 3_600_000);
  expect(await open({ full: true })).toEqual({ startedAt, full: true });
  expect(await open({ full: false, refreshFormulas: true })).toEqual({ startedAt, full: false });
});

test.for([
  ['a complete one moves the window', true, NOW],
  ['one that was not does not', false, NOW - 3_600_000],
] as const)('%s', async ([, complete, until]) => {
  await saveSweptUntil(session, 'Account', NOW - 3_600_000);
  await missed([listed(1)], true);
  await closeWindow(session, { ...SWEEP, full: true, startedAt: new Date(NOW).toISOString(), complete });
  expect(await sweptUntil(session, 'Account')).toBe(until);
  expect(await rows('select from sfsync.sweep_listed')).toEqual([]);
});
