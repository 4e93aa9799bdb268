import { describe, expect, test, vi } from 'vitest';
import { created, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { pushUpdates } from '../../salesforce/push.ts';
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
const phones = async (org: StartedOrg) => {
  const { records } = await org.connection.query('SELECT Id, Phone FROM Account ORDER BY Id', { autoFetch: true });
  return records.map(({ Phone }) => Phone as string | null);
};

describe('updates', () => {
  test('go 200 to a call, and every record has an answer', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 401);
    const outcomes = await pushUpdates(
      target(org),
      ids.map((id, i) => update(id, { Phone: `${i}` })),
    );
    expect(outcomes.map(({ id }) => id)).toEqual(ids);
    expect(tally(outcomes)).toEqual({ accepted: 401 });
    const { apiCalls, writes } = await org.stats();
    expect([apiCalls.byKind, writes]).toEqual([{ collections: 3 }, { Account: { update: 401 } }]);
    expect(await phones(org)).toEqual(ids.map((_, i) => `${i}`));
  });

  test('of 1,000 records cost seven calls with the look before and the read-back after', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1000);
    await readRecords(org.connection, accounts, ids);
    await pushUpdates(
      target(org),
      ids.map((id) => update(id, { Phone: '1' })),
    );
    await readRecords(org.connection, accounts, ids);
    expect((await org.stats()).apiCalls.total).toBe(7);
  });

  test('write the external id, which follows the key of its row', async () => {
    await using org = await startedOrg();
    const deal = { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2026-05-01', External_Id__c: 'old' };
    const id = await created(org, 'Opportunity', deal);
    const key = { [opportunities.externalIdField ?? '']: 'new' };
    expect(await pushUpdates(target(org, { mapping: opportunities }), [update(id, key)])).toMatchObject([
      { outcome: 'accepted' },
    ]);
    expect(await org.connection.sobject('Opportunity').retrieve(id)).toMatchObject({ External_Id__c: 'new' });
  });

  test('write the given fields, null included, and no others', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Opportunity', {
      Name: 'Loan',
      StageName: 'Prospecting',
      CloseDate: '2026-05-01',
      Amount: 5,
      Approved_At__c: '2026-01-01T00:00:00Z',
    });
    const fields = {
      Amount: '1234567.25',
      Approved_At__c: null,
      CloseDate: '2026-06-01',
      Purposes__c: 'Medical;Vehicle',
      // Travels to Postgres only, so it is never written.
      Probability: '1',
    };
    const outcomes = await pushUpdates(target(org, { mapping: opportunities }), [update(id, fields)]);
    expect(outcomes).toEqual([{ id, outcome: 'accepted' }]);
    expect(await org.connection.sobject('Opportunity').retrieve(id)).toMatchObject({
      Name: 'Loan',
      Amount: 1234567.25,
      Approved_At__c: null,
      CloseDate: '2026-06-01',
      Purposes__c: 'Vehicle;Medical',
      Probability: 10,
    });
  });

  test('of nothing make no call', async () => {
    await using org = await startedOrg();
    expect(await pushUpdates(target(org), [])).toEqual([]);
    expect((await org.stats()).apiCalls.total).toBe(0);
  });
});

describe('a record that Salesforce refuses', () => {
  test('is answered with code, field and reason; the others go through', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    const outcomes = await pushUpdates(
      target(org),
      ids.map((id, i) => update(id, { Phone: i === 1 ? '1'.repeat(41) : `${i}` })),
    );
    expect(tally(outcomes)).toEqual({ accepted: 2, refused: 1 });
    expect(outcomes[1]).toMatchObject({
      id: ids[1],
      outcome: 'refused',
      code: 'STRING_TOO_LONG',
      field: 'Phone',
      reason: expect.stringContaining('data value too large'),
    });
    expect(await phones(org)).toEqual(['0', null, '2']);
  });

  test('names a field only if it is a mapped one', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await org.faults({ rowError: { fields: ['Site', 'Website'] } });
    expect((await pushUpdates(target(org), [update(id, { Phone: '1' })]))[0]).toMatchObject({ field: 'Website' });
    await org.faults({ rowError: { fields: ['Site'] } });
    expect((await pushUpdates(target(org), [update(id, { Phone: '1' })]))[0]).not.toHaveProperty('field');
  });

  test('for a reason that is not listed is refused, too', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    await org.faults({ rowError: { code: 'SOMETHING_NEW', message: 'No.' } });
    const outcomes = await pushUpdates(target(org), [update(id, { Phone: '1' })]);
    expect(outcomes).toEqual([{ id, outcome: 'refused', code: 'SOMETHING_NEW', reason: 'No.' }]);
  });

  test('for a value that cannot be read, for which Salesforce turns the whole call away, stands alone in the end', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 200);
    const outcomes = await pushUpdates(
      target(org),
      ids.map((id, i) => update(id, { NumberOfEmployees: i === 77 ? '5.5' : '5' })),
    );
    expect(tally(outcomes)).toEqual({ accepted: 199, refused: 1 });
    expect(outcomeOf(outcomes, ids[77] ?? '')).toMatchObject({ outcome: 'refused', code: 'JSON_PARSER_ERROR' });
    const { writes, apiCalls } = await org.stats();
    expect(writes).toEqual({ Account: { update: 199 } });
    expect(apiCalls.total).toBeLessThanOrEqual(17);
  });

  test('for a reason that is not listed, for which Salesforce turns the whole call away, stands alone, too', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 200);
    const request = org.connection.request.bind(org.connection);
    vi.spyOn(org.connection, 'request').mockImplementation(((asked: { body?: string }, ...rest: [object]) => {
      const isIn = asked.body?.includes(ids[50] ?? '') === true;
      const refused = () => Promise.reject(Object.assign(new Error('No.'), { errorCode: 'SOMETHING_NEW' }));
      return isIn ? refused() : request(asked as Parameters<typeof request>[0], ...rest);
    }) as typeof request);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    const outcomes = await pushUpdates(target(org), lines);
    expect(tally(outcomes)).toEqual({ accepted: 199, refused: 1 });
    expect(outcomeOf(outcomes, ids[50] ?? '')).toMatchObject({ code: 'SOMETHING_NEW', reason: 'No.' });
  });

  test('because it is deleted or unknown: not applied when it is in the recycle bin, refused when it is nowhere', async () => {
    await using org = await startedOrg();
    const [binned = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [binned]);
    const unknown = '001Ws00000zzzzzIAA';
    const outcomes = await pushUpdates(target(org), [update(binned, { Phone: '1' }), update(unknown, { Phone: '1' })]);
    expect(outcomes).toMatchObject([
      { id: binned, outcome: 'not applied', code: 'ENTITY_IS_DELETED' },
      { id: unknown, outcome: 'refused', code: 'INVALID_CROSS_REFERENCE_KEY' },
    ]);
  });
});

describe('a record that is locked', () => {
  test('is tried again alone', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    await org.faults({ rowLock: { ids: [ids[1]], times: 1 } });
    const outcomes = await pushUpdates(
      target(org),
      ids.map((id) => update(id, { Phone: '1' })),
    );
    expect(tally(outcomes)).toEqual({ accepted: 3 });
    const { writes, apiCalls } = await org.stats();
    expect([writes, apiCalls.total]).toEqual([{ Account: { update: 3 } }, 2]);
  });

  test('for long is not applied and so stays due', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2);
    await org.faults({ rowLock: { ids: [ids[0]] } });
    const outcomes = await pushUpdates(
      target(org),
      ids.map((id) => update(id, { Phone: '1' })),
    );
    expect(outcomeOf(outcomes, ids[0] ?? '')).toMatchObject({ outcome: 'not applied', code: 'UNABLE_TO_LOCK_ROW' });
    expect(outcomeOf(outcomes, ids[1] ?? '')).toEqual({ id: ids[1], outcome: 'accepted' });
  });
});

describe('a call whose answer is lost', () => {
  test.for([
    ['after the write', { lostReply: {} }, 401],
    ['before it', { connectionReset: {} }, 201],
    ['in a proxy', { badGateway: { times: 1 } }, 201],
  ] as const)('%s leaves its records unknown, is not sent again, and the next call is', async ([, fault, written]) => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 401);
    await org.faults(fault);
    const outcomes = await pushUpdates(
      target(org),
      ids.map((id) => update(id, { Phone: '1' })),
    );
    expect(tally(outcomes)).toEqual({ unknown: 200, accepted: 201 });
    const { apiCalls, writes } = await org.stats();
    expect([apiCalls.byKind.collections, writes.Account?.update]).toEqual([3, written]);
  });

  test('in the middle, likewise', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    const cutOff = Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    vi.spyOn(org.connection, 'request').mockRejectedValueOnce(cutOff);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    expect(tally(await pushUpdates(target(org), lines))).toEqual({ unknown: 1 });
    vi.spyOn(org.connection, 'request').mockRejectedValueOnce(new Error('something that is no answer of Salesforce'));
    expect(tally(await pushUpdates(target(org), lines))).toEqual({ unknown: 1 });
  });
});

describe('nothing was sent at all', () => {
  test('for Salesforce is away: the step may be tried again', async () => {
    const org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    await org.simulator.stop();
    const pushed = pushUpdates(
      target(org),
      ids.map((id) => update(id, { Phone: '1' })),
    );
    await expect(pushed).rejects.toMatchObject({ name: 'RetryableError', code: 'ECONNREFUSED' });
  });

  test('for the daily limit is reached: the step may be tried again; later calls of a batch are not applied', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 401);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    await org.faults({ requestLimitExceeded: {} });
    const pushed = pushUpdates(target(org), lines);
    await expect(pushed).rejects.toMatchObject({ name: 'RetryableError', code: 'REQUEST_LIMIT_EXCEEDED' });

    await org.faults({ requestLimitExceeded: false });
    const request = org.connection.request.bind(org.connection);
    vi.spyOn(org.connection, 'request').mockImplementationOnce(((...args: Parameters<typeof request>) => {
      const answer = request(...args);
      return answer.finally(() => org.faults({ requestLimitExceeded: {} }));
    }) as typeof request);
    expect(tally(await pushUpdates(target(org), lines))).toEqual({ accepted: 200, 'not applied': 201 });
    await org.faults({ requestLimitExceeded: false });
    expect((await org.stats()).writes).toEqual({ Account: { update: 200 } });
  });

  test('for Salesforce says that it is not available: likewise', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 401);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    await org.faults({ serverUnavailable: { times: 1 } });
    const pushed = pushUpdates(target(org), lines);
    await expect(pushed).rejects.toMatchObject({ name: 'RetryableError', code: 'SERVER_UNAVAILABLE' });
    await org.faults({ serverUnavailable: { times: 1 } });
    const outcomes = await pushUpdates(target(org, { sent: { any: true } }), lines);
    expect(tally(outcomes)).toEqual({ accepted: 201, 'not applied': 200 });
    expect(outcomes[0]).toEqual({ id: ids[0], outcome: 'not applied', code: 'SERVER_UNAVAILABLE' });
    expect((await org.stats()).writes).toEqual({ Account: { update: 201 } });
  });

  test('for the deadline is over: all records are not applied, and Salesforce is not asked', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 201);
    const outcomes = await pushUpdates(
      target(org, { notAfter: Date.now() - 1 }),
      ids.map((id) => update(id, { Phone: '1' })),
    );
    expect(tally(outcomes)).toEqual({ 'not applied': 201 });
    expect((await org.stats()).apiCalls.total).toBe(0);
  });
});

test.for([
  ['a field that the user may not write', { hiddenField: { object: 'Account', field: 'Phone' } }, 'refused'],
] as const)('%s refuses the records that carry it', async ([, fault, outcome]) => {
  await using org = await startedOrg();
  const [id = ''] = await createMany(org, 'Account', 1);
  await org.faults(fault);
  expect(await pushUpdates(target(org), [update(id, { Phone: '1' })])).toMatchObject([{ id, outcome }]);
});
