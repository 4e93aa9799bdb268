import { describe, expect, test } from 'vitest';
import type { PushLine } from '../../core/contracts/outbound-tasks.ts';
import { created, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { pushDeletes, pushPurges, pushRevives } from '../../salesforce/push.ts';
import { readRecords } from '../../salesforce/read.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';
import { accounts, contacts, createMany, deleteMany, outcomeOf, tally } from './records.ts';

const target = (org: StartedOrg, more: Partial<PushTarget> = {}): PushTarget => ({
  connection: org.connection,
  mapping: accounts,
  notAfter: Date.now() + 60_000,
  sent: { any: false },
  ...more,
});
const UNKNOWN = '001Ws00000zzzzzIAA';
const deletion = (id: string): PushLine => ({ id, kind: 'delete', fields: {} });
const revival = (id: string): PushLine => ({ id, kind: 'revive', fields: { Name: 'Back', Phone: '1' } });
const isDeleted = async (org: StartedOrg, id: string) =>
  (await readRecords(org.connection, accounts, [id])).get(id)?.version?.deleted;

describe('deletes', () => {
  test('of 1,000 records cost nine calls with the look before and the read-back after', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1000);
    await readRecords(org.connection, accounts, ids);
    expect(tally(await pushDeletes(target(org), ids.map(deletion)))).toEqual({ accepted: 1000 });
    const found = await readRecords(org.connection, accounts, ids);
    expect([...found.values()].every(({ version }) => version?.deleted)).toBe(true);
    const { apiCalls, writes } = await org.stats();
    expect([apiCalls.total, writes]).toEqual([9, { Account: { delete: 1000 } }]);
  });

  test('of records that are in the recycle bin or nowhere have got what they wanted', async () => {
    await using org = await startedOrg();
    const [binned = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [binned]);
    const outcomes = await pushDeletes(target(org), [deletion(binned), deletion(UNKNOWN)]);
    expect(tally(outcomes)).toEqual({ accepted: 2 });
  });

  test('that Salesforce refuses are answered with their reason', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2);
    await org.faults({ rowError: { ids: [ids[0]], code: 'DELETE_FAILED', message: 'It has children.' } });
    expect(await pushDeletes(target(org), ids.map(deletion))).toMatchObject([
      { id: ids[0], outcome: 'refused', code: 'DELETE_FAILED', reason: 'It has children.' },
      { id: ids[1], outcome: 'accepted' },
    ]);
  });

  test.for([
    ['is lost', { lostReply: {} }, 1],
    ['never came', { connectionReset: {} }, 0],
    ['comes from a proxy', { badGateway: { times: 1 } }, 0],
  ] as const)('whose answer %s are unknown, and are sent once', async ([, fault, deleted]) => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    await org.faults(fault);
    expect(tally(await pushDeletes(target(org), ids.map(deletion)))).toEqual({ unknown: 1 });
    const { apiCalls, writes } = await org.stats();
    expect([apiCalls.byKind.collections, writes.Account?.delete ?? 0]).toEqual([1, deleted]);
  });

  test('are not sent after the deadline', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    const outcomes = await pushDeletes(target(org, { notAfter: Date.now() - 1 }), ids.map(deletion));
    expect([tally(outcomes), (await org.stats()).apiCalls.total]).toEqual([{ 'not applied': 1 }, 0]);
  });
});

describe('revives', () => {
  test('bring records back from the recycle bin, with all their fields', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 201);
    await deleteMany(org, ids);
    expect(tally(await pushRevives(target(org), ids.map(revival)))).toEqual({ accepted: 201 });
    expect(await org.connection.sobject('Account').retrieve(ids[200] ?? '')).toMatchObject({
      Name: 'Back',
      Phone: '1',
    });
    const { apiCalls, writes } = await org.stats();
    expect([apiCalls.byKind.soap, apiCalls.byKind.collections]).toEqual([2, 2]);
    expect(writes).toEqual({ Account: { undelete: 201, update: 201 } });
  });

  test('of a record that lives already write its fields', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    expect(await pushRevives(target(org), [revival(id)])).toEqual([{ id, outcome: 'accepted' }]);
    expect((await org.stats()).writes).toEqual({ Account: { update: 1 } });
  });

  test('of a record that cannot be brought back are refused with the reason', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2);
    const [purged = '', binned = ''] = ids;
    await deleteMany(org, ids);
    await org.call('POST', '~/_simulator/actions', { purge: { ids: [purged] } });
    const outcomes = await pushRevives(target(org), ids.map(revival));
    expect(outcomeOf(outcomes, binned)).toEqual({ id: binned, outcome: 'accepted' });
    expect(outcomeOf(outcomes, purged)).toMatchObject({ outcome: 'refused', code: expect.stringMatching(/^[A-Z_]+$/) });
  });

  test('of records that were deleted along with their parent name the parent, and how they come back', async () => {
    await using org = await startedOrg();
    const parent = await created(org, 'Account', { Name: 'Parent' });
    const child = await created(org, 'Contact', { LastName: 'Child', AccountId: parent });
    await deleteMany(org, [parent]);
    const line = { id: child, kind: 'revive', fields: { LastName: 'Child', AccountId: null } } as const;
    expect(await pushRevives(target(org, { mapping: contacts }), [line])).toEqual([
      {
        id: child,
        outcome: 'refused',
        code: 'DELETED_WITH_PARENT',
        field: 'AccountId',
        reason: expect.stringContaining(`along with Account ${parent}`),
      },
    ]);
    await org.connection.soap.undelete([parent]);
    expect(await pushRevives(target(org, { mapping: contacts }), [line])).toEqual([{ id: child, outcome: 'accepted' }]);
  });

  test('that are undeleted but refused as an update are answered as such', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [id]);
    const line = { ...revival(id), fields: { Phone: '1'.repeat(41) } };
    expect(await pushRevives(target(org), [line])).toMatchObject([
      { id, outcome: 'refused', code: 'STRING_TOO_LONG', field: 'Phone' },
    ]);
    expect(await isDeleted(org, id)).toBe(false);
  });

  test('whose undelete lost its answer are unknown, and no field is written', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [id]);
    await org.faults({ lostReply: { kinds: ['soap'] } });
    expect(await pushRevives(target(org), [revival(id)])).toEqual([{ id, outcome: 'unknown' }]);
    expect((await org.stats()).writes).toEqual({ Account: { undelete: 1 } });
  });

  test('that meet the daily limit may be tried again', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [id]);
    await org.faults({ requestLimitExceeded: {} });
    const pushed = pushRevives(target(org), [revival(id)]);
    await expect(pushed).rejects.toMatchObject({ name: 'RetryableError', code: 'REQUEST_LIMIT_EXCEEDED' });
  });
});

describe('purges', () => {
  const purge = (id: string): PushLine => ({ id, kind: 'purge', fields: {} });

  test('take records out of the recycle bin, so that nothing brings them back', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2);
    await deleteMany(org, ids);
    expect(tally(await pushPurges(target(org), ids.map(purge)))).toEqual({ accepted: 2 });
    expect(await pushRevives(target(org), ids.map(revival))).toMatchObject([
      { outcome: 'refused', code: 'UNDELETE_FAILED' },
      { outcome: 'refused', code: 'UNDELETE_FAILED' },
    ]);
    // Repeated after a lost answer.
    expect(tally(await pushPurges(target(org), ids.map(purge)))).toEqual({ accepted: 2 });
  });

  test('leave a record alone that a user has brought back', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    expect(tally(await pushPurges(target(org), [purge(id)]))).toEqual({ accepted: 1 });
    expect(await isDeleted(org, id)).toBe(false);
  });

  test('that Salesforce refuses are answered with their reason, and one whose answer is lost is unknown', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [id]);
    await org.faults({ rowError: { ids: [id], code: 'INSUFFICIENT_ACCESS_OR_READONLY', message: 'Not yours.' } });
    expect(await pushPurges(target(org), [purge(id)])).toMatchObject([
      { outcome: 'refused', code: 'INSUFFICIENT_ACCESS_OR_READONLY', reason: 'Not yours.' },
    ]);
    await org.faults({ rowError: null, lostReply: {} });
    expect(tally(await pushPurges(target(org), [purge(id)]))).toEqual({ unknown: 1 });
  });
});
