/** Upserts on the external id that holds the row key, and reads by it. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { InsertLine } from '../../core/contracts/insertion-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { pushInserts } from '../../salesforce/push-inserts.ts';
import { readByExternalId } from '../../salesforce/read-by-external-id.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';

const mapping = mappingOf(configuration, 'Opportunity');
const target = (org: StartedOrg, more: Partial<PushTarget> = {}): PushTarget => ({
  connection: org.connection,
  mapping,
  notAfter: Date.now() + 60_000,
  sent: { any: false },
  ...more,
});
const line = (externalId: string, fields: InsertLine['fields'] = {}): InsertLine => ({
  kind: 'insert',
  externalId,
  fields: { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2031-05-31', ...fields },
});

test('1,000 rows cost 13 calls with the look before and the read-back after, and make 1,000 records', async () => {
  await using org = await startedOrg();
  const keys = Array.from({ length: 1000 }, () => randomUUID());
  expect(await readByExternalId(org.connection, mapping, keys)).toEqual(new Map());
  const outcomes = await pushInserts(
    target(org),
    keys.map((key) => line(key, { Amount: '12.5' })),
  );
  expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
  const found = await readByExternalId(org.connection, mapping, keys);
  expect(outcomes.map(({ id }) => id)).toEqual(keys.map((key) => found.get(key)?.version?.id));
  expect(found.get(keys[0] ?? '')?.version).toMatchObject({ externalId: keys[0], fields: { Amount: '12.5' } });
  const { apiCalls, writes } = await org.stats();
  expect(writes).toEqual({ Opportunity: { create: 1000 } });
  expect(apiCalls.byKind).toMatchObject({ collections: 5 });
  expect((apiCalls.byKind.collections ?? 0) + (apiCalls.byKind.queryAll ?? 0)).toBeLessThanOrEqual(13);
});

test('twice the same row is one record', async () => {
  await using org = await startedOrg();
  const [first] = await pushInserts(target(org), [line('k')]);
  const [second] = await pushInserts(target(org), [line('k', { Name: 'Renamed' })]);
  expect(second).toEqual(first);
  expect((await readByExternalId(org.connection, mapping, ['k'])).get('k')?.version?.fields.Name).toBe('Renamed');
});

test('a refused row is answered with code and field, and the others pass; after the deadline nothing is sent', async () => {
  await using org = await startedOrg();
  const outcomes = await pushInserts(target(org), [line('good'), line('bad', { Name: 'x'.repeat(200) })]);
  expect(outcomes).toMatchObject([
    { externalId: 'good', outcome: 'accepted' },
    { externalId: 'bad', outcome: 'refused', code: 'STRING_TOO_LONG', field: 'Name' },
  ]);
  expect(outcomes[1]).not.toHaveProperty('id');
  const late = target(org, { notAfter: Date.now() - 1 });
  expect(await pushInserts(late, [line('late')])).toMatchObject([{ externalId: 'late', outcome: 'not applied' }]);
  expect(await readByExternalId(org.connection, mapping, ['bad', 'late'])).toEqual(new Map());
});

test('a live record comes before deleted ones, of these the last; what needs quotes is quoted', async () => {
  await using org = await startedOrg();
  const create = async (key: string) => {
    const fields = { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2031-05-31', External_Id__c: key };
    return (await org.connection.sobject('Opportunity').create(fields)).id ?? '';
  };
  const first = await create('k');
  await org.connection.sobject('Opportunity').destroy(first);
  expect((await readByExternalId(org.connection, mapping, ['k'])).get('k')?.version).toMatchObject({
    id: first,
    deleted: true,
  });
  const second = await create('k');
  const quoted = await create(String.raw`it's \ here`);
  const found = await readByExternalId(org.connection, mapping, ['k', String.raw`it's \ here`, "' OR Name != '"]);
  expect([...found].map(([key, { version }]) => [key, version?.id, version?.deleted])).toEqual(
    expect.arrayContaining([
      ['k', second, false],
      [String.raw`it's \ here`, quoted, false],
    ]),
  );
  expect(found.size).toBe(2);
});

test('a key that Salesforce takes for the external id of another record is not looked at as that record, nor sent', async () => {
  await using org = await startedOrg();
  const [first] = await pushInserts(target(org), [line('kq-7Ab')]);
  const found = await readByExternalId(org.connection, mapping, ['kq-7aB', 'kq-7Ab', 'KQ-7AB', 'other']);
  expect(found.get('kq-7Ab')?.version).toMatchObject({ id: first?.id, externalId: 'kq-7Ab' });
  for (const key of ['kq-7aB', 'KQ-7AB']) {
    expect(found.get(key)).toMatchObject({ unusable: { code: 'EXTERNAL_ID_TAKEN' } });
    expect(found.get(key)?.unusable?.reason).toContain(first?.id);
  }
  expect(found.has('other')).toBe(false);
});

test('a deleted record whose external id differs in case only stands in no row’s way', async () => {
  await using org = await startedOrg();
  const [first] = await pushInserts(target(org), [line('kq-7Ab')]);
  await org.connection.sobject('Opportunity').destroy(first?.id ?? '');
  expect(await readByExternalId(org.connection, mapping, ['kq-7aB'])).toEqual(new Map());
  expect(await pushInserts(target(org), [line('kq-7aB')])).toMatchObject([{ outcome: 'accepted' }]);
});
