import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
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

test('a call that is cut off is to be retried, and goes on neither in its session nor beside its repetition', async () => {
  const { defineHandler } = await import('../../functions/handler.ts');
  let working: Promise<unknown> = Promise.resolve();
  const handler = defineHandler({
    input: z.null(),
    output: z.null(),
    async run() {
      const session = await sharedSession(secret);
      await session.query(`begin; insert into lenders (name) values ('half way')`);
      working = session.query('select pg_sleep(60)').then(() => session.query('commit'));
      await working;
      return null;
    },
  });
  const context = { getRemainingTimeInMillis: () => 1500 } as Context;
  await expect(handler(null, context)).rejects.toMatchObject({ name: 'RetryableError', code: 'CUT_OFF' });
  await expect(working).rejects.toThrow();
  const next = await sharedSession(secret);
  const left = `select from pg_stat_activity where application_name = 'sfsync' and pid <> pg_backend_pid() and datname = current_database()`;
  await expect.poll(async () => (await next.query(left)).rowCount, { timeout: 10_000 }).toBe(0);
  expect((await next.query('select from lenders')).rowCount).toBe(0);
  await next.end();
});

test('a secret that does not let us in is asked for again: its password may be in the middle of a rotation', async () => {
  const faulty = await aws.secret('faulty', { ...lender.credentials, password: 'wrong' });
  const refused = { name: 'RetryableError', code: '28P01', message: expect.stringContaining('28P01') };
  await expect(sharedSession(faulty)).rejects.toMatchObject(refused);
  await expect(sharedSession(faulty)).rejects.toMatchObject(refused);
});
