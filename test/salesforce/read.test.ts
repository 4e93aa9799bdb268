import { describe, expect, test } from 'vitest';
import { defineSync, mappingOf, number, text } from '../../core/mapping/configuration.ts';
import { created, START, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { readRecords } from '../../salesforce/read.ts';
import { accounts, createMany, deleteMany, opportunities } from './records.ts';

const MISSING = '001Ws00000zzzzzIAA';

describe('a fresh read', () => {
  test('finds live records, those in the recycle bin, and leaves out what is in neither', async () => {
    await using org = await startedOrg();
    const live = await created(org, 'Account', { Name: ' Acme ', AnnualRevenue: 1200000 });
    const binned = await created(org, 'Account', { Name: 'Gone' });
    await deleteMany(org, [binned]);
    const found = await readRecords(org.connection, accounts, [live, binned, MISSING]);
    expect([...found.keys()]).toEqual([live, binned]);
    expect(found.get(live)?.version).toEqual({
      id: live,
      deleted: false,
      mergedInto: undefined,
      stamp: START,
      fields: {
        Name: 'Acme',
        Phone: null,
        Website: null,
        Industry: null,
        AnnualRevenue: '1200000',
        NumberOfEmployees: null,
        Description: null,
      },
    });
    expect(found.get(binned)?.version).toMatchObject({ deleted: true, fields: { Name: 'Gone' } });
    expect((await org.stats()).apiCalls.byKind).toEqual({ retrieve: 1, queryAll: 1 });
  });

  test('answers the survivor of a merge, where records can be merged', async () => {
    await using org = await startedOrg();
    const winner = await created(org, 'Account', { Name: 'Winner' });
    const loser = await created(org, 'Account', { Name: 'Loser' });
    await org.connection.soap.merge({
      masterRecord: { type: 'Account', Id: winner },
      recordToMergeIds: [loser],
    } as object);
    const found = await readRecords(org.connection, accounts, [loser, winner]);
    expect(found.get(loser)?.version).toMatchObject({ deleted: true, mergedInto: winner });
    expect(found.get(winner)?.version?.mergedInto).toBeUndefined();
  });

  test('asks for no MasterRecordId where records cannot be merged', async () => {
    await using org = await startedOrg();
    const id = await created(org, 'Opportunity', { Name: 'L', StageName: 'Prospecting', CloseDate: '2026-05-01' });
    await deleteMany(org, [id]);
    expect((await readRecords(org.connection, opportunities, [id])).get(id)?.version?.deleted).toBe(true);
  });

  test('says why a record cannot be used', async () => {
    await using org = await startedOrg();
    const fields = { Name: text('name'), Phone: number('phone') };
    const mapping = mappingOf(defineSync({ objects: { Account: { table: 'lenders', fields } } }), 'Account');
    const id = await created(org, 'Account', { Name: 'Acme', Phone: 'none' });
    expect((await readRecords(org.connection, mapping, [id])).get(id)?.unusable).toEqual({
      id,
      code: 'UNREADABLE_VALUE',
      field: 'Phone',
      reason: 'The value of Phone is no number.',
    });
  });
});

describe('calls', () => {
  test('one for 2,000 live records', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 2001);
    expect((await readRecords(org.connection, accounts, ids)).size).toBe(2001);
    expect((await org.stats()).apiCalls.byKind).toEqual({ retrieve: 2 });
  });

  test('three for 1,000 records in the recycle bin, each query short enough for a URL', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1000);
    await deleteMany(org, ids);
    const found = await readRecords(org.connection, accounts, ids);
    expect([...found.values()].filter(({ version }) => version?.deleted)).toHaveLength(1000);
    expect((await org.stats()).apiCalls.byKind).toEqual({ retrieve: 1, queryAll: 2 });
  });

  test('as many as it takes where Salesforce answers in small pages: a record on a later page is not missing', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 120);
    await deleteMany(org, ids);
    await org.faults({ smallPages: { size: 50 } });
    expect((await readRecords(org.connection, accounts, ids)).size).toBe(120);
  });

  test('none for nothing', async () => {
    await using org = await startedOrg();
    expect((await readRecords(org.connection, accounts, [])).size).toBe(0);
    expect((await org.stats()).apiCalls.total).toBe(0);
  });
});

describe('a failing call fails the step', () => {
  test.for([
    ['the daily limit', { requestLimitExceeded: {} }, 'RetryableError', 'REQUEST_LIMIT_EXCEEDED'],
    ['503', { serverUnavailable: {} }, 'RetryableError', 'SERVER_UNAVAILABLE'],
    ['a proxy', { badGateway: {} }, 'RetryableError', 'ERROR_HTTP_502'],
    ['a broken connection', { connectionReset: {} }, 'RetryableError', 'ECONNRESET'],
    [
      'a field that the user may no longer see',
      { hiddenField: { object: 'Account', field: 'Phone' } },
      'ConfigurationError',
      'INVALID_FIELD',
    ],
  ] as const)('%s', async ([, fault, name, code]) => {
    await using org = await startedOrg();
    const id = await created(org, 'Account', { Name: 'A' });
    await org.faults(fault);
    await expect(readRecords(org.connection, accounts, [id])).rejects.toMatchObject({ name, code });
  });

  test('an org that is away', async () => {
    const org = await startedOrg();
    await org.simulator.stop();
    await expect(readRecords(org.connection, accounts, [MISSING])).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'ECONNREFUSED',
    });
  });
});
