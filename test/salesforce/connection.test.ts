import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type * as connections from '../../functions/connections.ts';
import { type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import type * as pushes from '../../salesforce/push.ts';
import type * as reads from '../../salesforce/read.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';
import { accounts, createMany, tally, update } from './records.ts';

let aws: AwsEnvironment;
let sharedConnection: typeof connections.sharedConnection;
let pushDeletes: typeof pushes.pushDeletes;
let pushRevives: typeof pushes.pushRevives;
let pushUpdates: typeof pushes.pushUpdates;
let readRecords: typeof reads.readRecords;

beforeAll(async () => {
  aws = await startAwsEnvironment();
});
afterAll(() => aws[Symbol.asyncDispose]());
// Each test is a new Lambda environment.
beforeEach(async () => {
  vi.resetModules();
  ({ sharedConnection } = await import('../../functions/connections.ts'));
  ({ pushDeletes, pushRevives, pushUpdates } = await import('../../salesforce/push.ts'));
  ({ readRecords } = await import('../../salesforce/read.ts'));
});

function secretOf(org: StartedOrg, more: object = {}) {
  const { instanceUrl, clientId, clientSecret } = org.simulator;
  return aws.secret('salesforce', { instanceUrl, clientId, clientSecret, ...more });
}
const tokens = async (org: StartedOrg) => (await org.stats()).apiCalls.byKind.token ?? 0;
const expire = (org: StartedOrg) => org.call('POST', '~/_simulator/actions', { expireTokens: true });

describe('the log-in', () => {
  test('is done once for all users of a Lambda environment, and names us', async () => {
    await using org = await startedOrg();
    const secret = await secretOf(org);
    const [one, two] = await Promise.all([sharedConnection(secret), sharedConnection(secret)]);
    expect(one).toBe(two);
    expect(await tokens(org)).toBe(1);
    await org.faults({ requestLimitExceeded: { client: 'sfsync' } });
    await expect(readRecords(one, accounts, ['001Ws00000zzzzzIAA'])).rejects.toMatchObject({
      code: 'REQUEST_LIMIT_EXCEEDED',
    });
  });

  test('is another one for another secret', async () => {
    await using ours = await startedOrg();
    await using theirs = await startedOrg();
    const { instanceUrl, clientId, clientSecret } = theirs.simulator;
    const connection = await sharedConnection(await secretOf(ours));
    const other = await sharedConnection(await aws.secret('another', { instanceUrl, clientId, clientSecret }));
    expect([connection, other].map((each) => each.instanceUrl)).toEqual([ours.simulator.instanceUrl, instanceUrl]);
  });

  test('can go by a refresh token', async () => {
    await using org = await startedOrg();
    const connection = await sharedConnection(await secretOf(org, { refreshToken: org.simulator.refreshToken }));
    expect((await readRecords(connection, accounts, ['001Ws00000zzzzzIAA'])).size).toBe(0);
  });

  test.for([
    ['client id', { clientId: 'wrong' }, 'invalid_client_id'],
    ['client secret', { clientSecret: 'wrong-secret' }, 'invalid_client'],
    ['refresh token', { refreshToken: 'wrong' }, 'invalid_grant'],
  ] as const)('with a wrong %s says what to check, and works once the secret is mended', async ([, wrong, code]) => {
    await using org = await startedOrg();
    const secret = await secretOf(org, wrong);
    const refused = await sharedConnection(secret).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      name: 'ConfigurationError',
      code,
      message: expect.stringContaining('connected app'),
    });
    expect(String(refused)).not.toContain('wrong');
    await secretOf(org);
    await sharedConnection(secret);
  });

  test('with an incomplete secret names what is missing and no value', async () => {
    const secret = await aws.secret('salesforce', { instanceUrl: 'nowhere', clientSecret: 'top-secret' });
    const error = await sharedConnection(secret).catch((reason: unknown) => String(reason));
    expect(error).toContain('instanceUrl');
    expect(error).toContain('clientId');
    expect(error).not.toContain('top-secret');
  });

  test('without a secret is a matter of the deployment', async () => {
    const missing = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:none-AbCdEf';
    await expect(sharedConnection(missing)).rejects.toMatchObject({ name: 'ConfigurationError' });
  });

  test('to an org that is away may be tried again', async () => {
    const org = await startedOrg();
    const secret = await secretOf(org);
    await org.simulator.stop();
    await expect(sharedConnection(secret)).rejects.toMatchObject({ name: 'RetryableError', code: 'ECONNREFUSED' });
  });
});

describe('a session that has ended', () => {
  test('is renewed once for each call that finds out, by REST and by SOAP', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    const connection = await sharedConnection(await secretOf(org));
    const target = { connection, mapping: accounts, notAfter: Date.now() + 60_000, sent: { any: false } };
    await org.call('POST', '~/_simulator/stats/reset');

    await expire(org);
    expect((await readRecords(connection, accounts, ids)).size).toBe(1);
    await expire(org);
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    expect(tally(await pushUpdates(target, lines))).toEqual({ accepted: 1 });
    await expire(org);
    expect(tally(await pushDeletes(target, lines))).toEqual({ accepted: 1 });
    await expire(org);
    expect(tally(await pushRevives(target, lines))).toEqual({ accepted: 1 });
    expect(await tokens(org)).toBe(4);
    expect((await org.stats()).writes).toEqual({ Account: { update: 2, delete: 1, undelete: 1 } });
  });

  test('is given up when Salesforce refuses the new token, too: two calls, no more', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    const connection = await sharedConnection(await secretOf(org));
    const target = { connection, mapping: accounts, notAfter: Date.now() + 60_000, sent: { any: false } };
    await org.faults({ unauthorized: { times: 'always', kinds: ['retrieve', 'collections', 'soap'] } });
    await org.call('POST', '~/_simulator/stats/reset');
    const refused = { name: 'RetryableError', code: 'INVALID_SESSION_ID' };
    await expect(readRecords(connection, accounts, ids)).rejects.toMatchObject(refused);
    expect((await org.stats()).apiCalls.byKind).toEqual({ retrieve: 2, token: 1 });
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    await expect(pushUpdates(target, lines)).rejects.toMatchObject(refused);
    await expect(pushDeletes(target, lines)).rejects.toMatchObject(refused);
    await expect(pushRevives(target, lines)).rejects.toMatchObject(refused);
    expect((await org.stats()).apiCalls.byKind).toEqual({ retrieve: 2, collections: 4, soap: 2, token: 4 });
  });

  test('is renewed with the secret as it is now: a rotated one needs no new environment', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    const connection = await sharedConnection(await secretOf(org));
    await expire(org);
    await secretOf(org, { clientSecret: 'rotated away' });
    await expect(readRecords(connection, accounts, ids)).rejects.toMatchObject({
      name: 'ConfigurationError',
      code: 'invalid_client',
    });
    await secretOf(org);
    expect((await readRecords(connection, accounts, ids)).size).toBe(1);
  });

  test('is not renewed for another org that the secret leads to now: the next call has a connection to that one', async () => {
    await using org = await startedOrg();
    const secret = await secretOf(org);
    const connection = await sharedConnection(secret);
    // All orgs of the simulator have one id: the connection is as if it had been made to another one.
    const [now, before] = [connection.organizationId, '00DWs0000000999'];
    Object.assign(connection, { organizationId: before });
    await expire(org);
    await expect(readRecords(connection, accounts, ['001Ws00000zzzzzIAA'])).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'OTHER_ORG',
      message: `The secret leads to org ${now} now, and this connection is to ${before}.`,
    });
    const next = await sharedConnection(secret);
    expect(next.organizationId).toBe(now);
    expect(next).not.toBe(connection);
    expect((await readRecords(next, accounts, ['001Ws00000zzzzzIAA'])).size).toBe(0);
  });

  test('is not used after the deadline, even if a new one is given', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 1);
    const connection = await sharedConnection(await secretOf(org));
    await expire(org);
    await org.faults({ slowAnswer: { kinds: ['token'], beforeMs: 60 } });
    const lines = ids.map((id) => update(id, { Phone: '1' }));
    const outcomes = await pushUpdates(
      { connection, mapping: accounts, notAfter: Date.now() + 50, sent: { any: false } },
      lines,
    );
    expect(tally(outcomes)).toEqual({ 'not applied': 1 });
    expect((await org.stats()).writes).toEqual({});
  });
});
