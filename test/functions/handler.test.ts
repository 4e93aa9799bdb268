import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, RejectedRecordError, RetryableError } from '../../core/errors.ts';
import type * as handlers from '../../functions/handler.ts';
import { invocation } from './lambda-environment.ts';

let defineHandler: typeof handlers.defineHandler;
let environment: typeof handlers.environment;

beforeAll(async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  ({ defineHandler, environment } = await import('../../functions/handler.ts'));
});
afterAll(() => vi.unstubAllEnvs());

const input = z.strictObject({ count: z.int() });
const output = z.strictObject({ twice: z.int() });
const doing = (run: (input: { count: number }) => Promise<unknown>) => {
  const handler = defineHandler({ input, output, run: (given) => run(given) as Promise<{ twice: number }> });
  return invocation<unknown>({ handler });
};

describe('a handler', () => {
  test('answers what its task made of the input', async () => {
    expect(await doing(async ({ count }) => ({ twice: count * 2 }))({ count: 2 })).toEqual({ twice: 4 });
  });

  test('takes and gives only what fits; a fault is reported by place, not by value', async () => {
    const called = vi.fn(async () => ({ twice: 'top secret' }));
    const wrongInput = await doing(called)({ count: 'top secret', more: 1 }).catch((error: unknown) => error);
    expect(called).not.toHaveBeenCalled();
    const wrongOutput = await doing(called)({ count: 1 }).catch((error: unknown) => error);
    expect(wrongInput).toMatchObject({
      name: 'InvariantError',
      code: 'FAULTY_TASK',
      message: expect.stringContaining('count'),
    });
    expect(wrongOutput).toMatchObject({
      name: 'InvariantError',
      code: 'FAULTY_TASK',
      message: expect.stringContaining('twice'),
    });
    expect(`${wrongInput}${wrongOutput}`).not.toContain('secret');
  });

  test('names each place at fault, and the whole where it is that', async () => {
    const run = async () => ({ twice: 1 });
    const wrong = (given: object) => doing(run)(given).catch((error: Error) => error.message);
    expect(await wrong({ count: 'one', more: 1 })).toMatch(
      /^The input of the task does not fit: count: .+; input: .+\.$/,
    );
    const nested = defineHandler({
      input: z.object({ a: z.object({ b: z.int() }) }),
      output: z.null(),
      run: async () => null,
    });
    await expect(invocation({ handler: nested })({ a: { b: 'x' } })).rejects.toThrow(/: a\.b: /);
  });

  test('logs with the request and, where the input has them, object and execution; with nothing else of it', async () => {
    const known = z.object({ object: z.string(), execution: z.string(), name: z.string() }).partial();
    const seen: unknown[] = [];
    const handler = defineHandler({
      input: z.union([known, z.null()]),
      output: z.null(),
      run: async (_input, { log }) => {
        seen.push(log.getPersistentLogAttributes());
        return null;
      },
    });
    const call = invocation<null>({ handler });
    await call({ object: 'Account', execution: 'arn', name: 'Northwind' });
    await call({ object: 'Contact' });
    await call(null as never);
    expect(seen).toEqual([
      expect.objectContaining({ request: 'request', object: 'Account', execution: 'arn' }),
      expect.objectContaining({ request: 'request', object: 'Contact' }),
      expect.objectContaining({ request: 'request' }),
    ]);
    expect(JSON.stringify(seen)).not.toContain('Northwind');
  });

  test.for([
    [new RetryableError('A', 'a'), 'RetryableError'],
    [new ConfigurationError('B', 'b'), 'ConfigurationError'],
    [new RejectedRecordError('C', 'c'), 'InvariantError'],
    [new TypeError('d'), 'InvariantError'],
    [Object.assign(new Error('e'), { code: 'ECONNRESET' }), 'RetryableError'],
  ] as const)('leaves %s as one of the classes that the machine knows', async ([error, name]) => {
    const failing = doing(() => Promise.reject(error));
    await expect(failing({ count: 1 })).rejects.toMatchObject({ name });
  });
});

test('the environment names every variable at fault', () => {
  vi.stubEnv('PRESENT', 'here');
  expect(environment({ PRESENT: z.string() })).toEqual({ PRESENT: 'here' });
  const faulty = () => environment({ PRESENT: z.coerce.number(), ABSENT: z.string(), MISSING: z.string() });
  expect(faulty).toThrow(/PRESENT.*\n.*ABSENT.*\n.*MISSING/);
  expect(faulty).toThrow(ConfigurationError);
  expect(faulty).toThrow(expect.objectContaining({ code: 'FAULTY_ENVIRONMENT' }));
});
