import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { HttpContext } from '../../endpoint.ts';
import { AnswerLost } from '../../faults/faults.ts';
import { element, document as xmlDocument } from '../../protocols/xml.ts';
import { AwsError, type Journal } from '../../service.ts';
import { addressOf, header, type S3Reply, type S3Request, sourceIp } from './http-request.ts';
import { operationOf } from './http-routes.ts';

export type Handler = (request: S3Request) => S3Reply | Promise<S3Reply>;

/** Answers one S3 request, its errors included. Faults of this program and what is not offered are journalled. */
export async function serveS3(
  handlers: ReadonlyMap<string, Handler>,
  journal: Journal,
  request: IncomingMessage,
  response: ServerResponse,
  context: HttpContext,
): Promise<void> {
  let reply: S3Reply;
  try {
    reply = await answered(handlers, request, context);
  } catch (error) {
    // Who has hung up in the middle of a body needs no answer.
    if (request.destroyed && !request.complete) return;
    if (error instanceof AnswerLost) {
      response.destroy();
      return;
    }
    reply = errorReply(asAwsError(journal, error), request, context.requestId);
  }
  await write(reply, request, response, context.requestId);
}

async function answered(
  handlers: ReadonlyMap<string, Handler>,
  request: IncomingMessage,
  context: HttpContext,
): Promise<S3Reply> {
  const caller = context.caller();
  const s3Request: S3Request = {
    ...addressOf(request.url ?? '/'),
    method: request.method ?? 'GET',
    headers: request.headers,
    body: request as AsyncIterable<Uint8Array>,
    origin: { requestId: context.requestId, sourceIp: sourceIp(request) },
    authorize: async (operation, input) => context.authorize(caller, 's3', operation, input),
  };
  const operation = operationOf(s3Request);
  const handler = handlers.get(operation);
  if (handler === undefined) throw new AwsError('NotImplemented', `S3 here does not support ${operation}`, 501);
  // DeleteObjects asks for each of its keys.
  if (operation !== 'DeleteObjects') await s3Request.authorize(operation, inputOf(s3Request));
  // A read whose answer is lost is just read again; its body would stay open.
  if (context.faults === undefined || s3Request.method === 'GET') return handler(s3Request);
  const call = { service: 's3', operation, input: inputOf(s3Request), caller } as const;
  return context.faults.around(call, () => handler(s3Request));
}

/** What an authorizer may want to know. */
function inputOf({ bucket, key, query, headers }: S3Request): object {
  return {
    ...(bucket !== '' && { Bucket: bucket }),
    ...(key !== '' && { Key: key }),
    ...(query.has('prefix') && { Prefix: query.get('prefix') }),
    ...(headers['x-amz-copy-source'] !== undefined && { CopySource: header(headers, 'x-amz-copy-source') }),
  };
}

function asAwsError(journal: Journal, error: unknown): AwsError {
  if (error instanceof AwsError) {
    if (error.code === 'NotImplemented') journal.record({ kind: 'fault', subject: 's3', text: error.message });
    return error;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  journal.record({ kind: 'fault', subject: 's3', text });
  return new AwsError('InternalError', error instanceof Error ? error.message : String(error), 500);
}

function errorReply(error: AwsError, request: IncomingMessage, requestId: string): S3Reply {
  const { status } = error;
  if (request.method === 'HEAD' || status === 304) return { status };
  const body = xmlDocument(
    element('Error', [
      element('Code', error.code),
      element('Message', error.message),
      ...Object.entries(error.details).map(([name, value]) => element(name, String(value))),
      element('Resource', request.url?.split('?')[0] ?? '/'),
      element('RequestId', requestId),
    ]),
  );
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

async function write(
  reply: S3Reply,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const { status = 200, headers = {}, body = '' } = reply;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('server', 'AmazonS3');
  // A body that was not read must still leave the connection before the next request can come.
  request.resume();
  if (typeof body === 'string') {
    if (request.method !== 'HEAD' && status !== 204 && status !== 304) {
      response.setHeader('content-length', Buffer.byteLength(body));
    }
    response.end(body);
    return;
  }
  try {
    await pipeline(body, response);
  } catch (error) {
    // The client may stop reading whenever it likes.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
