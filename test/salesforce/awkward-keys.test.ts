/** Keys of rows that hold what a query gives a meaning to, or cannot hold. */
import { expect, test } from 'vitest';
import { externalIdFault } from '../../core/mapping/external-id.ts';
import { startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import { readByExternalId } from '../../salesforce/read-by-external-id.ts';
import { soqlText } from '../../salesforce/soql-text.ts';
import { opportunities } from './records.ts';

const KEYS = [
  'a\nb',
  'a\tb',
  "a'b",
  'a"b',
  'a\\b',
  "\\' or Name != '",
  'a%_b',
  '50%',
  'a&b=c#d+e',
  'ä€😀',
  'a\u2028b',
  'a\u0085b',
  '{"a": [1]}',
];

test('records are found by every key that Salesforce can hold', async () => {
  await using org = await startedOrg();
  const records = KEYS.map((key) => ({
    Name: 'L',
    StageName: 'Prospecting',
    CloseDate: '2026-05-01',
    External_Id__c: key,
  }));
  await org.connection.sobject('Opportunity').create(records);
  const found = await readByExternalId(org.connection, opportunities, KEYS);
  expect([...found.keys()].sort()).toEqual([...KEYS].sort());
  expect([...found.values()].every(({ version }) => version !== undefined)).toBe(true);
});

test('a line feed that stands in a query as it is makes it malformed', async () => {
  await using org = await startedOrg();
  const query = org.connection.query(`SELECT Id FROM Opportunity WHERE External_Id__c IN ('a\nb')`);
  await expect(query).rejects.toMatchObject({ errorCode: 'MALFORMED_QUERY' });
});

test('a key that makes its query malformed all the same is rejected alone', async () => {
  const record = (key: string) => ({
    Id: '006000000000001AAA',
    SystemModstamp: '2026-01-01T00:00:00.000Z',
    IsDeleted: false,
    External_Id__c: key,
  });
  let queries = 0;
  const query = async (soql: string) => {
    queries++;
    if (soql.includes("'bad'")) throw Object.assign(new Error('unexpected token'), { errorCode: 'MALFORMED_QUERY' });
    return { records: [...soql.matchAll(/'(good \d+)'/g)].map(([, key = '']) => record(key)) };
  };
  const connection = { query } as unknown as SalesforceConnection;
  const good = Array.from({ length: 7 }, (_, i) => `good ${i}`);
  const found = await readByExternalId(connection, opportunities, [...good, 'bad']);
  expect([...found.keys()].sort()).toEqual(['bad', ...good]);
  expect(found.get('bad')?.unusable).toMatchObject({ code: 'EXTERNAL_ID_UNUSABLE' });
  expect(queries).toBe(7);
});

test('escapes what ends a literal or a line', () => {
  expect(soqlText(`a'b\\c\nd\re\tf\bg\fh\u0000i\u007fj`)).toBe(String.raw`'a\'b\\c\nd\re\tf\bg\fh\u0000i\u007fj'`);
});

test.each([
  [undefined, 'a\nb'],
  [undefined, 'x'.repeat(255)],
  ['has more than 255 characters', 'x'.repeat(256)],
  ['has a control character', 'a\u0000b'],
  ['has a control character', 'a\r\nb'],
  ['has a control character', 'a\u001bb'],
  ['has a control character', 'a\ud800b'],
])('%s: whether a key can be an external id', (fault, key) => {
  expect(externalIdFault(key)).toBe(fault);
});
