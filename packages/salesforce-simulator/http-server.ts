import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer } from './call.ts';

/** One request as it came in. */
export interface HttpRequest {
  readonly method: string;
  /** Path without query: duplicate slashes collapsed, no slash at the end. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answer with nothing but a closed connection. */
export const RESET = Symbol('connection reset');

export interface RunningServer {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Salesforce refuses longer addresses; a query that is longer has to go by other calls. */
const MAX_URL = 16_384;

/** Listens on 127.0.0.1. `answer` never throws. Rejects when the port is taken. */
export async function listen(
  port: number,
  answer: (request: HttpRequest) => Promise<Answer | typeof RESET>,
): Promise<RunningServer> {
  const server = createServer({ maxHeaderSize: 4 * MAX_URL, keepAliveTimeout: 60_000 }, (request, response) => {
    void handle(request, response, answer);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port: actual } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${actual}`, stop: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: HttpRequest) => Promise<Answer | typeof RESET>,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) return;
  const target = request.url ?? '/';
  if (target.length > MAX_URL) {
    send(request, response, { status: 414, text: '<html><body>URI Too Long</body></html>', contentType: 'text/html' });
    return;
  }
  const [rawPath = '/', rawQuery = ''] = splitOnce(target, '?');
  const path = rawPath.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  const result = await answer({
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(rawQuery),
    headers: request.headers,
    body,
  });
  if (result === RESET) request.socket.resetAndDestroy();
  else send(request, response, result);
}

/** The whole body as text; undefined when the client hung up in the middle of it. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch (error) {
    if (request.socket.destroyed) return undefined;
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, json, text, contentType, headers }: Answer,
): void {
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  const body = json === undefined ? text : JSON.stringify(json);
  response.statusCode = status;
  if (body === undefined || status === 204 || status === 304) {
    response.end();
    return;
  }
  const type = contentType ?? (json === undefined ? 'text/plain;charset=UTF-8' : 'application/json;charset=UTF-8');
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(request.method === 'HEAD' ? undefined : body);
}
