import { randomUUID } from 'node:crypto';
import { AwsError } from '../../service.ts';
import { TaskFailure } from '../states/failure.ts';
import type { Json, JsonObject } from '../states/json.ts';
import { isJsonObject, parseJson } from '../states/json.ts';
import type { TaskContext } from './integrations.ts';

/** The answer of Invoke. `Payload` is JSON text; with `FunctionError` set it is the error. */
interface Invoked {
  readonly StatusCode: number;
  readonly FunctionError?: string | undefined;
  readonly Payload?: string | undefined;
  readonly ExecutedVersion?: string | undefined;
}

/** A function as the Resource itself: the arguments are its event, its result is the task's. */
export async function functionResult(functionArn: string, args: Json, context: TaskContext): Promise<Json> {
  const invoked = await invoke({ FunctionName: functionArn, Payload: JSON.stringify(args) }, context);
  return payloadOf(invoked);
}

/**
 * The integration `lambda:invoke`. A string as Payload is the raw body of the request, so `"0"` reaches the function as
 * the number 0; without a Payload, or with null, the function gets an empty object.
 */
export async function callFunction(args: JsonObject, context: TaskContext): Promise<Json> {
  if (args.FunctionName === undefined) {
    const why = "The field 'FunctionName' is required but was missing";
    throw new TaskFailure(
      'States.Runtime',
      `The Parameters '${JSON.stringify(args)}' could not be used to start the Task: [${why}]`,
    );
  }
  const body = args.Payload ?? {};
  const invoked = await invoke({ ...args, Payload: typeof body === 'string' ? body : JSON.stringify(body) }, context);
  return {
    ExecutedVersion: invoked.ExecutedVersion ?? '$LATEST',
    Payload: payloadOf(invoked),
    SdkHttpMetadata: { HttpStatusCode: invoked.StatusCode },
    SdkResponseMetadata: { RequestId: randomUUID() },
    StatusCode: invoked.StatusCode,
  };
}

function payloadOf(invoked: Invoked): Json {
  return invoked.Payload === undefined || invoked.Payload === '' ? null : parseJson(invoked.Payload);
}

async function invoke(input: JsonObject, { aws, caller }: TaskContext): Promise<Invoked> {
  let invoked: Invoked;
  try {
    invoked = await aws.call<Invoked>('lambda', 'Invoke', { InvocationType: 'RequestResponse', ...input }, caller);
  } catch (error) {
    if (error instanceof AwsError) throw serviceFailure(error);
    throw error;
  }
  if (invoked.FunctionError === undefined) return invoked;
  throw functionFailure(invoked.Payload ?? '');
}

function serviceFailure(error: AwsError): TaskFailure {
  // Not being allowed to invoke is reported under the name that stands for all faults Lambda's SDK has no class for.
  const name = error.code.startsWith('AccessDenied') ? 'AWSLambdaException' : error.code;
  const facts = `Service: AWSLambda; Status Code: ${error.status}; Error Code: ${error.code}; Request ID: ${randomUUID()}; Proxy: null`;
  return new TaskFailure(`Lambda.${name}`, `${error.message} (${facts})`);
}

/** The name of the thrown error is the error of the state; the whole payload, as text, is its cause. */
function functionFailure(payload: string): TaskFailure {
  const error = readPayload(payload);
  if (isJsonObject(error) && typeof error.errorType === 'string') return new TaskFailure(error.errorType, payload);
  const cause = `The cause could not be determined because Lambda did not return an error type. Returned payload: ${payload}`;
  return new TaskFailure('Lambda.Unknown', cause);
}

/** A function that was killed may leave anything behind, also what is no JSON. */
function readPayload(payload: string): Json | undefined {
  try {
    return parseJson(payload);
  } catch {
    return undefined;
  }
}
