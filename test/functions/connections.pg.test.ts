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

test('a session that was used a moment ago is not asked whether it is there', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const session = await sharedSession(secret);
  const asked = vi.spyOn(session, 'query');
  vi.setSystemTime(Date.now() + 29_000);
  expect(await sharedSession(secret)).toBe(session);
  vi.setSystemTime(Date.now() + 29_000);
  expect(await sharedSession(secret)).toBe(session);
  expect(asked).not.toHaveBeenCalled();
  vi.setSystemTime(Date.now() + 30_000);
  expect(await sharedSession(secret)).toBe(session);
  expect(asked).toHaveBeenCalledOnce();
  vi.useRealTimers();
  await session.end();
});

test('another secret has a session of its own', async () => {
  const { host, port, dbname, username, password } = lender.credentials;
  const other = await aws.secret('the-same-elsewhere', { host, port, dbname, username, password });
  const session = await sharedSession(secret);
  const another = await sharedSession(other);
  expect(another).not.toBe(session);
  expect(await sharedSession(other)).toBe(another);
  await session.end();
  expect(await sharedSession(other)).toBe(another);
  await another.end();
});

test('a session that was lost while no call was there to hear of it makes room for another', async () => {
  const idle = await sharedSession(secret);
  const [backend] = (await idle.query('select pg_backend_pid() as pid')).rows;
  const ended = new Promise((resolve) => idle.once('end', resolve));
  await lender.rows('select pg_terminate_backend($1)', [backend.pid]);
  await ended;
  const next = await sharedSession(secret);
  expect((await next.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await next.end();
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
  let used: unknown;
  const handler = defineHandler({
    input: z.null(),
    output: z.null(),
    async run() {
      const session = await sharedSession(secret);
      used = session;
      await session.query(`begin; insert into lenders (name) values ('half way')`);
      working = session.query('select pg_sleep(60)').then(() => session.query('commit'));
      await working;
      return null;
    },
  });
  const context = { getRemainingTimeInMillis: () => 1500 } as Context;
  await expect(handler(null, context)).rejects.toMatchObject({ name: 'RetryableError', code: 'CUT_OFF' });
  // At once, as the call that comes first after the thaw: that the session has ended was not heard yet.
  const next = await sharedSession(secret);
  expect(next).not.toBe(used);
  await expect(working).rejects.toThrow();
  const left = `select from pg_stat_activity where application_name = 'sfsync' and pid <> pg_backend_pid() and datname = current_database()`;
  await expect.poll(async () => (await next.query(left)).rowCount, { timeout: 10_000 }).toBe(0);
  expect((await next.query('select from lenders')).rowCount).toBe(0);
  await next.end();
});

test('a secret that does not let us in is asked for again: its password may be in the middle of a rotation', async () => {
  const faulty = await aws.secret('faulty', { ...lender.credentials, password: 'wrong' });
  const cause = { name: 'ConfigurationError', code: '28P01' };
  const refused = { name: 'RetryableError', code: '28P01', message: expect.stringContaining('28P01'), cause };
  await expect(sharedSession(faulty)).rejects.toMatchObject(refused);
  await expect(sharedSession(faulty)).rejects.toMatchObject(refused);
});

test.for([
  ['leads to no database', { dbname: 'nowhere' }, { name: 'ConfigurationError', code: '3D000' }],
  ['leads to no server', { port: 1 }, { name: 'RetryableError', code: 'ECONNREFUSED' }],
] as const)('a secret that %s says so', async ([, wrong, error]) => {
  const faulty = await aws.secret('leads-elsewhere', { ...lender.credentials, ...wrong });
  await expect(sharedSession(faulty)).rejects.toMatchObject(error);
});

test('a call that is cut off while there is no session leaves the next one alone', async () => {
  const { defineHandler } = await import('../../functions/handler.ts');
  const faulty = await aws.secret('nobody', { ...lender.credentials, port: 1 });
  const handler = defineHandler({
    input: z.null(),
    output: z.null(),
    async run() {
      await expect(sharedSession(faulty)).rejects.toThrow();
      await new Promise(() => undefined);
      return null;
    },
  });
  const context = { getRemainingTimeInMillis: () => 1_000 } as Context;
  await expect(handler(null, context)).rejects.toMatchObject({ code: 'CUT_OFF' });
  const next = await sharedSession(secret);
  expect((await next.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await next.end();
});
