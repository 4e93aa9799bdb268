import { expect, test } from 'vitest';
import { connectByOAuth } from '../../appflow/salesforce/salesforce-connection.ts';
import { FakeOrg } from './fake-org.ts';

const credentials = (org: FakeOrg, refreshToken?: string) => ({
  loginUrl: `${org.instanceUrl}/`,
  clientId: 'id',
  clientSecret: 'secret&more',
  refreshToken,
});

test.each([
  [undefined, 'grant_type=client_credentials'],
  ['5Aep', 'grant_type=refresh_token&refresh_token=5Aep'],
])('a token is fetched at once (refresh token: %s)', async (refreshToken, grant) => {
  await using org = await new FakeOrg().listen();
  const connection = await connectByOAuth(credentials(org, refreshToken));
  expect(connection.instanceUrl).toBe(org.instanceUrl);
  expect(org.requests[0]?.body).toBe(`client_id=id&client_secret=secret%26more&${grant}`);
  expect(await connection.accessToken()).toBe(await connection.accessToken());
  expect(org.tokensGiven).toBe(1);
});

test('a refused token is replaced once, however many ask', async () => {
  await using org = await new FakeOrg().listen();
  const connection = await connectByOAuth(credentials(org));
  const old = await connection.accessToken();
  const [one, two] = await Promise.all([connection.accessToken(old), connection.accessToken(old)]);
  expect(one).toBe(two);
  expect(one).not.toBe(old);
  expect(org.tokensGiven).toBe(2);
  expect(await connection.accessToken(old)).toBe(one);
});

test('a failed refresh is thrown, and the next call tries again', async () => {
  await using org = await new FakeOrg().listen();
  const connection = await connectByOAuth(credentials(org));
  const old = await connection.accessToken();
  org.nextAnswers.push({ status: 400, body: { error: 'invalid_grant', error_description: 'expired' } });
  await expect(connection.accessToken(old)).rejects.toThrow('invalid_grant: expired');
  expect(await connection.accessToken(old)).not.toBe(old);
});
