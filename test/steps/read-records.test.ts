/** Records as Salesforce holds them now, a line for each that was asked for. */
import { expect, test } from 'vitest';
import { created, START, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import type { Log } from '../../steps/log.ts';
import { readRecordsOfFile } from '../../steps/read-records.ts';
import { deleteMany, opportunities } from '../salesforce/records.ts';
import { MemoryBucket } from '../support/system/memory-bucket.ts';
import { SILENT } from '../support/system/steps.ts';

const WANTED = 'work/one/batch-0.jsonl';
const GONE = '006000000000099AAA';
const DEAL = { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2031-05-31' };

async function read(
  org: StartedOrg,
  wanted: readonly object[],
  { reservePercent = 0, log = SILENT as Log, here = '' } = {},
) {
  const bucket = new MemoryBucket();
  await bucket.writeLines(WANTED, wanted);
  const connection = Object.assign(org.connection, here === '' ? {} : { organizationId: here });
  const reserve = reservePercent === 0 ? undefined : reservePercent;
  const request = { mapping: opportunities, recordsKey: WANTED, reservePercent: reserve };
  const answer = await readRecordsOfFile({ storage: bucket.storage, connection, log }, request);
  return { ...answer, lines: bucket.lines(answer.versionsKey) as Record<string, unknown>[], bucket };
}

test('a record is answered with the revision that its link had, new rows by their key, and what is nowhere without a version', async () => {
  await using org = await startedOrg();
  const id = await created(org, 'Opportunity', { ...DEAL, Amount: 5 });
  const named = await created(org, 'Opportunity', { ...DEAL, External_Id__c: 'key' });
  const insertion = { insertion: '1', revision: 4 };
  const before = Date.now();
  const { lines, records, readAt, versionsKey } = await read(
    org,
    [
      { id, revision: 7 },
      { externalId: 'key', ...insertion },
      { id: GONE, revision: 8, isListed: true },
      { externalId: 'nobody', ...insertion },
    ],
    { here: '00D000000000001' },
  );
  expect(lines).toMatchObject([
    { id, revision: 7, version: { id, deleted: false, stamp: START, fields: { Amount: '5' } }, org: '00D000000000001' },
    { id: GONE, revision: 8, isListed: true },
    { externalId: 'key', ...insertion, version: { id: named, externalId: 'key' } },
    { externalId: 'nobody', ...insertion },
  ]);
  expect(lines.map((line) => 'version' in line)).toEqual([true, false, true, false]);
  // The first line says for all of them in which org they were read.
  expect(lines.map((line) => 'org' in line)).toEqual([true, false, false, false]);
  expect(records).toBe(4);
  expect(Date.parse(readAt)).toBeGreaterThanOrEqual(before);
  expect(versionsKey).toBe(`work/one/batch-0-read-${Date.parse(readAt)}.jsonl`);
});

test('nothing to read leaves an empty file', async () => {
  await using org = await startedOrg();
  expect(await read(org, [])).toMatchObject({ lines: [], records: 0 });
});

test('what Salesforce has logged as deleted, and has nowhere any more, was purged; what it has after all was not', async () => {
  await using org = await startedOrg();
  const id = await created(org, 'Opportunity', DEAL);
  await deleteMany(org, [id]);
  const deletedAt = START + 5000;
  const { lines } = await read(org, [
    { id: GONE, revision: 1, deletedAt },
    { id, revision: 2, deletedAt },
  ]);
  expect(lines).toMatchObject([
    { id: GONE, version: { id: GONE, deleted: true, stamp: deletedAt } },
    { id, version: { id, deleted: true, stamp: START } },
  ]);
});

test('fields in doubt are asked about, and the first line says what their types are', async () => {
  await using org = await startedOrg();
  const id = await created(org, 'Opportunity', DEAL);
  const { lines } = await read(org, [
    { id, revision: 1, doubted: ['Amount'] },
    { id: GONE, revision: 1 },
  ]);
  expect(lines).toMatchObject([{ types: { Amount: null } }, {}]);
  expect(lines[1]).not.toHaveProperty('types');
});

test('a field that our user cannot see is named, and the others are read', async () => {
  await using org = await startedOrg();
  const id = await created(org, 'Opportunity', { ...DEAL, Amount: 5 });
  await org.faults({ hiddenField: { object: 'Opportunity', field: 'Amount' } });
  const { lines } = await read(org, [
    { id, revision: 1 },
    { externalId: 'nobody', insertion: '1', revision: 4 },
  ]);
  expect(lines).toMatchObject([
    { without: ['Amount'], version: { fields: { Name: 'Loan' } } },
    { without: ['Amount'] },
  ]);
});

test('how many calls the org has left is logged, and where less than the reserve is left the read fails', async () => {
  await using org = await startedOrg();
  const id = await created(org, 'Opportunity', DEAL);
  const logged: unknown[] = [];
  const log = { ...SILENT, info: (message: string, context?: object) => void logged.push([message, context]) };
  await read(org, [{ id, revision: 1 }], { log });
  expect(logged).toEqual([['api calls', { apiCallsUsed: expect.any(Number), apiCallsAllowed: expect.any(Number) }]]);
  await read(org, [{ id, revision: 1 }], { reservePercent: 1 });
  await expect(read(org, [{ id, revision: 1 }], { reservePercent: 100 })).rejects.toMatchObject({
    code: 'API_CALLS_USED_UP',
  });
});

test('the Bulk job of an open push is ended before its record is read', async () => {
  await using org = await startedOrg();
  const id = await created(org, 'Opportunity', DEAL);
  const asked = { object: 'Opportunity', operation: 'update', contentType: 'CSV', lineEnding: 'LF' };
  const { id: job } = (await org.call('POST', '/jobs/ingest', asked)).json as { id: string };
  const bucket = new MemoryBucket([['work/two/updates-two-3-begun', job]]);
  await bucket.writeLines(WANTED, [
    { id, revision: 1, pushId: 'two-3' },
    { id: GONE, revision: 1 },
  ]);
  const reader = { storage: bucket.storage, connection: org.connection, log: SILENT };
  await readRecordsOfFile(reader, { mapping: opportunities, recordsKey: WANTED, reservePercent: undefined });
  expect((await org.call('GET', `/jobs/ingest/${job}`)).json).toMatchObject({ state: 'Aborted' });
});
