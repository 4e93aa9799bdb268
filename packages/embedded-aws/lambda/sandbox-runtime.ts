/**
 * The inside of a sandbox: runs as a worker thread, loads the handler and answers invocations, one at a time, as
 * Lambda's Node runtime does.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import type { FunctionError } from './function-settings.ts';
import type { InvokeMessage, SandboxData, SandboxMessage } from './sandbox-messages.ts';

type Handler = (event: unknown, context: object) => unknown;

const { directory, handler: handlerName, compileCache } = workerData as SandboxData;
if (compileCache !== undefined) enableCompileCache(compileCache);
let requestId: string | undefined;

const post = (message: SandboxMessage): void => parentPort?.postMessage(message);

class InitError extends Error {
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

function functionError(error: unknown): FunctionError {
  if (!(error instanceof Error) && !isErrorLike(error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const errorType = error instanceof InitError ? error.errorType : error.name;
  return { errorType, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

/** Errors of another realm (a vm context, say) are not instances of this one's Error. */
function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value && 'stack' in value;
}

/** Ends the sandbox after sending the reason; the host answers the invocation under way with this error. */
function breakDown(error: FunctionError): never {
  post({ kind: 'broken', error });
  process.exit(1);
}

function captureOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      post({ kind: 'output', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8') });
      const done = rest.find((argument) => typeof argument === 'function');
      if (done !== undefined) queueMicrotask(() => done());
      return true;
    };
  }
  const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR' } as const;
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...parts: unknown[]) => {
      const prefix = `${new Date().toISOString()}\t${requestId ?? 'undefined'}\t${level}`;
      post({ kind: 'output', text: `${prefix}\t${format(...parts)}\n` });
    };
  }
}

/** What the `package.json` beside the code says; without one a `.js` file is CommonJS. */
function isModule(file: string): boolean {
  if (!file.endsWith('.js')) return file.endsWith('.mjs');
  const description = join(directory, 'package.json');
  if (!existsSync(description)) return false;
  return (JSON.parse(readFileSync(description, 'utf8')) as { type?: string }).type === 'module';
}

/**
 * In Lambda nothing lies above the code's directory, so a `package.json` of the project around it must not turn
 * `index.js` into an ES module.
 */
function confinePackageScope(): void {
  if (existsSync(join(directory, 'package.json'))) return;
  const root = pathToFileURL(`${directory}/`).href;
  registerHooks({
    load(url, context, nextLoad) {
      const own = url.startsWith(root) && url.endsWith('.js') && !url.includes('/node_modules/');
      return nextLoad(url, own ? { ...context, format: 'commonjs' } : context);
    },
  });
}

async function loadHandler(): Promise<Handler> {
  const match = /^((?:.*\/)?[^./]+)\.(.+)$/.exec(handlerName);
  if (match === null) throw new InitError('Runtime.MalformedHandlerName', `Bad handler: ${handlerName}`);
  const [, module = '', path = ''] = match;
  const file = ['.js', '.mjs', '.cjs'].map((suffix) => join(directory, `${module}${suffix}`)).find(existsSync);
  if (file === undefined) {
    throw new InitError('Runtime.ImportModuleError', `Error: Cannot find module '${module}' in ${directory}`);
  }
  let found: unknown = await importModule(file);
  for (const name of path.split('.')) {
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[name] : undefined;
  }
  if (typeof found === 'function') return found as Handler;
  throw new InitError('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`);
}

async function importModule(file: string): Promise<unknown> {
  try {
    return isModule(file) ? await import(pathToFileURL(file).href) : createRequire(file)(file);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new InitError('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
      throw new InitError('Runtime.ImportModuleError', String(error));
    }
    throw error;
  }
}

function contextOf(message: InvokeMessage): object {
  const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: '$LATEST',
    functionName: name,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: message.logStreamName,
    invokedFunctionArn: message.functionArn,
    awsRequestId: message.requestId,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Date.now()),
  };
}

async function invoke(handler: Handler, message: InvokeMessage): Promise<void> {
  requestId = message.requestId;
  try {
    const returned = await handler(JSON.parse(message.payload), contextOf(message));
    post({ kind: 'returned', payload: serialized(returned), heapBytes: process.memoryUsage().heapUsed });
  } catch (error) {
    post({ kind: 'failed', error: functionError(error), heapBytes: process.memoryUsage().heapUsed });
  } finally {
    requestId = undefined;
  }
}

function serialized(returned: unknown): string {
  try {
    return JSON.stringify(returned === undefined ? null : returned) ?? 'null';
  } catch {
    throw new InitError('Runtime.MarshalError', 'Unable to stringify response body');
  }
}

process.on('uncaughtException', (error) => breakDown(functionError(error)));
process.on('unhandledRejection', (reason) => {
  const { errorMessage, trace } = functionError(reason);
  breakDown({ errorType: 'Runtime.UnhandledPromiseRejection', errorMessage, ...(trace !== undefined && { trace }) });
});

captureOutput();
confinePackageScope();
try {
  const handler = await loadHandler();
  parentPort?.on('message', (message: InvokeMessage) => void invoke(handler, message));
  post({ kind: 'ready' });
} catch (error) {
  breakDown(functionError(error));
}
