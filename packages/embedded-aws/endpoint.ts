import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AnswerLost, type Faults } from './faults/faults.ts';
import { FAULTS_PATH, serveFaults } from './faults/faults-api.ts';
import { type Answer, decodeJson, jsonAnswer, jsonErrorAnswer } from './protocols/aws-json.ts';
import { decodeForm, queryAnswer, queryErrorAnswer } from './protocols/query-xml.ts';
import { restCall, restErrorAnswer } from './protocols/rest-json.ts';
import { type Route, routeOf } from './protocols/route.ts';
import { AwsError, type Caller, type Journal, type Operations, type ServiceName } from './service.ts';

/** May `caller` do this? Throws AwsError, named as that service names it, when not. */
export type Authorize = (
  caller: Caller,
  service: ServiceName,
  operation: string,
  input: object,
) => void | Promise<void>;

/** What a service that reads and writes HTTP itself gets of a request. */
export interface HttpContext {
  /** Who asks. Throws AwsError when the access key is refused. */
  readonly caller: () => Caller;
  readonly authorize: Authorize;
  readonly requestId: string;
  readonly faults: Faults | undefined;
}

/** S3: its bodies are streams, so it handles its own HTTP, errors included. */
export interface HttpService {
  handle(request: IncomingMessage, response: ServerResponse, context: HttpContext): Promise<void>;
}

export interface EndpointOptions {
  /** Each service by its name, without S3. */
  readonly services: Partial<Record<ServiceName, { readonly operations: Operations }>>;
  readonly s3: HttpService | undefined;
  readonly journal: Journal;
  /** Who holds an access key; undefined for an unsigned request. May throw AwsError to refuse it. */
  readonly callerOf: (accessKeyId: string | undefined) => Caller;
  /** Left out: everybody may do everything. */
  readonly authorize?: Authorize;
  /** Left out: nothing goes wrong. */
  readonly faults?: Faults;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface Endpoint {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly port: number;
  /** Stops listening and breaks off what is under way, waiting receives included. */
  close(): Promise<void>;
}

/** The largest body that is read as a whole: a function's code comes as base64 in JSON. S3 bodies are streamed. */
const MAX_BODY_BYTES = 128 * 1024 * 1024;

/**
 * One HTTP server on 127.0.0.1 for all services, as AWS clients speak to them. Signatures are not verified: the access
 * key only says who asks. What is not supported is refused by name and journalled as a fault.
 */
export async function createEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const server = createServer((request, response) => {
    serve(options, request, response).catch((error: unknown) => {
      options.journal.record({ kind: 'fault', subject: 'endpoint', text: String(error) });
      response.destroy();
    });
  });
  // Idle connections outlive the clients' pools: a server that hangs up first makes their next request fail.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function serve(options: EndpointOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomUUID();
  const { path, query } = target(request);
  const { faults } = options;
  if (path === FAULTS_PATH && faults !== undefined) return serveFaults(faults, request, response);
  const { route, scope } = routeOf(request.headers, query);
  const authorize: Authorize = options.authorize ?? (() => undefined);
  if (route.protocol === 's3' && options.s3 !== undefined) {
    const caller = () => options.callerOf(scope?.accessKeyId);
    await options.s3.handle(request, response, { caller, authorize, requestId, faults });
    return;
  }
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const answer = await answerOf(options, request, route, { path, query, requestId }, async (call) => {
    const caller = options.callerOf(scope?.accessKeyId);
    const operation = options.services[call.service]?.operations[call.operation];
    if (operation === undefined) throw unknownOperation(options, call.service, call.operation);
    await authorize(caller, call.service, call.operation, call.input);
    const work = async () => operation(call.input as never, caller, gone.signal);
    return faults === undefined ? work() : faults.around({ ...call, caller }, work);
  });
  if (gone.signal.aborted) return;
  if (answer === undefined) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, {
    ...answer.headers,
    'x-amzn-requestid': requestId,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}

/** Not by way of the URL class: it would take `//` for the beginning of a host name. */
function target(request: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '/', ...query] = (request.url ?? '/').split('?');
  return { path, query: new URLSearchParams(query.join('?')) };
}

interface Call {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: object;
}

/** undefined: the answer is lost on its way. */
async function answerOf(
  options: EndpointOptions,
  request: IncomingMessage,
  route: Route,
  { path, query, requestId }: { readonly path: string; readonly query: URLSearchParams; readonly requestId: string },
  run: (call: Call) => Promise<unknown>,
): Promise<Answer | undefined> {
  try {
    const body = await readBody(request);
    switch (route.protocol) {
      case 'json': {
        const { service, operation } = route;
        return jsonAnswer(service, await run({ service, operation, input: decodeJson(body) }));
      }
      case 'query': {
        const form = request.method === 'POST' ? new URLSearchParams(body.toString('utf8')) : query;
        const operation = form.get('Action') ?? '';
        const output = await run({ service: route.service, operation, input: decodeForm(form) });
        return queryAnswer(route.service, operation, output, requestId);
      }
      case 'rest': {
        const { service } = route;
        const method = request.method ?? 'GET';
        const call = restCall(service, { method, path, query, headers: request.headers, body });
        if (call === undefined) throw unknownOperation(options, service, `${method} ${path}`);
        return call.answer(await run({ service, operation: call.operation, input: call.input }));
      }
      case 's3':
        throw new AwsError('UnknownOperationException', `this endpoint has no S3; ${supported(options)}`);
      case 'refused':
        throw refused(options, route.reason);
      default:
        throw route satisfies never;
    }
  } catch (error) {
    if (error instanceof AnswerLost) return undefined;
    return errorAnswer(route, asAwsError(options, route, error), requestId);
  }
}

function errorAnswer(route: Route, error: AwsError, requestId: string): Answer {
  switch (route.protocol) {
    case 'json':
      return jsonErrorAnswer(route.service, error);
    case 'query':
      return queryErrorAnswer(route.service, error, requestId);
    case 'rest':
      return restErrorAnswer(error);
    case 's3':
      return queryErrorAnswer(undefined, error, requestId);
    case 'refused':
      return route.shape === 'json' ? jsonErrorAnswer(undefined, error) : queryErrorAnswer(undefined, error, requestId);
    default:
      throw route satisfies never;
  }
}

/** An error that is not AWS's is a fault of this program: it is journalled, and the client gets an error, too. */
function asAwsError(options: EndpointOptions, route: Route, error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  const subject = 'service' in route ? route.service : 'endpoint';
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  options.journal.record({ kind: 'fault', subject, text });
  return new AwsError('InternalFailure', error instanceof Error ? error.message : String(error), 500);
}

function unknownOperation(options: EndpointOptions, service: ServiceName, operation: string): AwsError {
  const known = options.services[service]?.operations;
  if (known === undefined) return refused(options, `the service ${service} is not part of this endpoint`);
  return refused(options, `${service} does not support ${operation}`, Object.keys(known).sort().join(', '));
}

function refused(options: EndpointOptions, reason: string, operations?: string): AwsError {
  const text = `${reason}; ${operations === undefined ? supported(options) : `supported are ${operations}`}`;
  options.journal.record({ kind: 'fault', subject: 'endpoint', text });
  return new AwsError('UnknownOperationException', text);
}

function supported(options: EndpointOptions): string {
  const names = [...Object.keys(options.services), ...(options.s3 === undefined ? [] : ['s3'])];
  return `supported are ${names.sort().join(', ')}`;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new AwsError('RequestEntityTooLargeException', `the body is larger than ${MAX_BODY_BYTES} bytes`, 413);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
