import { Connection } from 'jsforce';
import { describe, expect, test } from 'vitest';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

const query = (org: StartedOrg, soql: string) => org.call('GET', `/query?q=${encodeURIComponent(soql)}`);
const ACCOUNTS = 'SELECT Name FROM Account';

describe('faults of calls', () => {
  test('unauthorized strikes once', async () => {
    await using org = await startedOrg();
    await org.faults({ unauthorized: {} });
    const first = await query(org, ACCOUNTS);
    expect([first.status, first.json]).toEqual([
      401,
      [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }],
    ]);
    expect((await query(org, ACCOUNTS)).status).toBe(200);
    await org.faults({ unauthorized: { times: 'always', kinds: ['soap'] } });
    expect((await query(org, ACCOUNTS)).status).toBe(200);
    expect((await refusal(org.connection.soap.getServerTimestamp())).errorCode).toBe('sf:INVALID_SESSION_ID');
  });

  test('requestLimitExceeded, serverUnavailable and badGateway last until they are cleared', async () => {
    await using org = await startedOrg();
    const cases = [
      ['requestLimitExceeded', 403, 'TotalRequests Limit exceeded.'],
      ['serverUnavailable', 503, 'SERVER_UNAVAILABLE'],
      ['badGateway', 502, '<html>'],
    ] as const;
    for (const [name, status, text] of cases) {
      await org.faults({ [name]: { object: 'account' } });
      for (let i = 0; i < 2; i++) {
        const answer = await query(org, ACCOUNTS);
        expect([name, answer.status]).toEqual([name, status]);
        expect(answer.text).toContain(text);
      }
      expect((await query(org, 'SELECT Id FROM Contact')).status).toBe(200);
      await org.faults({ [name]: false });
      expect((await query(org, ACCOUNTS)).status).toBe(200);
    }
  });

  test('lostReply: the record is there, the answer is not', async () => {
    await using org = await startedOrg();
    await org.faults({ lostReply: { object: 'Account' } });
    await created(org, 'Contact', { LastName: 'L' });
    await expect(org.call('POST', '/sobjects/Account', { Name: 'Lost' })).rejects.toThrow('fetch failed');
    expect((await query(org, ACCOUNTS)).json).toMatchObject({ records: [{ Name: 'Lost' }] });
    await created(org, 'Account', { Name: 'Answered' });
  });

  test('connectionReset: neither record nor answer', async () => {
    await using org = await startedOrg();
    await org.faults({ connectionReset: { kinds: ['collections'] } });
    const post = () =>
      org.call('POST', '/composite/sobjects', { records: [{ attributes: { type: 'Account' }, Name: 'A' }] });
    await expect(post()).rejects.toThrow('fetch failed');
    expect((await query(org, ACCOUNTS)).json).toMatchObject({ totalSize: 0 });
    expect((await post()).status).toBe(200);
  });

  test('slowAnswer: before the work, or after it', async () => {
    await using org = await startedOrg();
    const count = async () => ((await query(org, ACCOUNTS)).json as { totalSize: number }).totalSize;
    await org.faults({ slowAnswer: { afterMs: 60_000, times: 1, kinds: ['row'] } });
    const hangsAfter = created(org, 'Account', { Name: 'A' }).catch(() => 'cut off');
    await expect.poll(count).toBe(1);
    await org.faults({ slowAnswer: { beforeMs: 60_000, times: 1, kinds: ['row'] } });
    const hangsBefore = created(org, 'Account', { Name: 'B' }).catch(() => 'cut off');
    await expect.poll(async () => (await org.stats()).apiCalls.byKind.row).toBe(2);
    expect(await count()).toBe(1);
    await org.simulator.stop();
    expect(await Promise.all([hangsAfter, hangsBefore])).toEqual(['cut off', 'cut off']);
  });

  test('clients are distinguished by their name in Sforce-Call-Options', async () => {
    await using org = await startedOrg();
    await org.faults({ requestLimitExceeded: { client: 'sync' } });
    const { instanceUrl, accessToken } = org.simulator;
    const sync = new Connection({ instanceUrl, accessToken, version: '66.0', callOptions: { client: 'sync' } });
    expect((await refusal(sync.query(ACCOUNTS))).errorCode).toBe('REQUEST_LIMIT_EXCEEDED');
    await org.connection.query(ACCOUNTS);
  });
});

describe('faults of records', () => {
  test('rowLock refuses the named records only, as often as asked', async () => {
    await using org = await startedOrg();
    const ids = [await created(org, 'Account', { Name: 'A' }), await created(org, 'Account', { Name: 'B' })] as const;
    await org.faults({ rowLock: { ids: [ids[0].slice(0, 15)], times: 1 } });
    const update = () => org.connection.sobject('Account').update(ids.map((Id) => ({ Id, Phone: '1' })));
    expect(await update()).toMatchObject([
      {
        success: false,
        errors: [
          {
            statusCode: 'UNABLE_TO_LOCK_ROW',
            message: `unable to obtain exclusive access to this record or 1 records: ${ids[0]}`,
          },
        ],
      },
      { success: true },
    ]);
    expect(await update()).toMatchObject([{ success: true }, { success: true }]);
  });

  test('rowError speaks as a validation rule', async () => {
    await using org = await startedOrg();
    await org.faults({ rowError: { object: 'Contact', message: 'No.', fields: ['Email'] } });
    expect((await org.call('POST', '/sobjects/Contact', { LastName: 'L' })).json).toEqual([
      { errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'No.', fields: ['Email'] },
    ]);
    expect((await org.stats()).refused).toEqual({ Contact: { FIELD_CUSTOM_VALIDATION_EXCEPTION: 1 } });
  });

  test('triggerRewrites changes what was sent', async () => {
    await using org = await startedOrg();
    await org.faults({
      triggerRewrites: [
        { object: 'Account', field: 'Phone', as: 'digits' },
        { object: 'Account', field: 'Name', as: 'upper' },
        { object: 'Account', field: 'Site', as: 'constant', value: 'HQ' },
      ],
    });
    const id = await created(org, 'Account', { Name: 'Acme', Phone: '(555) 01-2' });
    expect(await org.connection.sobject('Account').retrieve(id)).toMatchObject({
      Name: 'ACME',
      Phone: '555012',
      Site: 'HQ',
    });
  });

  test('delayedVisibility: stamped now, seen later, locked until then, and kept through a restart', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'before' });
    await org.faults({ delayedVisibility: { seconds: 60, object: 'Account', times: 2 } });
    org.clock.now += 1000;
    await org.connection.sobject('Account').update({ Id: id, Name: 'after' });
    await created(org, 'Account', { Name: 'new' });
    const seen = async () => (await org.connection.query(`${ACCOUNTS} ORDER BY Name`)).records.map((r) => r.Name);
    expect(await seen()).toEqual(['before']);
    const write = () => org.connection.sobject('Account').update({ Id: id, Phone: '1' });
    expect((await refusal(write())).errorCode).toBe('UNABLE_TO_LOCK_ROW');
    org.clock.now += 61_000;
    expect(await seen()).toEqual(['after', 'new']);
    const record = await org.connection.sobject('Account').retrieve(id);
    expect(record.SystemModstamp).toBe('2026-03-01T12:00:01.000+0000');
    await write();
  });

  test('keepStampOnEqualUpdate and keepMultipicklistOrder', async () => {
    await using org = await startedOrg();
    await org.faults({ keepStampOnEqualUpdate: {}, keepMultipicklistOrder: {} });
    const loan = { Name: 'L', StageName: 'Prospecting', CloseDate: '2026-05-01', Purposes__c: 'Vehicle;Home purchase' };
    const id = await created(org, 'Opportunity', loan);
    const opportunity = org.connection.sobject('Opportunity');
    org.clock.now += 5000;
    await opportunity.update({ Id: id, Name: 'L' });
    const stored = await opportunity.retrieve(id);
    expect(stored).toMatchObject({
      SystemModstamp: '2026-03-01T12:00:00.000+0000',
      Purposes__c: 'Vehicle;Home purchase',
    });
    expect((await org.stats()).unchangedUpdates).toEqual({ Opportunity: 1 });
  });

  test('clockSkew moves the org’s clock', async () => {
    await using org = await startedOrg();
    await org.faults({ clockSkew: { seconds: -3600 } });
    const id = await created(org, 'Account', { Name: 'A' });
    expect((await org.connection.sobject('Account').retrieve(id)).CreatedDate).toBe('2026-03-01T11:00:00.000+0000');
  });
});

describe('the switchboard', () => {
  test('lists every fault with what it does, and those that are on', async () => {
    await using org = await startedOrg();
    await org.faults({ rowLock: [{ object: 'Account', times: 3 }, { object: 'Contact' }] });
    const { active, available } = (await org.call('GET', '~/_simulator/faults')).json as {
      active: object;
      available: Record<string, { about: string; options: object }>;
    };
    expect(active).toEqual({ rowLock: [{ object: 'Account', times: 3, timesLeft: 3 }, { object: 'Contact' }] });
    for (const [name, { about, options }] of Object.entries(available))
      expect([name, about, options]).not.toContain(undefined);
    expect((await org.call('DELETE', '~/_simulator/faults')).json).toMatchObject({ active: {} });
  });

  test('refuses unknown names and options, naming what there is, and changes nothing', async () => {
    await using org = await startedOrg();
    const unknown = await org.call('POST', '~/_simulator/faults', { badGateway: {}, nope: {} });
    expect(unknown.status).toBe(400);
    expect(unknown.text).toContain('there is no fault \\"nope\\"; there are: unauthorized, ');
    const option = await org.call('POST', '~/_simulator/faults', { delayedVisibility: { minutes: 1 } });
    expect([option.status, option.text]).toEqual([400, expect.stringContaining('minutes')]);
    expect((await org.call('GET', '~/_simulator/faults')).json).toMatchObject({ active: {} });
    expect((await org.call('POST', '~/_simulator/faults', '[1]')).status).toBe(400);
    expect((await org.call('POST', '~/_simulator/actions', { nope: {} })).status).toBe(400);
    expect((await org.call('GET', '~/_simulator/nope')).text).toContain('GET stats');
  });
});

describe('stats', () => {
  test('count calls by kind and writes by object, and name the fields of each write', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'A' });
    await org.connection.sobject('Account').update({ Id: id, Phone: '1' });
    await org.connection.sobject('Account').destroy(id);
    await org.connection.soap.undelete([id]);
    await query(org, ACCOUNTS);
    const stats = await org.stats();
    expect(stats.writes).toEqual({ Account: { create: 1, update: 1, delete: 1, undelete: 1 } });
    expect(stats.apiCalls).toEqual({ total: 5, byKind: { row: 3, soap: 1, query: 1 } });
    const { writes } = (await org.call('GET', '~/_simulator/writes')).json as { writes: object[] };
    expect(writes[1]).toEqual({
      at: '2026-03-01T12:00:00.000+0000',
      object: 'Account',
      id,
      kind: 'update',
      fields: ['Phone'],
    });
    await org.call('POST', '~/_simulator/stats/reset');
    expect(await org.stats()).toMatchObject({ writes: {}, apiCalls: { total: 0, byKind: {} } });
  });
});
