import type { IncomingHttpHeaders } from 'node:http';
import type { AwsError, ServiceName } from '../service.ts';
import { type Answer, decodeJson, encodeJson } from './aws-json.ts';

/** A request as far as a REST protocol looks at it. */
export interface RestRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

interface RestRoute {
  readonly service: ServiceName;
  readonly operation: string;
  readonly method: string;
  /** A path whose `{Name}` steps become input members. */
  readonly path: string;
  readonly status?: number;
}

const FUNCTIONS = '/2015-03-31/functions';
const MAPPINGS = '/2015-03-31/event-source-mappings';

const ROUTES: readonly RestRoute[] = [
  { service: 'lambda', operation: 'CreateFunction', method: 'POST', path: FUNCTIONS, status: 201 },
  { service: 'lambda', operation: 'ListFunctions', method: 'GET', path: FUNCTIONS },
  { service: 'lambda', operation: 'GetFunction', method: 'GET', path: `${FUNCTIONS}/{FunctionName}` },
  {
    service: 'lambda',
    operation: 'DeleteFunction',
    method: 'DELETE',
    path: `${FUNCTIONS}/{FunctionName}`,
    status: 204,
  },
  {
    service: 'lambda',
    operation: 'GetFunctionConfiguration',
    method: 'GET',
    path: `${FUNCTIONS}/{FunctionName}/configuration`,
  },
  {
    service: 'lambda',
    operation: 'UpdateFunctionConfiguration',
    method: 'PUT',
    path: `${FUNCTIONS}/{FunctionName}/configuration`,
  },
  { service: 'lambda', operation: 'UpdateFunctionCode', method: 'PUT', path: `${FUNCTIONS}/{FunctionName}/code` },
  { service: 'lambda', operation: 'Invoke', method: 'POST', path: `${FUNCTIONS}/{FunctionName}/invocations` },
  { service: 'lambda', operation: 'CreateEventSourceMapping', method: 'POST', path: MAPPINGS, status: 202 },
  { service: 'lambda', operation: 'ListEventSourceMappings', method: 'GET', path: MAPPINGS },
  { service: 'lambda', operation: 'GetEventSourceMapping', method: 'GET', path: `${MAPPINGS}/{UUID}` },
  { service: 'lambda', operation: 'UpdateEventSourceMapping', method: 'PUT', path: `${MAPPINGS}/{UUID}`, status: 202 },
  {
    service: 'lambda',
    operation: 'DeleteEventSourceMapping',
    method: 'DELETE',
    path: `${MAPPINGS}/{UUID}`,
    status: 202,
  },
  { service: 'appflow', operation: 'CreateFlow', method: 'POST', path: '/create-flow' },
  { service: 'appflow', operation: 'UpdateFlow', method: 'POST', path: '/update-flow' },
  { service: 'appflow', operation: 'DeleteFlow', method: 'POST', path: '/delete-flow' },
  { service: 'appflow', operation: 'StartFlow', method: 'POST', path: '/start-flow' },
  { service: 'appflow', operation: 'StopFlow', method: 'POST', path: '/stop-flow' },
  { service: 'appflow', operation: 'DescribeFlow', method: 'POST', path: '/describe-flow' },
  {
    service: 'appflow',
    operation: 'DescribeFlowExecutionRecords',
    method: 'POST',
    path: '/describe-flow-execution-records',
  },
  { service: 'appflow', operation: 'ListFlows', method: 'POST', path: '/list-flows' },
  { service: 'appflow', operation: 'CancelFlowExecutions', method: 'POST', path: '/cancel-flow-executions' },
];

export interface RestCall {
  readonly operation: string;
  readonly input: object;
  /** Writes the operation's output. */
  readonly answer: (output: unknown) => Answer;
}

/** The call that a REST request stands for, or undefined when no route of the service fits. */
export function restCall(service: ServiceName, request: RestRequest): RestCall | undefined {
  // A trailing slash is what some clients send for a collection.
  const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
  for (const route of ROUTES) {
    if (route.service !== service || route.method !== request.method) continue;
    const parameters = pathParameters(route.path, path);
    if (parameters === undefined) continue;
    if (route.operation === 'Invoke') return invocation(parameters, request);
    const input = { ...Object.fromEntries(request.query), ...decodeJson(request.body), ...parameters };
    const { operation, status = 200 } = route;
    return { operation, input, answer: (output) => restAnswer(status, output) };
  }
  return undefined;
}

function pathParameters(template: string, path: string): Record<string, string> | undefined {
  const steps = template.split('/');
  const actual = path.split('/');
  if (steps.length !== actual.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, step] of steps.entries()) {
    const value = actual[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(step)?.[1];
    if (name !== undefined && value !== '') parameters[name] = decodeURIComponent(value);
    else if (step !== value) return undefined;
  }
  return parameters;
}

/** Invoke: the payload is the body as it stands, everything else travels in headers, both ways. */
function invocation(parameters: Record<string, string>, request: RestRequest): RestCall {
  const header = (name: string) => [request.headers[name]].flat()[0];
  const input = {
    ...parameters,
    Qualifier: request.query.get('Qualifier') ?? undefined,
    InvocationType: header('x-amz-invocation-type'),
    LogType: header('x-amz-log-type'),
    ClientContext: header('x-amz-client-context'),
    Payload: Buffer.from(request.body),
  };
  return { operation: 'Invoke', input, answer: (output) => invocationAnswer(output as InvokeOutput) };
}

/** What the Lambda service's `Invoke` answers. */
export interface InvokeOutput {
  readonly StatusCode?: number | undefined;
  readonly FunctionError?: string | undefined;
  readonly LogResult?: string | undefined;
  readonly ExecutedVersion?: string | undefined;
  readonly Payload?: Uint8Array | string | undefined;
}

function invocationAnswer(output: InvokeOutput): Answer {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  headers['x-amz-executed-version'] = output.ExecutedVersion ?? '$LATEST';
  if (output.FunctionError !== undefined) headers['x-amz-function-error'] = output.FunctionError;
  if (output.LogResult !== undefined) headers['x-amz-log-result'] = output.LogResult;
  return { status: output.StatusCode ?? 200, headers, body: output.Payload ?? '' };
}

function restAnswer(status: number, output: unknown): Answer {
  const body = status === 204 || output === undefined ? '' : encodeJson(output);
  return { status, headers: { 'content-type': 'application/json' }, body };
}

export function restErrorAnswer(error: AwsError): Answer {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': error.code };
  // Lambda writes `Message`, AppFlow `message`; clients of either read both.
  return { status: error.status, headers, body: encodeJson({ message: error.message, ...error.details }) };
}
