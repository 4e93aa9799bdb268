import { expect, test } from 'vitest';
import lenderSeed from '../../../examples/lender/seed.ts';
import { START, startedOrg } from '../../../packages/salesforce-simulator/test/started-org.ts';

const DAY_MS = 86_400_000;

test('the seed is the same each time', () => {
  expect(lenderSeed(START)).toEqual(lenderSeed(START));
});

test('60 lenders, 300 borrowers and 500 loan applications, changed within the last 20 days and before now', async () => {
  await using org = await startedOrg({ seed: lenderSeed });
  const count = async (from: string) => (await org.connection.query(`SELECT COUNT() FROM ${from}`)).totalSize;
  expect([await count('Account'), await count('Contact'), await count('Opportunity')]).toEqual([60, 300, 500]);
  const { records } = await org.connection.query('SELECT SystemModstamp, Credit_Score__c, Account.Name FROM Contact');
  for (const { SystemModstamp, Credit_Score__c, Account } of records) {
    const age = START - Date.parse(SystemModstamp);
    expect(age).toBeGreaterThan(0);
    expect(age).toBeLessThanOrEqual(20 * DAY_MS + 1000);
    expect([Credit_Score__c, Account?.Name]).toEqual([null, expect.any(String)]);
  }
  expect(await count("Opportunity WHERE Purposes__c INCLUDES ('Vehicle') AND Approved_At__c != null")).toBeGreaterThan(
    5,
  );
  expect(await count('Opportunity WHERE Probability = 100 AND IsWon = true')).toBe(
    await count("Opportunity WHERE StageName = 'Closed Won'"),
  );
  expect((await org.stats()).writes).toEqual({});
});

test('each value of the seed would be accepted from a client', async () => {
  await using org = await startedOrg();
  const rows = lenderSeed(START).map(({ object, values }) => ({ attributes: { type: object }, ...values }));
  for (let i = 0; i < rows.length; i += 200) {
    const answer = await org.call('POST', '/composite/sobjects', { records: rows.slice(i, i + 200) });
    expect((answer.json as { success: boolean }[]).every(({ success }) => success)).toBe(true);
  }
});
