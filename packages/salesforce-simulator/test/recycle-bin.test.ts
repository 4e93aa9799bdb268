import { describe, expect, test } from 'vitest';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

/** An account with two contacts, one of which was deleted before, and a loan. */
async function family(org: StartedOrg) {
  const account = await created(org, 'Account', { Name: 'A' });
  const child = await created(org, 'Contact', { LastName: 'Child', AccountId: account });
  const earlier = await created(org, 'Contact', { LastName: 'Earlier', AccountId: account });
  const loan = await created(org, 'Opportunity', {
    Name: 'L',
    StageName: 'Prospecting',
    CloseDate: '2026-05-01',
    AccountId: account,
  });
  await org.connection.sobject('Contact').destroy(earlier);
  return { account, child, earlier, loan };
}

async function liveIds(org: StartedOrg, object: string): Promise<unknown[]> {
  return (await org.connection.query(`SELECT Id FROM ${object}`)).records.map((record) => record.Id);
}

async function anyRecord(org: StartedOrg, object: string, id: string): Promise<Record<string, unknown> | undefined> {
  const extra = object === 'Opportunity' ? '' : ', MasterRecordId';
  const soql = `SELECT Id, IsDeleted, SystemModstamp${extra} FROM ${object} WHERE Id = '${id}'`;
  return (await org.connection.query(soql, { scanAll: true })).records[0];
}

describe('delete', () => {
  test('takes the children along, moves the stamps, and counts them apart', async () => {
    await using org = await startedOrg();
    const { account, child, loan } = await family(org);
    org.clock.now += 5000;
    await org.connection.sobject('Account').destroy(account);
    expect([await liveIds(org, 'Contact'), await liveIds(org, 'Opportunity')]).toEqual([[], []]);
    for (const [object, id] of [
      ['Account', account],
      ['Contact', child],
      ['Opportunity', loan],
    ] as const)
      expect(await anyRecord(org, object, id)).toMatchObject({
        IsDeleted: true,
        SystemModstamp: '2026-03-01T12:00:05.000+0000',
      });
    expect((await refusal(org.connection.sobject('Contact').destroy(child))).errorCode).toBe('ENTITY_IS_DELETED');
    const { writes, cascades } = await org.stats();
    expect(writes.Account).toEqual({ create: 1, delete: 1 });
    expect(writes.Contact).toEqual({ create: 2, delete: 1 });
    expect(cascades).toEqual({ Contact: { delete: 1 }, Opportunity: { delete: 1 } });
  });

  test('clears plain lookups, and an undelete sets them again unless they were set otherwise', async () => {
    await using org = await startedOrg();
    const boss = await created(org, 'Contact', { LastName: 'Boss' });
    const kept = await created(org, 'Contact', { LastName: 'Kept', ReportsToId: boss });
    const moved = await created(org, 'Contact', { LastName: 'Moved', ReportsToId: boss });
    await org.connection.sobject('Contact').destroy(boss);
    const contact = org.connection.sobject('Contact');
    expect(await contact.retrieve(kept)).toMatchObject({ ReportsToId: null });
    await contact.update({ Id: moved, ReportsToId: kept });
    await org.connection.soap.undelete([boss]);
    expect(await contact.retrieve(kept)).toMatchObject({ ReportsToId: boss });
    expect(await contact.retrieve(moved)).toMatchObject({ ReportsToId: kept });
  });

  test('a lookup to a deleted record is refused; with which code can be set', async () => {
    await using org = await startedOrg();
    const { account } = await family(org);
    await org.connection.sobject('Account').destroy(account);
    const write = () => refusal(org.connection.sobject('Contact').create({ LastName: 'L', AccountId: account }));
    expect((await write()).errorCode).toBe('INVALID_CROSS_REFERENCE_KEY');
    for (const code of ['ENTITY_IS_DELETED', 'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY']) {
      await org.faults({ deletedParentError: { code } });
      expect((await write()).errorCode).toBe(code);
    }
  });

  test('leaves the stamps when the org is set so', async () => {
    await using org = await startedOrg();
    await org.faults({ keepStampOnDelete: {} });
    const id = await created(org, 'Account', { Name: 'A' });
    org.clock.now += 5000;
    await org.connection.sobject('Account').destroy(id);
    expect(await anyRecord(org, 'Account', id)).toMatchObject({ SystemModstamp: '2026-03-01T12:00:00.000+0000' });
  });
});

describe('undelete', () => {
  test('brings back the record and what went with it, not what was deleted before', async () => {
    await using org = await startedOrg();
    const { account, child, earlier, loan } = await family(org);
    await org.connection.sobject('Account').destroy(account);
    org.clock.now += 5000;
    expect(await org.connection.soap.undelete([account])).toMatchObject([{ id: account, success: true, errors: [] }]);
    expect(await liveIds(org, 'Contact')).toEqual([child]);
    expect(await liveIds(org, 'Opportunity')).toEqual([loan]);
    expect(await org.connection.sobject('Contact').retrieve(child)).toMatchObject({ AccountId: account });
    expect(await anyRecord(org, 'Account', account)).toMatchObject({
      IsDeleted: false,
      SystemModstamp: '2026-03-01T12:00:05.000+0000',
    });
    expect(await org.connection.soap.undelete([earlier])).toMatchObject([{ success: true }]);
  });

  test('refuses what is live, unknown, or went with its parent, row by row', async () => {
    await using org = await startedOrg();
    const { account, child, earlier } = await family(org);
    await org.connection.sobject('Account').destroy(account);
    const results = await org.connection.soap.undelete([child, earlier, '001Ws00000zzzzzIAA', 'x']);
    const failed = (statusCode: string) => ({ success: false, errors: [expect.objectContaining({ statusCode })] });
    expect(results).toMatchObject([
      failed('UNDELETE_FAILED'),
      { success: true },
      failed('UNDELETE_FAILED'),
      failed('MALFORMED_ID'),
    ]);
    // Its parent is still in the bin, so the restored child stands alone.
    expect(await org.connection.sobject('Contact').retrieve(earlier)).toMatchObject({ AccountId: null });
  });

  test('fails when a unique value was taken since', async () => {
    await using org = await startedOrg();
    const loan = { Name: 'L', StageName: 'Prospecting', CloseDate: '2026-05-01', External_Id__c: 'one' };
    const id = await created(org, 'Opportunity', loan);
    await org.connection.sobject('Opportunity').destroy(id);
    await created(org, 'Opportunity', loan);
    expect(await org.connection.soap.undelete([id])).toMatchObject([
      { success: false, errors: [{ statusCode: 'DUPLICATE_VALUE' }] },
    ]);
  });
});

describe('leaving the bin', () => {
  test('emptyRecycleBin: no way back, still in queryAll until the purge', async () => {
    await using org = await startedOrg();
    const { account, child } = await family(org);
    const notThere = { success: false };
    const empty = (id: string) => org.connection.soap.emptyRecycleBin([id]);
    expect(await empty(account)).toMatchObject([notThere]);
    await org.connection.sobject('Account').destroy(account);
    expect(await empty(child)).toMatchObject([notThere]);
    expect(await empty(account)).toMatchObject([{ id: account, success: true }]);
    expect(await org.connection.soap.undelete([account])).toMatchObject([{ success: false }]);
    expect(await anyRecord(org, 'Contact', child)).toMatchObject({ IsDeleted: true });
    expect((await refusal(org.connection.sobject('Account').retrieve(account))).errorCode).toBe('NOT_FOUND');
    expect((await org.call('POST', '~/_simulator/actions', { purge: { object: 'Contact' } })).json).toEqual({
      purged: 2,
    });
    expect(await anyRecord(org, 'Contact', child)).toBeUndefined();
    expect(await anyRecord(org, 'Account', account)).toBeDefined();
  });

  test('under recycleBinPurge records go as soon as they are old enough', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'A' });
    await org.faults({ recycleBinPurge: { afterSeconds: 60 } });
    await org.connection.sobject('Account').destroy(id);
    expect(await anyRecord(org, 'Account', id)).toBeDefined();
    org.clock.now += 61_000;
    expect(await anyRecord(org, 'Account', id)).toBeUndefined();
  });

  test('the delete log knows deleted and purged records for 15 days', async () => {
    await using org = await startedOrg();
    const ids = [await created(org, 'Account', { Name: 'A' }), await created(org, 'Account', { Name: 'B' })];
    for (const id of ids) await org.connection.sobject('Account').destroy(id);
    await org.call('POST', '~/_simulator/actions', { purge: { ids: [ids[0]] } });
    const { deletedRecords, latestDateCovered } = await org.connection
      .sobject('Account')
      .deleted('2026-03-01T11:00:00Z', '2026-03-01T13:00:00Z');
    expect(deletedRecords.map(({ id }) => id).sort()).toEqual(ids);
    expect(latestDateCovered).toBe('2026-03-01T12:00:00.000+0000');
    const old = refusal(org.connection.sobject('Account').deleted('2026-02-01T11:00:00Z', '2026-03-01T13:00:00Z'));
    expect((await old).errorCode).toBe('INVALID_REPLICATION_DATE');
  });

  test('getUpdated lists live records changed in the window, bounds cut to minutes', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'A' });
    await org.connection.sobject('Account').destroy(await created(org, 'Account', { Name: 'B' }));
    const account = org.connection.sobject('Account');
    expect(await account.updated('2026-03-01T11:59:00Z', '2026-03-01T12:00:59Z')).toEqual({
      ids: [id],
      latestDateCovered: '2026-03-01T12:00:00.000+0000',
    });
    const short = refusal(account.updated('2026-03-01T11:59:10Z', '2026-03-01T11:59:59Z'));
    expect((await short).errorCode).toBe('INVALID_REPLICATION_DATE');
  });
});

describe('merge', () => {
  test('deletes the losers with MasterRecordId, moves their children, updates the winner', async () => {
    await using org = await startedOrg();
    const winner = await created(org, 'Account', { Name: 'Winner' });
    const { account: loser, child, loan } = await family(org);
    const before = await org.connection.sobject('Contact').retrieve(child);
    org.clock.now += 5000;
    const result = await org.connection.soap.merge({
      masterRecord: { type: 'Account', Id: winner, Phone: '1', Website: null },
      recordToMergeIds: [loser],
    } as object);
    expect(result).toMatchObject({ success: true, id: winner, mergedRecordIds: [loser] });
    expect(await anyRecord(org, 'Account', loser)).toMatchObject({ IsDeleted: true, MasterRecordId: winner });
    expect(await org.connection.sobject('Account').retrieve(winner)).toMatchObject({ Phone: '1', Website: null });
    expect(await org.connection.sobject('Opportunity').retrieve(loan)).toMatchObject({ AccountId: winner });
    const moved = await org.connection.sobject('Contact').retrieve(child);
    expect(moved).toMatchObject({ AccountId: winner, SystemModstamp: before.SystemModstamp });
    await org.connection.soap.undelete([loser]);
    expect(await anyRecord(org, 'Account', loser)).toMatchObject({ IsDeleted: false, MasterRecordId: null });
    expect(await org.connection.sobject('Contact').retrieve(child)).toMatchObject({ AccountId: winner });
  });

  test('moved children get a new stamp where the org is set so; loans cannot be merged', async () => {
    await using org = await startedOrg();
    await org.faults({ stampFollowers: {} });
    const winner = await created(org, 'Account', { Name: 'Winner' });
    const { account: loser, child, loan } = await family(org);
    org.clock.now += 5000;
    const merge = (type: string, Id: string, other: string) =>
      org.connection.soap.merge({ masterRecord: { type, Id }, recordToMergeIds: [other] } as object);
    await merge('Account', winner, loser);
    expect(await anyRecord(org, 'Contact', child)).toMatchObject({ SystemModstamp: '2026-03-01T12:00:05.000+0000' });
    expect(await merge('Opportunity', loan, loan)).toMatchObject({ success: false });
  });
});
