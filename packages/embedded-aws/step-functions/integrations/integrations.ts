import { randomUUID } from 'node:crypto';
import type { Caller, EmbeddedAws } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { TaskFailure } from '../states/failure.ts';
import type { Json, JsonObject } from '../states/json.ts';
import { isJsonObject } from '../states/json.ts';
import { callFunction, functionResult } from './integration-lambda.ts';
import { callSdk } from './integration-sdk.ts';
import type { OptimizedIntegration, RunnableResource } from './task-resource.ts';

/** On whose behalf a task is run. */
export interface TaskContext {
  readonly aws: EmbeddedAws;
  /** The role of the state machine, or that of the state's Credentials. */
  readonly caller: Caller;
  readonly executionArn: string;
  readonly machineArn: string;
}

/** Runs a task to its end and answers its result. Throws TaskFailure with the error and cause the state fails with. */
export async function runTaskResource(resource: RunnableResource, args: Json, context: TaskContext): Promise<Json> {
  if (resource.kind === 'function') return functionResult(resource.functionArn, args, context);
  if (!isJsonObject(args)) throw new TaskFailure('States.Runtime', 'The Arguments of the task must be an object');
  if (resource.kind === 'sdk') return callSdk(resource.sdk, resource.action, args, context);
  return OPTIMIZED[resource.name](args, context);
}

const OPTIMIZED: Readonly<Record<OptimizedIntegration, (args: JsonObject, context: TaskContext) => Promise<Json>>> = {
  'lambda:invoke': callFunction,
  'sqs:sendMessage': sendMessage,
  'sns:publish': publish,
  'events:putEvents': putEvents,
  'states:startExecution': startExecution,
};

/** An integration takes JSON where the API wants its text. */
function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function required(args: JsonObject, ...names: string[]): void {
  const missing = names.filter((name) => args[name] === undefined);
  if (missing.length === 0) return;
  const why = missing.map((name) => `The field '${name}' is required but was missing`).join(', ');
  throw new TaskFailure(
    'States.Runtime',
    `The Parameters '${JSON.stringify(args)}' could not be used to start the Task: [${why}]`,
  );
}

/** What the service's SDK adds to each answer of an optimized integration. */
function sdkMetadata(): JsonObject {
  return { SdkHttpMetadata: { HttpStatusCode: 200 }, SdkResponseMetadata: { RequestId: randomUUID() } };
}

/** Calls a service as an optimized integration does: errors are `<prefix>.<code>`, with the old SDK's words as the cause. */
async function call<Output>(prefix: string, sdkName: string, task: () => Promise<Output>): Promise<Output> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const facts = `Service: ${sdkName}; Status Code: ${error.status}; Error Code: ${error.code}; Request ID: ${randomUUID()}; Proxy: null`;
    const code = error.code.split('.').at(-1) ?? error.code;
    const name = code.endsWith('Exception') ? code : `${code}Exception`;
    throw new TaskFailure(`${prefix}.${name}`, `${error.message} (${facts})`);
  }
}

async function sendMessage(args: JsonObject, { aws, caller }: TaskContext): Promise<Json> {
  required(args, 'QueueUrl', 'MessageBody');
  const input = { ...args, MessageBody: asText(args.MessageBody ?? null) };
  const sent = await call('SQS', 'AmazonSQS', () => aws.call<JsonObject>('sqs', 'SendMessage', input, caller));
  return { ...sent, ...sdkMetadata() };
}

async function publish(args: JsonObject, { aws, caller }: TaskContext): Promise<Json> {
  required(args, 'Message');
  const input = { ...args, Message: asText(args.Message ?? null) };
  const published = await call('SNS', 'AmazonSNS', () => aws.call<JsonObject>('sns', 'Publish', input, caller));
  return { ...published, ...sdkMetadata() };
}

/** Every entry also names the execution and its machine among its resources (Developer Guide, EventBridge integration). */
async function putEvents(args: JsonObject, { aws, caller, executionArn, machineArn }: TaskContext): Promise<Json> {
  required(args, 'Entries');
  const given: readonly Json[] = Array.isArray(args.Entries) ? args.Entries : [];
  const Entries = given.map((entry): Json => {
    if (!isJsonObject(entry)) return entry;
    const resources: readonly Json[] = Array.isArray(entry.Resources) ? entry.Resources : [];
    return { ...entry, Detail: asText(entry.Detail ?? {}), Resources: [...resources, executionArn, machineArn] };
  });
  const put = await call('EventBridge', 'AmazonEventBridge', () =>
    aws.call<JsonObject>('events', 'PutEvents', { ...args, Entries }, caller),
  );
  const result = { ...put, ...sdkMetadata() };
  if (put.FailedEntryCount !== 0) throw new TaskFailure('EventBridge.FailedEntry', JSON.stringify(result));
  return result;
}

async function startExecution(args: JsonObject, { aws, caller }: TaskContext): Promise<Json> {
  required(args, 'StateMachineArn');
  const input = {
    stateMachineArn: args.StateMachineArn,
    ...(args.Name === undefined ? {} : { name: args.Name }),
    ...(args.Input === undefined ? {} : { input: asText(args.Input) }),
  };
  const started = await call('StepFunctions', 'AWSStepFunctions', () =>
    aws.call<{ executionArn: string; startDate: number }>('states', 'StartExecution', input, caller),
  );
  return { ExecutionArn: started.executionArn, StartDate: Math.round(started.startDate * 1_000), ...sdkMetadata() };
}
