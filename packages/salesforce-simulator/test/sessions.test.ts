import { Connection } from 'jsforce';
import { describe, expect, test } from 'vitest';
import { refusal, type StartedOrg, startedOrg } from './started-org.ts';

function app(org: StartedOrg, version = '66.0'): Connection {
  const { instanceUrl, clientId, clientSecret } = org.simulator;
  return new Connection({
    loginUrl: instanceUrl,
    instanceUrl,
    version,
    oauth2: { clientId, clientSecret, loginUrl: instanceUrl },
  });
}

describe('tokens', () => {
  test('by client credentials', async () => {
    await using org = await startedOrg();
    const connection = app(org);
    const user = await connection.authorize({ grant_type: 'client_credentials' });
    expect(user).toMatchObject({ id: org.simulator.userId, organizationId: org.simulator.organizationId });
    expect(connection.accessToken).toMatch(/^00D\w{12,15}![.\w]*$/);
    expect((await connection.identity()).username).toBe(org.simulator.username);
  });

  test('by user name and password', async () => {
    await using org = await startedOrg();
    await app(org).login(org.simulator.username, org.simulator.password);
    await expect(app(org).login(org.simulator.username, 'wrong')).rejects.toThrow('authentication failure');
  });

  test('by refresh token, which jsforce uses by itself when the session has ended', async () => {
    await using org = await startedOrg();
    const { instanceUrl, clientId, clientSecret, refreshToken } = org.simulator;
    const oauth2 = { clientId, clientSecret, loginUrl: instanceUrl };
    const connection = new Connection({
      instanceUrl,
      version: '66.0',
      oauth2,
      refreshToken,
      accessToken: '00Dxx!ended',
    });
    expect((await connection.query('SELECT Id FROM User')).totalSize).toBe(1);
    const issued = connection.accessToken;
    await org.call('POST', '~/_simulator/actions', { expireTokens: true });
    await connection.query('SELECT Id FROM User');
    expect(connection.accessToken).not.toBe(issued);
    expect((await org.stats()).apiCalls.byKind.token).toBe(2);
  });

  test('end after two hours without use', async () => {
    await using org = await startedOrg();
    const connection = app(org);
    await connection.authorize({ grant_type: 'client_credentials' });
    const { instanceUrl, accessToken } = connection;
    const plain = new Connection({ instanceUrl, accessToken: String(accessToken), version: '66.0' });
    org.clock.now += 119 * 60_000;
    await plain.query('SELECT Id FROM User');
    org.clock.now += 119 * 60_000;
    await plain.query('SELECT Id FROM User');
    org.clock.now += 121 * 60_000;
    expect(await refusal(plain.query('SELECT Id FROM User'))).toEqual({
      errorCode: 'INVALID_SESSION_ID',
      message: 'Session expired or invalid',
    });
  });

  test('end when revoked', async () => {
    await using org = await startedOrg();
    const connection = app(org);
    await connection.authorize({ grant_type: 'client_credentials' });
    const accessToken = String(connection.accessToken);
    await connection.logout();
    const answer = await org.call('GET', '/limits', undefined, { Authorization: `Bearer ${accessToken}` });
    expect(answer.status).toBe(401);
  });

  test('what is wrong with a request for a token is answered in the words of OAuth', async () => {
    await using org = await startedOrg();
    const ask = async (form: Record<string, string>) => {
      const body = new URLSearchParams(form).toString();
      return (
        await org.call('POST', '~/services/oauth2/token', body, { 'Content-Type': 'application/x-www-form-urlencoded' })
      ).json;
    };
    const { clientId: client_id, clientSecret: client_secret } = org.simulator;
    const grant_type = 'client_credentials';
    expect(await ask({ grant_type: 'magic' })).toMatchObject({ error: 'unsupported_grant_type' });
    expect(await ask({ grant_type, client_id: 'x', client_secret })).toMatchObject({ error: 'invalid_client_id' });
    expect(await ask({ grant_type, client_id, client_secret: 'x' })).toMatchObject({ error: 'invalid_client' });
    expect(await ask({ grant_type: 'refresh_token', client_id, refresh_token: 'x' })).toMatchObject({
      error: 'invalid_grant',
      error_description: 'expired access/refresh token',
    });
  });

  test('are asked for everywhere except the list of versions', async () => {
    await using org = await startedOrg();
    const bare = (path: string) => fetch(org.simulator.instanceUrl + path);
    expect((await bare('/services/data')).status).toBe(200);
    for (const path of [
      '/services/data/v66.0',
      '/services/data/v66.0/sobjects',
      '/services/oauth2/userinfo',
      '/nowhere',
    ])
      expect([path, (await bare(path)).status]).toEqual([path, 401]);
    expect((await org.call('GET', '/limits', undefined, { Authorization: 'Nonsense' })).json).toMatchObject([
      { errorCode: 'INVALID_AUTH_HEADER' },
    ]);
  });
});

describe('SOAP', () => {
  test('login works up to v64 and is gone from v65 on', async () => {
    await using org = await startedOrg();
    const { instanceUrl: loginUrl, username, password, userId } = org.simulator;
    const quiet = { logLevel: 'NONE' } as const;
    const user = await new Connection({ loginUrl, version: '64.0', ...quiet }).login(username, password);
    expect(user.id).toBe(userId);
    const refused = new Connection({ loginUrl, version: '65.0', ...quiet }).login(username, password);
    await expect(refused).rejects.toThrow('UNSUPPORTED_API_VERSION');
  });

  test('a session that ended is a fault with HTTP status 500, upon which jsforce refreshes', async () => {
    await using org = await startedOrg();
    const { instanceUrl, clientId, clientSecret, refreshToken } = org.simulator;
    const plain = new Connection({ instanceUrl, version: '66.0', accessToken: '00Dxx!ended' });
    expect((await refusal(plain.soap.getServerTimestamp())).errorCode).toBe('sf:INVALID_SESSION_ID');
    const oauth2 = { clientId, clientSecret, loginUrl: instanceUrl };
    const refreshing = new Connection({
      instanceUrl,
      version: '66.0',
      oauth2,
      refreshToken,
      accessToken: '00Dxx!ended',
    });
    expect(await refreshing.soap.getServerTimestamp()).toEqual({ timestamp: '2026-03-01T12:00:00.000Z' });
  });

  test('creates, changes and deletes records too', async () => {
    await using org = await startedOrg();
    const { soap } = org.connection;
    const [result] = await soap.create([{ type: 'Account', Name: 'A <&> B', Phone: '1' }]);
    const Id = String(result?.id);
    await soap.update([{ type: 'Account', Id, Phone: null, Website: 'w' }]);
    expect(await org.connection.sobject('Account').retrieve(Id)).toMatchObject({
      Name: 'A <&> B',
      Phone: null,
      Website: 'w',
    });
    expect(await soap.delete([Id])).toMatchObject([{ success: true, id: Id }]);
    expect(await soap.getUserInfo()).toMatchObject({ userId: org.simulator.userId });
    await expect(soap.describeTabs()).rejects.toThrow('the org simulator has no SOAP operation describeTabs');
  });
});
