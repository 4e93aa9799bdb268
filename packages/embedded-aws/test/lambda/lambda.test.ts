import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { InvokeOutput } from '../../lambda/lambda-host.ts';
import { ARN, HostedLambda, ROLE, refusal, resultOf } from './hosted-lambda.ts';

let hosted: HostedLambda;

beforeEach(() => {
  hosted = new HostedLambda();
});

afterEach(async () => {
  await hosted[Symbol.asyncDispose]();
});

describe('invoking', () => {
  test('runs a CommonJS handler with event and context', async () => {
    hosted.register(`exports.handler = async (event, context) => ({
      event, name: context.functionName, arn: context.invokedFunctionArn, id: context.awsRequestId.length,
      remaining: context.getRemainingTimeInMillis() > 9000 })`);
    const output = await hosted.invoke({ a: 1 });
    expect(output).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(output.FunctionError).toBeUndefined();
    expect(resultOf(output)).toEqual({ event: { a: 1 }, name: 'work', arn: `${ARN}work`, id: 36, remaining: true });
  });

  test('runs an ES module handler, also with top-level await', async () => {
    hosted.register('const ready = await Promise.resolve(7); export const handler = () => ready;', {}, 'index.mjs');
    expect(await hosted.result({})).toBe(7);
  });

  test('takes index.js for CommonJS although a package.json above says otherwise', async () => {
    writeFileSync(join(hosted.directory, 'package.json'), '{"type":"module"}');
    hosted.register('exports.handler = () => typeof require');
    expect(await hosted.result({})).toBe('function');
  });

  test('honours the package.json that lies with the code', async () => {
    const { directory: code } = hosted.register('export const handler = () => "module"');
    writeFileSync(join(code, 'package.json'), '{"type":"module"}');
    expect(await hosted.result({})).toBe('module');
  });

  test('finds a handler in a folder, and a nested one', async () => {
    const settings = hosted.register('exports.api = { run: () => "nested" }', { handler: 'index.api.run' });
    expect(await hosted.result({})).toBe('nested');
    expect(settings.handler).toBe('index.api.run');
  });

  test('an undefined result is null, an empty payload an empty object', async () => {
    hosted.register('exports.handler = (event) => { if (Object.keys(event).length > 0) throw new Error("not empty") }');
    expect((await hosted.operation<InvokeOutput>('Invoke', { FunctionName: 'work' })).Payload).toBe('null');
  });

  test.each(['work', 'work:$LATEST', '000000000000:function:work', `${ARN}work`, `${ARN}work:$LATEST`])(
    'is reached as %s',
    async (FunctionName) => {
      hosted.register('exports.handler = () => 1');
      expect(await hosted.result({}, { FunctionName })).toBe(1);
    },
  );

  test('refuses what does not exist, what is no JSON and what is too large', async () => {
    expect(await refusal(hosted.invoke({}, { FunctionName: 'no_such' }))).toMatchObject({
      code: 'ResourceNotFoundException',
      status: 404,
      message: `Function not found: ${ARN}no_such:$LATEST`,
    });
    hosted.register('exports.handler = () => 1');
    expect(await refusal(hosted.invoke({}, { FunctionName: 'work:2' }))).toMatchObject({
      code: 'ResourceNotFoundException',
    });
    expect(await refusal(hosted.invoke({}, { Payload: '{' }))).toMatchObject({
      code: 'InvalidRequestContentException',
    });
    const Payload = JSON.stringify('x'.repeat(6 * 1024 * 1024));
    expect(await refusal(hosted.invoke({}, { Payload }))).toMatchObject({
      code: 'RequestTooLargeException',
      status: 413,
    });
    const asynchronous = JSON.stringify('x'.repeat(1024 * 1024));
    expect(await refusal(hosted.invoke({}, { Payload: asynchronous, InvocationType: 'Event' }))).toMatchObject({
      status: 413,
    });
  });

  test('a dry run runs nothing', async () => {
    hosted.register('throw new Error("loaded")');
    expect(await hosted.invoke({}, { InvocationType: 'DryRun' })).toEqual({ StatusCode: 204 });
  });
});

describe('the environment', () => {
  test("holds the function's variables and Lambda's, and nothing of the host's", async () => {
    process.env.SECRET_OF_THE_HOST = 'x';
    try {
      hosted.register('exports.handler = () => ({ ...process.env })', {
        environment: { TABLE: 't', AWS_REGION: 'other' },
      });
      const environment = await hosted.result({});
      expect(environment).toMatchObject({
        TABLE: 't',
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: 'eu-west-1',
        AWS_ENDPOINT_URL: hosted.aws.origin,
        AWS_ACCESS_KEY_ID: `key of ${ROLE}`,
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_LAMBDA_FUNCTION_NAME: 'work',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
        TZ: 'UTC',
      });
      expect(environment).not.toHaveProperty('SECRET_OF_THE_HOST');
      expect(environment).not.toHaveProperty('PATH');
    } finally {
      delete process.env.SECRET_OF_THE_HOST;
    }
  });

  test('is reused warm: module state stays', async () => {
    hosted.register('let calls = 0; exports.handler = () => ++calls');
    expect(await hosted.result({})).toBe(1);
    expect(await hosted.result({})).toBe(2);
  });

  test('is one per concurrent invocation', async () => {
    hosted.register(`const { threadId } = require('node:worker_threads');
      exports.handler = async () => { await new Promise((resolve) => setTimeout(resolve, 3000)); return threadId }`);
    const threads = await Promise.all([hosted.invoke({}), hosted.invoke({}), hosted.invoke({})]);
    expect(new Set(threads.map(resultOf)).size).toBe(3);
  });

  test('is not started for an invocation that another one has served meanwhile', async () => {
    hosted.register(`const { threadId } = require('node:worker_threads'); exports.handler = async () => threadId`);
    const threads = await Promise.all(Array.from({ length: 40 }, () => hosted.invoke({})));
    expect(new Set(threads.map(resultOf)).size).toBeLessThan(40);
  });

  test('ends when it has been idle for long enough', async () => {
    hosted.register('let calls = 0; exports.handler = () => ++calls');
    await hosted.invoke({});
    await hosted.aws.advance(4 * 60_000);
    expect(await hosted.result({})).toBe(2);
    await hosted.aws.advance(5 * 60_000);
    expect(await hosted.result({})).toBe(1);
  });

  test('is replaced when it broke while it was idle', async () => {
    hosted.register(`let calls = 0; exports.handler = (event) => {
      if (event.later) setImmediate(() => { throw new Error('left behind') });
      return ++calls }`);
    expect(await hosted.result({ later: true })).toBe(1);
    // The thread's end is seen by the host some time after the answer.
    await vi.waitFor(async () => expect(await hosted.result({})).toBe(1));
  });

  test('goes when more are idle than may run: the one that waited longest', async () => {
    await hosted.restart({ concurrency: 1 });
    hosted.register('let calls = 0; exports.handler = () => ++calls');
    hosted.register('let calls = 0; exports.handler = () => ++calls', { name: 'other' });
    await hosted.invoke({});
    await hosted.invoke({}, { FunctionName: 'other' });
    expect(await hosted.result({}, { FunctionName: 'other' })).toBe(2);
    expect(await hosted.result({})).toBe(1);
  });

  test('is new after the function was changed', async () => {
    const settings = hosted.register('let calls = 0; exports.handler = () => [process.env.MODE, ++calls]');
    expect(await hosted.result({})).toEqual([null, 1]);
    hosted.lambda.register({ ...settings, environment: { MODE: 'b' } });
    expect(await hosted.result({})).toEqual(['b', 1]);
  });
});

describe('a function that fails', () => {
  test('is reported by the name of its error', async () => {
    hosted.register(
      `exports.handler = () => { const error = new Error('no'); error.name = 'RetryableError'; throw error }`,
    );
    const output = await hosted.invoke({});
    expect(output).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(resultOf(output)).toMatchObject({
      errorType: 'RetryableError',
      errorMessage: 'no',
      trace: expect.arrayContaining(['RetryableError: no']),
    });
  });

  test('may throw something that is no error', async () => {
    hosted.register(`exports.handler = async () => { throw 'text' }`);
    expect(await hosted.result({})).toEqual({ errorType: 'string', errorMessage: 'text', trace: [] });
  });

  test('is ended at its timeout, and works again after it', async () => {
    hosted.register('exports.handler = (event) => event.hang ? new Promise(() => setInterval(() => {}, 1000)) : 1', {
      timeoutSeconds: 0.3,
    });
    await hosted.invoke({});
    const output = await hosted.invoke({ hang: true });
    expect(output.FunctionError).toBe('Unhandled');
    expect(resultOf(output)).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.30 seconds$/),
    });
    expect(hosted.log).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z [0-9a-f-]{36} Task timed out after 0\.30 seconds$/m);
    expect(await hosted.result({})).toBe(1);
  });

  test('is ended at its timeout even in an endless loop', async () => {
    hosted.register('exports.handler = () => { for (;;); }', { timeoutSeconds: 0.3 });
    expect(await hosted.result({})).toMatchObject({ errorType: 'Sandbox.Timedout' });
  });

  test('that leaves its process is reported with the exit status', async () => {
    hosted.register('exports.handler = () => process.exit(3)');
    expect(await hosted.result({})).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3$/),
    });
  });

  test('that uses up its memory is killed alone', async () => {
    hosted.register('exports.handler = () => { const all = []; for (;;) all.push(new Array(1e5).fill({})) }', {
      memoryMegabytes: 16,
    });
    expect(await hosted.result({})).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('signal: killed'),
    });
  });

  test('outside of its handler breaks its sandbox, not the host', async () => {
    hosted.register(`exports.handler = (event) => event.ok ? 1 : new Promise(() => {
      setTimeout(() => { Promise.reject(new Error('left behind')) }, 1) })`);
    expect(await hosted.result({})).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'left behind',
    });
    expect(await hosted.result({ ok: true })).toBe(1);
  });

  test.each([
    ['throws while loading', 'throw new TypeError("early")', 'index.handler', 'TypeError'],
    ['has a syntax error', 'exports.handler = (', 'index.handler', 'Runtime.UserCodeSyntaxError'],
    ['exports no such handler', 'exports.other = 1', 'index.handler', 'Runtime.HandlerNotFound'],
    ['has no such file', 'exports.handler = 1', 'main.handler', 'Runtime.ImportModuleError'],
    ['lacks a module', 'require("not-bundled")', 'index.handler', 'Runtime.ImportModuleError'],
    ['names its handler badly', 'exports.handler = 1', 'handler', 'Runtime.MalformedHandlerName'],
  ])('at init: %s', async (_, code, handler, errorType) => {
    hosted.register(code, { handler });
    const output = await hosted.invoke({});
    expect(output.FunctionError).toBe('Unhandled');
    expect(resultOf(output)).toMatchObject({ errorType });
  });

  test('by what it returns: too large, or not JSON', async () => {
    hosted.register(`exports.handler = (event) => event.large ? 'x'.repeat(6 * 1024 * 1024) : { big: 1n }`);
    expect(await hosted.result({ large: true })).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
    expect(await hosted.result({})).toMatchObject({ errorType: 'Runtime.MarshalError' });
  });
});

describe('concurrency', () => {
  const SLOW = 'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 200, 1))';

  test('reserved concurrency throttles', async () => {
    hosted.register(SLOW, { reservedConcurrency: 1 });
    const first = hosted.invoke({});
    expect(await refusal(hosted.invoke({}))).toMatchObject({
      code: 'TooManyRequestsException',
      status: 429,
      details: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' },
    });
    expect(resultOf(await first)).toBe(1);
    expect(await hosted.result({})).toBe(1);
  });

  test('zero switches the function off', async () => {
    hosted.register(SLOW, { reservedConcurrency: 0 });
    expect(await refusal(hosted.invoke({}))).toMatchObject({ code: 'TooManyRequestsException' });
  });

  test("the account's concurrency holds for all functions together", async () => {
    await hosted.restart({ concurrency: 2 });
    hosted.register(SLOW);
    hosted.register(SLOW, { name: 'other' });
    const running = [hosted.invoke({}), hosted.invoke({}, { FunctionName: 'other' })];
    expect(await refusal(hosted.invoke({}))).toMatchObject({
      details: { Reason: 'ConcurrentInvocationLimitExceeded' },
    });
    expect((await Promise.all(running)).map(resultOf)).toEqual([1, 1]);
  });
});

describe('the log', () => {
  test('holds what was written, between START, END and REPORT', async () => {
    hosted.register(
      `exports.handler = () => { console.log('a %d', 1); process.stdout.write('raw\\n'); console.error('bad') }`,
    );
    const output = await hosted.invoke({}, { LogType: 'Tail' });
    const lines = hosted.log.trimEnd().split('\n');
    const id = /^START RequestId: (\S+) Version: \$LATEST$/.exec(lines[0] ?? '')?.[1];
    expect(lines[1]).toMatch(new RegExp(`^\\S+Z\t${id}\tINFO\ta 1$`));
    expect(lines[2]).toBe('raw');
    expect(lines[3]).toMatch(new RegExp(`\t${id}\tERROR\tbad$`));
    expect(lines[4]).toBe(`END RequestId: ${id}`);
    expect(lines[5]).toMatch(/^REPORT RequestId: \S+\tDuration: .* ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t/);
    expect(lines[5]).toContain('Init Duration');
    expect(Buffer.from(output.LogResult ?? '', 'base64').toString()).toBe(hosted.log);
  });

  test('journals how an invocation ended, without its values', async () => {
    hosted.register(`exports.handler = () => { throw new Error('secret value') }`);
    await hosted.invoke({});
    const entry = hosted.aws.entries.find((candidate) => candidate.kind === 'lambda');
    expect(entry).toMatchObject({ subject: 'work', text: expect.stringMatching(/^failed with Error after \d+ ms/) });
    expect(JSON.stringify(hosted.aws.entries)).not.toContain('secret value');
  });
});

describe('a function that is taken away', () => {
  test('or replaced leaves no idle environment behind, not even the one that was busy', async () => {
    const settings = hosted.register('exports.handler = () => new Promise((resolve) => setTimeout(resolve, 100))');
    await hosted.invoke({});
    const running = hosted.invoke({});
    hosted.lambda.register({ ...settings, environment: { MODE: 'b' } });
    await running;
    expect(hosted.aws.nextTimerMs).toBeUndefined();
  });

  test('is gone when its last invocation has ended', async () => {
    hosted.register('exports.handler = () => new Promise((resolve) => setTimeout(resolve, 150, "finished"))');
    await hosted.invoke({});
    const events: string[] = [];
    const running = hosted.result({}).then((result) => events.push(String(result)));
    await hosted.lambda.unregister('work').then(() => events.push('gone'));
    await running;
    expect(events).toEqual(['finished', 'gone']);
    expect(await refusal(hosted.invoke({}))).toMatchObject({ code: 'ResourceNotFoundException' });
    await hosted.lambda.unregister('work');
  });
});

describe('stopping', () => {
  test('waits for what runs, up to the limit', async () => {
    hosted.register('exports.handler = () => new Promise((resolve) => setTimeout(resolve, 150, "finished"))');
    await hosted.invoke({});
    const running = hosted.invoke({});
    await hosted.lambda.stop(5_000);
    expect(resultOf(await running)).toBe('finished');
  });

  test('ends what runs longer', async () => {
    hosted.register('exports.handler = (event) => event.hang ? new Promise(() => setInterval(() => {}, 1000)) : 1');
    await hosted.invoke({});
    const running = hosted.invoke({ hang: true });
    await hosted.lambda.stop(20);
    expect(resultOf(await running)).toMatchObject({ errorType: 'Runtime.ExitError' });
  });
});
