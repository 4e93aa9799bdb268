import { describe, expect, test, vi } from 'vitest';
import { created, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { endBulkJob, goOnWithBulk, pushByBulk } from '../../salesforce/bulk-ingest.ts';
import { connectSalesforce } from '../../salesforce/connection.ts';
import { readRecords } from '../../salesforce/read.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';
import { accounts, createMany, deleteMany, opportunities, outcomeOf, tally, update } from './records.ts';

const target = (org: StartedOrg, more: Partial<PushTarget> = {}): PushTarget => ({
  connection: org.connection,
  mapping: accounts,
  notAfter: Date.now() + 60_000,
  sent: { any: false },
  ...more,
});
const forget = async () => undefined;
const jobs = async (org: StartedOrg) => {
  const { records } = (await org.call('GET', '/jobs/ingest')).json as { records: { id: string; state: string }[] };
  return records;
};
const phones = async (org: StartedOrg) => {
  const { records } = await org.connection.query('SELECT Id, Phone FROM Account ORDER BY Id', { autoFetch: true });
  return records.map(({ Phone }) => Phone as string | null);
};

describe('a job', () => {
  test('writes the fields that each line names, null included, and no others', async () => {
    await using org = await startedOrg();
    const account = await created(org, 'Account', { Name: 'Acme' });
    const fields = { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2026-05-01', Amount: 5, AccountId: account };
    const one = await created(org, 'Opportunity', { ...fields, Approved_At__c: '2026-01-01T00:00:00Z' });
    const two = await created(org, 'Opportunity', fields);
    const lines = [
      update(one, { Name: 'One, "quoted"\nand long', Approved_At__c: null, Purposes__c: 'Medical;Vehicle' }),
      update(two, { Amount: '1234567.25', CloseDate: '2026-06-01', Probability: '1' }),
    ];
    const outcomes = await pushByBulk(target(org, { mapping: opportunities }), lines, forget);
    expect(outcomes).toEqual([
      { id: one, outcome: 'accepted' },
      { id: two, outcome: 'accepted' },
    ]);
    expect(await org.connection.sobject('Opportunity').retrieve(one)).toMatchObject({
      Name: 'One, "quoted"\nand long',
      Approved_At__c: null,
      Purposes__c: 'Vehicle;Medical',
      Amount: 5,
      AccountId: account,
    });
    expect(await org.connection.sobject('Opportunity').retrieve(two)).toMatchObject({
      Name: 'Loan',
      Amount: 1234567.25,
      CloseDate: '2026-06-01',
      Probability: 10,
    });
  });

  test('of 5,000 records costs less than ten calls for 1,000 with the look before and the read-back after', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 5000);
    await readRecords(org.connection, accounts, ids);
    const lines = ids.map((id, i) => update(id, { Phone: `${i}` }));
    expect(tally(await pushByBulk(target(org), lines, forget))).toEqual({ accepted: 5000 });
    await readRecords(org.connection, accounts, ids);
    const { apiCalls, writes } = await org.stats();
    expect(writes).toEqual({ Account: { update: 5000 } });
    expect(apiCalls.total).toBeLessThan(30);
  });

  test('names us, so that change events and logs show whose it is', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    const connection = await connectSalesforce(org.simulator);
    const kept: string[] = [];
    const keep = async (jobId: string) => {
      kept.push(jobId);
      await org.faults({ slowBulkJobs: { client: 'sfsync', seconds: 60 } });
    };
    const pushed = pushByBulk(target(org, { connection, notAfter: Date.now() + 500 }), [update(id, {})], keep);
    expect(tally(await pushed)).toEqual({ 'not applied': 1 });
    expect(kept).toHaveLength(1);
  });

  test('answers the code, the reason and the field of a record that Salesforce refuses; results may come in any order', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 5);
    const binned = ids[4] ?? '';
    await deleteMany(org, [binned]);
    await org.faults({ shuffledBulkResults: {} });
    const lines = ids.map((id, i) => update(id, { Phone: i === 1 ? '1'.repeat(41) : `${i}` }));
    const outcomes = await pushByBulk(target(org), lines, forget);
    expect(tally(outcomes)).toEqual({ accepted: 3, refused: 1, 'not applied': 1 });
    expect(outcomeOf(outcomes, ids[1] ?? '')).toMatchObject({
      code: 'STRING_TOO_LONG',
      field: 'Phone',
      reason: expect.stringContaining('data value too large'),
    });
    expect(outcomeOf(outcomes, binned)).toMatchObject({ code: 'ENTITY_IS_DELETED' });
  });

  test('that could not lock a record has it tried again alone', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    await org.faults({ rowLock: { ids: [ids[1]], times: 1 } });
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    expect(tally(await pushByBulk(target(org), lines, forget))).toEqual({ accepted: 3 });
    expect((await org.stats()).apiCalls.byKind.collections).toBe(1);
  });

  test('that fails as a whole gives its records to collections, whose answers are definite', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    await org.faults({ hiddenField: { object: 'Account', field: 'Website' } });
    const lines = ids.map((id, i) => update(id, i === 1 ? { Website: 'x.example' } : { Phone: '1' }));
    const outcomes = await pushByBulk(target(org), lines, forget);
    expect(tally(outcomes)).toEqual({ accepted: 2, refused: 1 });
    expect(outcomeOf(outcomes, ids[1] ?? '')).toMatchObject({ outcome: 'refused' });
  });
});

describe('when an execution dies,', () => {
  test('the id of the job is kept before anything is written', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    const states: string[] = [];
    const keep = async (jobId: string) => {
      states.push(...(await jobs(org)).filter(({ id }) => id === jobId).map(({ state }) => state));
    };
    await pushByBulk(target(org), lines, keep);
    expect(states).toEqual(['Open']);

    const lost = pushByBulk(target(org), lines, () => Promise.reject(new Error('the bucket is away')));
    await expect(lost).rejects.toThrow('the bucket is away');
    expect((await jobs(org))[0]?.state).toBe('Aborted');
    expect((await org.stats()).writes).toEqual({ Account: { update: 2 } });
  });

  test('another goes on with the same job, and nothing is sent twice', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    let kept = '';
    await pushByBulk(target(org), lines, async (jobId) => {
      kept = jobId;
    });
    const late = { notAfter: Date.now() - 1000 };
    expect(tally(await goOnWithBulk(target(org, late), lines, kept))).toEqual({ accepted: 3 });
    expect((await org.stats()).writes).toEqual({ Account: { update: 3 } });
    expect(await jobs(org)).toHaveLength(1);
  });

  test('a job that was never closed is ended: its records are not applied', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    const { json } = await org.call('POST', '/jobs/ingest', { object: 'Account', operation: 'update' });
    const { id } = json as { id: string };
    expect(tally(await goOnWithBulk(target(org), lines, id))).toEqual({ 'not applied': 3 });
    expect((await jobs(org))[0]?.state).toBe('Aborted');
  });

  test('a job that is gone leaves its records unknown', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    const outcomes = await goOnWithBulk(target(org), [update(id, { Phone: '1' })], '750Ws00000zzzzzIAA');
    expect(outcomes).toEqual([{ id, outcome: 'unknown' }]);
  });
});

describe('at the deadline', () => {
  test('the job is aborted, and what it has not done is not applied', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    await org.faults({ slowBulkJobs: { seconds: 60 } });
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    const outcomes = await pushByBulk(target(org, { notAfter: Date.now() + 200 }), lines, forget);
    expect(outcomes[0]).toEqual({ id: ids[0], outcome: 'not applied', code: 'BULK_JOB_ABORTED' });
    expect(tally(outcomes)).toEqual({ 'not applied': 3 });
    expect((await jobs(org))[0]?.state).toBe('Aborted');
    expect(await phones(org)).toEqual([null, null, null]);
  });

  test('no job is made any more', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    const late = target(org, { notAfter: Date.now() - 1 });
    expect(await pushByBulk(late, [update(id, { Phone: '1' })], forget)).toMatchObject([{ outcome: 'not applied' }]);
    expect((await org.stats()).apiCalls.total).toBe(0);
  });
});

describe('ending the job of a push that no execution goes on with', () => {
  test('stops it', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2);
    await org.faults({ slowBulkJobs: { seconds: 60 } });
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    const { promise: closed, resolve } = Promise.withResolvers<string>();
    const pushed = pushByBulk(target(org), lines, async (jobId) => resolve(jobId));
    const jobId = await closed;
    await vi.waitUntil(async () => (await jobs(org))[0]?.state === 'InProgress');
    await endBulkJob(org.connection, jobId);
    expect((await jobs(org))[0]?.state).toBe('Aborted');
    expect(tally(await pushed)).toEqual({ 'not applied': 2 });
  });

  test.for(['750Ws00000zzzzzIAA'])('is nothing to do when there is none: %s', async (jobId) => {
    await using org = await startedOrg();
    await endBulkJob(org.connection, jobId);
    expect((await org.stats()).apiCalls.byKind).toEqual({ bulk: 1 });
  });
});

describe('a request whose answer is lost', () => {
  test('before the job is closed: nothing was written, and the step may be tried again', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await org.faults({ lostReply: { kinds: ['bulk'], times: 1 } });
    const pushing = target(org);
    const pushed = pushByBulk(pushing, [update(id, { Phone: '1' })], forget);
    await expect(pushed).rejects.toMatchObject({ name: 'RetryableError' });
    expect(pushing.sent.any).toBe(false);
    expect(await phones(org)).toEqual([null]);
  });

  test('when it is closed: its state decides', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    const request = org.connection.request.bind(org.connection);
    vi.spyOn(org.connection, 'request').mockImplementation(((asked: { method?: string }, ...rest: [object]) => {
      const answer = request(asked as Parameters<typeof request>[0], ...rest);
      if (asked.method !== 'PATCH') return answer;
      return answer.then(() => Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' })));
    }) as typeof request);
    const outcomes = await pushByBulk(target(org), [update(id, { Phone: '1' })], forget);
    expect(outcomes).toEqual([{ id, outcome: 'accepted' }]);
    expect((await org.stats()).writes).toEqual({ Account: { update: 1 } });
  });

  test('afterwards: the push is under way, not to be sent again', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    const request = org.connection.request.bind(org.connection);
    vi.spyOn(org.connection, 'request').mockImplementation(((asked: unknown, ...rest: [object]) =>
      String(asked).includes('successfulResults')
        ? Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
        : request(asked as Parameters<typeof request>[0], ...rest)) as typeof request);
    const pushed = pushByBulk(target(org), [update(id, { Phone: '1' })], forget);
    await expect(pushed).rejects.toMatchObject({ name: 'RetryableError', code: 'BULK_JOB_UNDER_WAY' });
  });
});
