import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { bulkQuery } from '../../salesforce/bulk-query.ts';
import { connectSalesforce } from '../../salesforce/connection.ts';
import { countRecords, type RecordKey, readRecordKeys } from '../../salesforce/record-keys.ts';
import { accounts, createMany, deleteMany, opportunities } from './records.ts';

let org: StartedOrg;
beforeEach(async () => {
  org = await startedOrg();
});
afterEach(() => org[Symbol.asyncDispose]());

const by = (mapping: ObjectMapping, name: string): ObjectMapping => ({
  ...mapping,
  matchBy: mapping.fields.find(({ field }) => field === name),
});

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page);
  return items;
}

/** `count`: what the reader is given beforehand, by which it chooses the API. */
async function keysOf(mapping: ObjectMapping, count: number, connection = org.connection): Promise<RecordKey[]> {
  const keys = await all(readRecordKeys(connection, mapping, count));
  return keys.sort((a, b) => (a.id < b.id ? -1 : 1));
}
const BULK = 1_000_000;

describe('the keys of all records', () => {
  test('are those of live records, the same by REST and by Bulk, in canonical form', async () => {
    const ids = await createMany(org, 'Account', 450, (i) => ({
      Name: `A ${i}`,
      AnnualRevenue: i === 0 ? null : i * 100,
    }));
    await deleteMany(org, ids.slice(440));
    expect(await countRecords(org.connection, 'Account')).toBe(440);
    await org.faults({ smallPages: { size: 200 } });
    const revenue = by(accounts, 'AnnualRevenue');
    const byRest = await keysOf(revenue, 440);
    expect(byRest).toEqual(
      ids
        .slice(0, 440)
        .map((id, i) => ({ id, key: i === 0 ? undefined : String(i * 100) }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    await org.call('POST', '~/_simulator/stats/reset');
    expect(await keysOf(revenue, BULK)).toEqual(byRest);
    expect((await org.stats()).apiCalls.byKind).toEqual({ bulk: expect.any(Number) });
  });

  test('of dates and of text with quotes and line ends are read alike by both', async () => {
    const text = 'a "b",\n;c';
    await createMany(org, 'Opportunity', 2, (i) => ({
      Name: `${text} ${i}`,
      StageName: 'Prospecting',
      CloseDate: '2026-05-01',
    }));
    for (const count of [1, BULK]) {
      expect((await keysOf(by(opportunities, 'Name'), count)).map(({ key }) => key).sort()).toEqual([
        `${text} 0`,
        `${text} 1`,
      ]);
      expect((await keysOf(by(opportunities, 'CloseDate'), count)).map(({ key }) => key)).toEqual([
        '2026-05-01',
        '2026-05-01',
      ]);
    }
  });

  test('are none where no field is configured, and no page of nothing is an error', async () => {
    for (const count of [0, BULK]) expect(await keysOf(accounts, count)).toEqual([]);
    const [id] = await createMany(org, 'Account', 1);
    for (const count of [0, BULK]) expect(await keysOf(accounts, count)).toEqual([{ id, key: undefined }]);
  });

  test('cannot be read of a field that our user may not see', async () => {
    await org.faults({ hiddenField: { object: 'Account', field: 'Website' } });
    for (const count of [0, BULK]) {
      await expect(keysOf(by(accounts, 'Website'), count)).rejects.toMatchObject({
        name: 'ConfigurationError',
        code: 'INVALID_FIELD',
      });
    }
  });
});

describe('a query by the Bulk API', () => {
  const soql = 'SELECT Id FROM Account';
  const jobs = async () =>
    ((await org.call('GET', '/jobs/query')).json as { records: { id: string; state: string }[] }).records;

  test('leaves no job behind, also when it is not read to its end', async () => {
    await createMany(org, 'Account', 3);
    for await (const page of bulkQuery(org.connection, soql)) {
      expect(page).toHaveLength(3);
      break;
    }
    expect(await jobs()).toEqual([]);
  });

  test('waits for the job, and goes on with a new session when the old one has ended', async () => {
    await createMany(org, 'Account', 3);
    const { instanceUrl, clientId, clientSecret } = org.simulator;
    const connection = await connectSalesforce({ instanceUrl, clientId, clientSecret });
    await org.faults({ slowBulkJobs: { seconds: 0.2 } });
    await org.call('POST', '~/_simulator/actions', { expireTokens: true });
    expect(await all(bulkQuery(connection, soql))).toHaveLength(3);
  });

  test('whose job is aborted may be tried again', async () => {
    await org.faults({ slowBulkJobs: { seconds: 30 } });
    const reading = all(bulkQuery(org.connection, soql)).catch((error: unknown) => error);
    let job: { id: string } | undefined;
    while (job === undefined) [job] = await jobs();
    await org.call('PATCH', `/jobs/query/${job.id}`, { state: 'Aborted' });
    expect(await reading).toMatchObject({ name: 'RetryableError', code: 'BULK_JOB_FAILED' });
  });
});
