import { beforeEach, describe, expect, test } from 'vitest';
import { AwsError } from '../../service.ts';
import type { Json, JsonObject } from '../../step-functions/states/json.ts';
import { lambdaError } from './fake-aws.ts';
import { functionArn, machine, ROLE_ARN, Workshop } from './workshop.ts';

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});

function task(resource: string, args?: Json, change: JsonObject = {}): JsonObject {
  const state = { Type: 'Task', Resource: resource, End: true, ...(args === undefined ? {} : { Arguments: args }) };
  return machine({ T: { ...state, ...change } });
}

const INVOKE = 'arn:aws:states:::lambda:invoke';

describe('Lambda functions', () => {
  test('lambda:invoke wraps the result as the SDK does', async () => {
    shop.aws.functions.set('echo', (event) => event);
    const output = await shop.output(task(INVOKE, { FunctionName: 'echo', Payload: { a: '{% 1 %}' } }));
    expect(output).toEqual({
      ExecutedVersion: '$LATEST',
      Payload: { a: 1 },
      SdkHttpMetadata: { HttpStatusCode: 200 },
      SdkResponseMetadata: { RequestId: expect.any(String) },
      StatusCode: 200,
    });
  });

  test.each<[string, Json, Json]>([
    ['a string is the raw body', '"0"', '0'],
    ['of JSON text', '[1]', [1]],
    ['null is an empty object', null, {}],
  ])('Payload: %s', async (_, payload, event) => {
    shop.aws.functions.set('echo', (given) => given);
    const output = (await shop.output(task(INVOKE, { FunctionName: 'echo', Payload: payload }))) as JsonObject;
    expect(output.Payload).toEqual(event);
  });

  test('a function by its ARN gets the input and gives its bare result', async () => {
    shop.aws.functions.set('echo', (event) => ({ event }));
    expect(await shop.output(task(functionArn('echo')), 'text')).toEqual({ event: 'text' });
  });

  test.each([INVOKE, functionArn('broken')])(
    '%s: a thrown error is named as the function named it',
    async (resource) => {
      shop.aws.functions.set('broken', () => {
        throw lambdaError('RejectedRecordError', 'no');
      });
      const ended = await shop.run(task(resource, resource === INVOKE ? { FunctionName: 'broken' } : {}));
      expect(ended).toMatchObject({ status: 'FAILED', error: 'RejectedRecordError' });
      expect(JSON.parse(ended.cause ?? '')).toMatchObject({ errorType: 'RejectedRecordError', errorMessage: 'no' });
    },
  );

  test('an error without a type is Lambda.Unknown', async () => {
    shop.aws.functions.set('killed', () => {
      throw lambdaError(undefined as unknown as string, 'Task timed out after 3.00 seconds');
    });
    const ended = await shop.run(task(INVOKE, { FunctionName: 'killed' }));
    expect(ended.error).toBe('Lambda.Unknown');
    expect(ended.cause).toContain(
      'Lambda did not return an error type. Returned payload: {"errorMessage":"Task timed out',
    );
  });

  test.each([
    [new AwsError('TooManyRequestsException', 'Rate exceeded', 429), 'Lambda.TooManyRequestsException'],
    [new AwsError('AccessDeniedException', 'User is not authorized', 403), 'Lambda.AWSLambdaException'],
  ])('an error of the service: %s', async (thrown, error) => {
    shop.aws.functions.set('f', () => {
      throw thrown;
    });
    const ended = await shop.run(task(INVOKE, { FunctionName: 'f' }));
    expect(ended.error).toBe(error);
    expect(ended.cause).toContain(
      `(Service: AWSLambda; Status Code: ${thrown.status}; Error Code: ${thrown.code}; Request ID: `,
    );
  });

  test('without a function name the task cannot be started', async () => {
    expect(await shop.run(task(INVOKE, {}))).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  test('the call is made as the role of the machine, or as that of the state', async () => {
    shop.aws.functions.set('f', () => null);
    await shop.run(task(INVOKE, { FunctionName: 'f' }));
    await shop.run(task(INVOKE, { FunctionName: 'f' }, { Credentials: { RoleArn: 'arn:other' } }));
    expect(shop.aws.callers.filter((call) => call.startsWith('lambda'))).toEqual([
      `lambda:Invoke as ${ROLE_ARN}`,
      'lambda:Invoke as arn:other',
    ]);
  });

  test('a result of more than 256 KiB is a failure that can be caught', async () => {
    shop.aws.functions.set('f', () => 'ä'.repeat(131_072));
    const definition = machine({
      T: { Type: 'Task', Resource: functionArn('f'), Catch: [{ ErrorEquals: ['States.ALL'], Next: 'End' }], End: true },
      End: { Type: 'Pass', Output: '{% $states.input.Error %}', End: true },
    });
    expect(await shop.output(definition)).toBe('States.DataLimitExceeded');
  });
});

describe('time limits', () => {
  test.each([INVOKE, functionArn('slow')])('%s fails with States.Timeout and no cause', async (resource) => {
    shop.aws.functions.set('slow', () => new Promise<Json>(() => undefined));
    const definition = task(resource, { FunctionName: 'slow' }, { TimeoutSeconds: '{% 2 + 3 %}' });
    const execution = await shop.start(await shop.create(definition));
    await shop.clock.asleepFor(5_000);
    shop.clock.advance(5_000);
    const ended = await shop.ended(execution);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(ended.cause).toBeUndefined();
    const timedOut = resource === INVOKE ? 'TaskTimedOut' : 'LambdaFunctionTimedOut';
    expect((await shop.eventTypes(execution)).slice(-2)).toEqual([timedOut, 'ExecutionFailed']);
  });

  test('a task that ends in time leaves no timer behind', async () => {
    shop.aws.functions.set('f', () => null);
    await shop.output(task(functionArn('f'), {}, { TimeoutSeconds: 5 }));
    expect(shop.clock.sleeps).toEqual([5_000]);
    expect(shop.clock.sleepers).toBe(0);
  });
});

describe('optimized integrations', () => {
  test('sqs:sendMessage writes a body that is no text as JSON', async () => {
    const args = { QueueUrl: 'http://q/1', MessageBody: { a: 1 } };
    const output = await shop.output(task('arn:aws:states:::sqs:sendMessage', args));
    expect(shop.aws.messages).toEqual([{ queueUrl: 'http://q/1', body: '{"a":1}' }]);
    expect(output).toMatchObject({ MessageId: 'message-1', SdkResponseMetadata: {} });
  });

  test('a queue that is not there', async () => {
    const args = { QueueUrl: 'http://q/missing', MessageBody: 'text' };
    const ended = await shop.run(task('arn:aws:states:::sqs:sendMessage', args));
    expect(ended.error).toBe('SQS.NonExistentQueueException');
  });

  test('sns:publish', async () => {
    await shop.output(task('arn:aws:states:::sns:publish', { TopicArn: 'arn:topic', Message: ['a'] }));
    expect(shop.aws.notifications).toEqual([{ topicArn: 'arn:topic', message: '["a"]' }]);
  });

  const putEvents = task('arn:aws:states:::events:putEvents', {
    Entries: [{ Source: 's', DetailType: 'd', Detail: { object: '{% $states.input.object %}' }, Resources: ['r'] }],
  });

  test('events:putEvents names execution and machine among the resources', async () => {
    const machineArn = await shop.create(putEvents);
    const execution = await shop.start(machineArn, { object: 'Contact' });
    expect((await shop.ended(execution)).status).toBe('SUCCEEDED');
    expect(shop.aws.busEvents).toEqual([
      { Source: 's', DetailType: 'd', Detail: '{"object":"Contact"}', Resources: ['r', execution, machineArn] },
    ]);
  });

  test('events:putEvents fails when an entry failed', async () => {
    shop.aws.failingEntries = 1;
    const ended = await shop.run(putEvents, { object: 'Contact' });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'EventBridge.FailedEntry' });
    expect(ended.cause).toContain('ThrottlingException');
  });

  test('states:startExecution', async () => {
    const child = await shop.create(machine({ A: { Type: 'Pass', End: true } }));
    const args = { StateMachineArn: child, Name: 'child', Input: { a: 1 } };
    const start = task('arn:aws:states:::states:startExecution', args);
    const output = (await shop.output(start)) as { readonly ExecutionArn: string };
    expect(await shop.ended(output.ExecutionArn)).toMatchObject({ status: 'SUCCEEDED', output: '{"a":1}' });
    expect(await shop.run(start)).toMatchObject({ error: 'StepFunctions.ExecutionAlreadyExistsException' });
  });

  test('a parameter that is missing is reported', async () => {
    const ended = await shop.run(task('arn:aws:states:::sqs:sendMessage', { QueueUrl: 'http://q/1' }));
    expect(ended.cause).toContain("The field 'MessageBody' is required but was missing");
  });
});

describe('AWS SDK integrations', () => {
  const sdk = (action: string, args: Json) => task(`arn:aws:states:::aws-sdk:${action}`, args);

  test('parameters and results are PascalCase, moments are texts', async () => {
    shop.aws.flowRuns.set('contacts', []);
    const started = await shop.output(sdk('appflow:startFlow', { FlowName: 'contacts', ClientToken: 't' }));
    expect(started).toEqual({ FlowArn: 'arn:flow/contacts', FlowStatus: 'Active', ExecutionId: 'run-1' });
    expect(await shop.output(sdk('appflow:describeFlowExecutionRecords', { FlowName: 'contacts' }))).toEqual({
      FlowExecutions: [{ ExecutionId: 'run-1', ExecutionStatus: 'InProgress', StartedAt: '2026-03-01T12:00:00.000Z' }],
    });
  });

  test('errors carry the name of the service', async () => {
    shop.aws.flowRuns.set('contacts', []);
    const start = sdk('appflow:startFlow', { FlowName: 'contacts' });
    await shop.output(start);
    const again = await shop.run(start);
    expect(again).toMatchObject({ status: 'FAILED', error: 'Appflow.ConflictException' });
    expect(again.cause).toMatch(/^The flow contacts is running\. \(Service: Appflow, Status Code: 409, Request ID: /);
    expect((await shop.run(sdk('appflow:startFlow', { FlowName: 'no' }))).error).toBe(
      'Appflow.ResourceNotFoundException',
    );
  });

  test('services that write PascalCase themselves get what is given', async () => {
    await shop.output(sdk('sqs:sendMessage', { QueueUrl: 'http://q/1', MessageBody: 'text' }));
    expect(shop.aws.messages).toEqual([{ queueUrl: 'http://q/1', body: 'text' }]);
  });

  test('the history names service and action', async () => {
    shop.aws.flowRuns.set('contacts', []);
    const { arn } = await shop.run(sdk('appflow:startFlow', { FlowName: 'contacts' }));
    const scheduled = (await shop.events(arn)).find((event) => event.type === 'TaskScheduled');
    expect(scheduled?.taskScheduledEventDetails).toEqual({
      resourceType: 'aws-sdk:appflow',
      resource: 'startFlow',
      region: 'eu-central-1',
      parameters: '{"FlowName":"contacts"}',
    });
  });
});

test('a fault of a service fails the execution and is reported', async () => {
  shop.aws.functions.set('f', () => null);
  const ended = await shop.run(task('arn:aws:states:::aws-sdk:sts:getCallerIdentity', {}));
  expect(ended).toMatchObject({
    status: 'FAILED',
    error: 'States.Runtime',
    cause: 'the fake has no sts:GetCallerIdentity',
  });
  expect(shop.aws.entries.filter((entry) => entry.kind === 'fault')).toHaveLength(1);
});
