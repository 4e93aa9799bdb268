import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ARN, HostedLambda, ROLE, refusal } from './hosted-lambda.ts';

let hosted: HostedLambda;

beforeEach(() => {
  hosted = new HostedLambda();
});

afterEach(async () => {
  await hosted[Symbol.asyncDispose]();
});

describe('functions made through the API', () => {
  const ZipFile = Buffer.from(
    zipSync({ 'index.js': strToU8('exports.handler = (event) => [process.env.MODE, event]') }),
  ).toString('base64');
  const request = {
    FunctionName: 'made',
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Role: ROLE,
    Code: { ZipFile },
  };

  test('run, are described, changed, listed and deleted', async () => {
    expect(await hosted.operation('CreateFunction', { ...request, Timeout: 5 })).toMatchObject({
      FunctionArn: `${ARN}made`,
      State: 'Active',
      Timeout: 5,
      MemorySize: 128,
    });
    expect(await hosted.result(1, { FunctionName: 'made' })).toEqual([null, 1]);
    await hosted.operation('UpdateFunctionConfiguration', {
      FunctionName: 'made',
      Environment: { Variables: { MODE: 'x' } },
    });
    expect(await hosted.result(1, { FunctionName: 'made' })).toEqual(['x', 1]);
    expect(await hosted.operation('GetFunctionConfiguration', { FunctionName: `${ARN}made` })).toMatchObject({
      Environment: { Variables: { MODE: 'x' } },
      Timeout: 5,
    });
    expect(await hosted.operation('ListFunctions', {})).toMatchObject({ Functions: [{ FunctionName: 'made' }] });
    await hosted.operation('DeleteFunction', { FunctionName: 'made' });
    expect(await refusal(hosted.operation('GetFunction', { FunctionName: 'made' }))).toMatchObject({ status: 404 });
    expect(await refusal(hosted.invoke(1, { FunctionName: 'made' }))).toMatchObject({ status: 404 });
  });

  test('survive a restart', async () => {
    await hosted.operation('CreateFunction', request);
    await hosted.restart();
    expect(await hosted.result(2, { FunctionName: 'made' })).toEqual([null, 2]);
  });

  test('are made once', async () => {
    await hosted.operation('CreateFunction', request);
    expect(await refusal(hosted.operation('CreateFunction', request))).toMatchObject({
      code: 'ResourceConflictException',
      status: 409,
      message: 'Function already exist: made',
    });
  });

  test.each([
    ['another runtime', { Runtime: 'python3.13' }],
    ['code that is no archive', { Code: { ZipFile: Buffer.from('text').toString('base64') } }],
    ['code in S3', { Code: { S3Bucket: 'b', S3Key: 'k' } }],
    ['a timeout above 900 seconds', { Timeout: 901 }],
    [
      'an archive that writes elsewhere',
      { Code: { ZipFile: Buffer.from(zipSync({ '../x.js': strToU8('1') })).toString('base64') } },
    ],
  ])('are refused with %s', async (_, change) => {
    expect(await refusal(hosted.operation('CreateFunction', { ...request, ...change }))).toMatchObject({
      code: 'InvalidParameterValueException',
    });
  });

  test('event source mappings are refused', async () => {
    expect(await refusal(hosted.operation('CreateEventSourceMapping', {}))).toMatchObject({
      message: expect.stringContaining('not part of this host'),
    });
  });
});
