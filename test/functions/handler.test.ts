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
});
