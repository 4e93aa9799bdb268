import { describe, expect, test } from 'vitest';
import { defineSync, mappingOf, text } from '../../core/mapping/configuration.ts';
import { created, START, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { listDeleted, listRecords } from '../../salesforce/list.ts';
import { createMany, deleteMany } from './records.ts';

const MINUTE = 60_000;
const mapping = mappingOf(
  defineSync({ objects: { Account: { table: 'lenders', fields: { Name: text('name'), Phone: text('phone') } } } }),
  'Account',
);

async function everything(org: StartedOrg, limit: number, from?: number) {
  const found = [];
  let locator: string | undefined;
  let calls = 0;
  do {
    const place = { limit, ...(from !== undefined && { from }), ...(locator !== undefined && { locator }) };
    const listing = await listRecords(org.connection, mapping, place);
    found.push(...listing.records);
    locator = listing.locator;
    calls += 1;
  } while (locator !== undefined);
  return { found, calls };
}

describe('a list of records', () => {
  test('has stamps and values of live records and of those in the recycle bin', async () => {
    await using org = await startedOrg();
    const live = await created(org, 'Account', { Name: 'Live' });
    org.clock.now += 5000;
    const binned = await created(org, 'Account', { Name: 'Gone' });
    await deleteMany(org, [binned]);
    expect(await listRecords(org.connection, mapping, { limit: 100 })).toEqual({
      records: [
        { id: live, stamp: START, deleted: false, fields: { Name: 'Live', Phone: null } },
        { id: binned, stamp: START + 5000, deleted: true, fields: { Name: 'Gone', Phone: null } },
      ],
      locator: undefined,
    });
    expect((await org.stats()).apiCalls.byKind).toEqual({ queryAll: 1 });
  });

  test('of a window begins with its first second', async () => {
    await using org = await startedOrg();
    await created(org, 'Account', { Name: 'Before' });
    org.clock.now += 1000;
    const first = await created(org, 'Account', { Name: 'First' });
    const { records } = await listRecords(org.connection, mapping, { from: START + 1000, limit: 100 });
    expect(records.map(({ id }) => id)).toEqual([first]);
  });

  test('of an object without records is empty', async () => {
    await using org = await startedOrg();
    expect(await listRecords(org.connection, mapping, { limit: 100 })).toEqual({ records: [], locator: undefined });
  });

  test('comes in parts, each up to the page that reaches the limit, and together they are complete', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 450);
    await org.faults({ smallPages: { size: 100 } });
    const { found, calls } = await everything(org, 150);
    expect(found.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(calls).toBe(3);
    expect((await everything(org, 450)).calls).toBe(1);
  });

  test('whose cursor has expired is to be begun again later', async () => {
    await using org = await startedOrg();
    const locator = '/services/data/v66.0/query/01gWs0000000001AAA-2000';
    await expect(listRecords(org.connection, mapping, { limit: 1, locator })).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'INVALID_QUERY_LOCATOR',
    });
  });
});

describe('the delete log', () => {
  const purge = (org: StartedOrg) => org.call('POST', '~/_simulator/actions', { purge: {} });

  test('has what lies in the recycle bin and what was purged, with the time of the deletion', async () => {
    await using org = await startedOrg();
    const purged = await created(org, 'Account', { Name: 'Purged' });
    const binned = await created(org, 'Account', { Name: 'Binned' });
    await created(org, 'Account', { Name: 'Live' });
    await deleteMany(org, [purged]);
    await purge(org);
    org.clock.now += 61_000;
    await deleteMany(org, [binned]);
    org.clock.now += 5 * MINUTE;
    expect(await listDeleted(org.connection, 'Account', START - 60 * MINUTE, org.clock.now)).toEqual([
      { id: purged, deletedAt: START },
      { id: binned, deletedAt: START + 61_000 },
    ]);
    expect(await listDeleted(org.connection, 'Account', START + MINUTE, org.clock.now)).toMatchObject([{ id: binned }]);
    expect(await listDeleted(org.connection, 'Contact', START - MINUTE, org.clock.now)).toEqual([]);
  });

  test('that does not reach back that far proves nothing', async () => {
    await using org = await startedOrg();
    const longAgo = START - 16 * 24 * 60 * MINUTE;
    expect(await listDeleted(org.connection, 'Account', longAgo, START)).toBeUndefined();
  });

  test('with more ids than one answer may hold is read in parts', async () => {
    const asked: string[] = [];
    const deletions = [0, 7, 8, 15].map((minute, i) => ({
      id: `00100000000000${i}AAA`,
      deletedDate: new Date(START + minute * MINUTE).toISOString(),
    }));
    const connection = {
      request: async (url: string) => {
        asked.push(url);
        const bounds = new URL(url, 'http://org').searchParams;
        const [start, end] = ['start', 'end'].map((name) => Date.parse(bounds.get(name) ?? ''));
        const found = deletions.filter(
          ({ deletedDate }) => Date.parse(deletedDate) >= (start ?? 0) && Date.parse(deletedDate) <= (end ?? 0),
        );
        if (found.length > 2) throw Object.assign(new Error('too many'), { errorCode: 'EXCEEDED_ID_LIMIT' });
        return { deletedRecords: found };
      },
    } as never;
    const found = await listDeleted(connection, 'Account', START, START + 16 * MINUTE);
    expect(new Set(found?.map(({ id }) => id)).size).toBe(4);
    expect(asked.length).toBeGreaterThan(2);
  });

  test('fails like any other call', async () => {
    await using org = await startedOrg();
    await org.faults({ requestLimitExceeded: {} });
    await expect(listDeleted(org.connection, 'Account', START - 60 * MINUTE, START)).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'REQUEST_LIMIT_EXCEEDED',
    });
  });
});
