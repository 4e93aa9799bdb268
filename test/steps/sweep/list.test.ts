/** One part of what a sweep lists: where it lies, and where the next one begins. */
import { expect, test } from 'vitest';
import {
  created,
  START,
  type StartedOrg,
  startedOrg,
} from '../../../packages/salesforce-simulator/test/started-org.ts';
import type { Log } from '../../../steps/log.ts';
import { listPart } from '../../../steps/sweep/list.ts';
import { accounts, deleteMany } from '../../salesforce/records.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';
import { SILENT } from '../../support/system/steps.ts';

const PLACE = { object: 'Account', execution: 'one', part: 3 };
const LIST = 'work/one/listed-3.jsonl';

function lister(org: Pick<StartedOrg, 'connection'>, log: Log = SILENT) {
  const bucket = new MemoryBucket();
  return { bucket, to: { storage: bucket.storage, connection: org.connection, mapping: accounts, log } };
}

test('records of a window, live and deleted, are stored under the number of their part', async () => {
  await using org = await startedOrg();
  await created(org, 'Account', { Name: 'Before' });
  org.clock.now += 10_000;
  const live = await created(org, 'Account', { Name: 'Live' });
  const binned = await created(org, 'Account', { Name: 'Gone' });
  await deleteMany(org, [binned]);
  const { bucket, to } = lister(org);
  const from = new Date(START + 5000).toISOString();
  expect(await listPart(to, { ...PLACE, what: 'records', from })).toEqual({ listed: 2, listKey: LIST });
  expect(bucket.lines(LIST)).toMatchObject([
    { id: live, deleted: false },
    { id: binned, deleted: true },
  ]);
  // Without a window: all of them.
  expect(await listPart(to, { ...PLACE, what: 'records' })).toMatchObject({ listed: 3 });
});

test('where there is nothing, nothing is stored', async () => {
  await using org = await startedOrg();
  const { bucket, to } = lister(org);
  expect(await listPart(to, { ...PLACE, what: 'records' })).toEqual({ listed: 0 });
  expect(bucket.objects.size).toBe(0);
});

test('a list goes on where the part before ended', async () => {
  const asked: string[] = [];
  const pages: Record<string, object> = { '/next': { done: true, records: [] } };
  const connection = {
    request: async (url: string) => {
      asked.push(url);
      return pages[url] ?? expect.unreachable(url);
    },
  };
  const { to } = lister({ connection: connection as never });
  expect(await listPart(to, { ...PLACE, what: 'records', locator: '/next' })).toEqual({ listed: 0 });
  expect(asked).toEqual(['/next']);
});

test('a part ends with the page that reaches twenty thousand records, and says where the next one begins', async () => {
  const record = {
    Id: '001000000000001AAA',
    IsDeleted: false,
    SystemModstamp: '2026-01-01T00:00:00.000+0000',
    Name: 'A',
  };
  const records = Array.from({ length: 10_000 }, () => record);
  let page = 0;
  const connection = { request: async () => ({ done: false, nextRecordsUrl: `/page-${++page}`, records }) };
  const { to } = lister({ connection: connection as never });
  expect(await listPart(to, { ...PLACE, what: 'records', locator: '/page-0' })).toEqual({
    listed: 20_000,
    listKey: LIST,
    locator: '/page-2',
  });
});

/** The delete log, asked for a window that begins so long ago. */
async function askedFor(from: string | undefined, answer: () => unknown = () => ({ deletedRecords: [] })) {
  const asked: URL[] = [];
  const warned: unknown[] = [];
  const connection = {
    request: async (url: string) => {
      asked.push(new URL(url, 'https://x'));
      return answer();
    },
  };
  const log = { ...SILENT, warn: (message: string, context?: object) => void warned.push([message, context]) };
  const { to, bucket } = lister({ connection: connection as never }, log);
  const done = await listPart(to, { ...PLACE, what: 'deleted', ...(from !== undefined && { from }) });
  const params = asked[0]?.searchParams;
  const at = (name: string) => Date.parse(params?.get(name) ?? '');
  return { done, warned, bucket, sinceHours: (Date.now() - at('start')) / 3_600_000, untilMs: Date.now() - at('end') };
}

test('the delete log is asked for the window, up to now', async () => {
  const deletedRecords = [{ id: '001000000000001', deletedDate: '2026-01-01T00:00:00.000+0000' }];
  const from = new Date(Date.now() - 5 * 3_600_000).toISOString();
  const { done, bucket, sinceHours, untilMs, warned } = await askedFor(from, () => ({ deletedRecords }));
  expect(done).toEqual({ listed: 1, listKey: LIST });
  expect(bucket.lines(LIST)).toMatchObject([{ deletedAt: Date.UTC(2026, 0, 1) }]);
  expect(sinceHours).toBeCloseTo(5, 1);
  expect(untilMs).toBeLessThan(60_000);
  expect(warned).toEqual([]);
});

test.for([
  ['no window', undefined],
  ['a window that begins a month ago', new Date(Date.now() - 30 * 24 * 3_600_000).toISOString()],
] as const)('with %s it is asked for what it holds: fourteen and a half days', async ([, from]) => {
  expect((await askedFor(from)).sinceHours).toBeCloseTo(14.5 * 24, 1);
});

test('where it does not reach back so far, that is said, and nothing is listed', async () => {
  const { done, warned } = await askedFor(undefined, () => {
    throw Object.assign(new Error('no'), { errorCode: 'INVALID_REPLICATION_DATE' });
  });
  expect(done).toEqual({ listed: 0 });
  expect(warned).toEqual([[expect.stringContaining('does not reach back'), { object: 'Account' }]]);
});
