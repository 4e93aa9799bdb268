import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { sharedSession as SharedSession } from '../../functions/connections.ts';
import { createLenderDatabase, type LenderDatabase } from '../support/postgres/lender-database.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

let aws: AwsEnvironment;
let lender: LenderDatabase;
let secret: string;
let sharedSession: typeof SharedSession;

beforeAll(async () => {
  aws = await startAwsEnvironment();
  lender = await createLenderDatabase();
  const { host, port, dbname, username, password } = lender.credentials;
  secret = await aws.secret('database', { host, port, dbname, username, password });
  ({ sharedSession } = await import('../../functions/connections.ts'));
});
afterAll(async () => {
  await lender[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});

test('one session is used until it is lost; the end of the lost one leaves the next one alone', async () => {
  const lost = await sharedSession(secret);
  expect(await sharedSession(secret)).toBe(lost);
  lost.emit('error', new Error('terminated'));
  const next = await sharedSession(secret);
  expect(next).not.toBe(lost);
  await lost.end();
  expect(await sharedSession(secret)).toBe(next);
  await next.end();
  const last = await sharedSession(secret);
  expect(last).not.toBe(next);
  await last.end();
});

test('a session that was not used for long and does not answer any more makes room for another', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const frozen = await sharedSession(secret);
  vi.setSystemTime(Date.now() + 60_000);
  expect(await sharedSession(secret)).toBe(frozen);
  // What the server says is not heard: it has ended the session while its client was frozen.
  frozen.connection.stream.pause();
  vi.setSystemTime(Date.now() + 60_000);
  const next = await sharedSession(secret);
  expect(next).not.toBe(frozen);
  expect((await next.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await next.end();
  vi.useRealTimers();
});

test('a secret that does not let us in is asked for again', async () => {
  const faulty = await aws.secret('faulty', { ...lender.credentials, password: 'wrong' });
  await expect(sharedSession(faulty)).rejects.toMatchObject({ code: '28P01' });
  await expect(sharedSession(faulty)).rejects.toMatchObject({ code: '28P01' });
});
