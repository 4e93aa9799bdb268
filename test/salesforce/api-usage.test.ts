import { expect, test } from 'vitest';
import { startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { apiUsage, keepReserve } from '../../salesforce/api-usage.ts';
import { connectSalesforce } from '../../salesforce/connection.ts';
import { readRecords } from '../../salesforce/read.ts';
import { accounts } from './records.ts';

const NO_RECORD = '001Ws00000zzzzzIAA';

test('each answer of Salesforce holds how many API calls are used up, and the day gives them back', async () => {
  await using org = await startedOrg();
  const connection = await connectSalesforce(org.simulator);
  expect(apiUsage(connection)).toBeUndefined();
  await org.call('POST', '~/_simulator/actions', { apiUsage: { used: 4600, allowed: 5000 } });
  await readRecords(connection, accounts, [NO_RECORD]);
  expect(apiUsage(connection)).toEqual({ used: 4602, allowed: 5000 });
  org.clock.now += 24 * 3_600_000;
  await readRecords(connection, accounts, [NO_RECORD]);
  // The session has ended since: a call more.
  expect(apiUsage(connection)).toEqual({ used: 3, allowed: 5000 });
});

test.for([
  [undefined, 10, false],
  [{ used: 4500, allowed: 5000 }, 10, false],
  [{ used: 4501, allowed: 5000 }, 10, true],
  [{ used: 2501, allowed: 5000 }, 50, true],
  [{ used: 5000, allowed: 5000 }, 0, false],
] as const)('with %j and a reserve of %i %% a push has to wait: %s', ([usage, reserve, waits]) => {
  const kept = () => keepReserve('Account', usage, reserve);
  if (!waits) return expect(kept).not.toThrow();
  expect(kept).toThrow(expect.objectContaining({ name: 'RetryableError', code: 'API_CALLS_USED_UP' }));
});
