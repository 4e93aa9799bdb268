import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { realTimers, type Timers } from '../timers.ts';
import { AsynchronousInvocations } from './asynchronous-invocations.ts';
import { Concurrency } from './concurrency.ts';
import { FunctionBook } from './function-book.ts';
import { type Credentials, functionEnvironment } from './function-environment.ts';
import { FunctionLog } from './function-log.ts';
import { functionArn, functionNameOf, notFound } from './function-names.ts';
import { FunctionOperations } from './function-operations.ts';
import { FunctionPool, type Invocation } from './function-pool.ts';
import {
  type FunctionSettings,
  type InvocationOutcome,
  MAX_ASYNCHRONOUS_PAYLOAD_BYTES,
  MAX_PAYLOAD_BYTES,
} from './function-settings.ts';
import { StartQueue } from './start-queue.ts';

export interface LambdaOptions {
  /** Where the code of functions created through the API is kept. */
  readonly stateDirectory: string;
  /** Gets one `<function name>.log` for each function. */
  readonly logsDirectory: string;
  /** The credentials of a function's role. */
  readonly credentialsFor: (roleArn: string) => Credentials;
  /** Gets what a function with a log group writes. */
  readonly onLog?: (logGroup: string, text: string) => void;
  /** Invocations at one time, all functions together; beyond it they are throttled. @default 50 */
  readonly concurrency?: number;
  /** How long an idle sandbox is kept. @default 5 minutes */
  readonly idleMs?: number;
  /** Makes the waits between the retries of asynchronous invocations that many times shorter. @default 1 */
  readonly timeScale?: number;
  /** @default real time */
  readonly timers?: Timers;
}

export interface InvokeInput {
  readonly FunctionName?: string;
  readonly Qualifier?: string;
  readonly InvocationType?: string;
  readonly LogType?: string;
  /** JSON text. */
  readonly Payload?: string | Uint8Array;
}

export interface InvokeOutput {
  readonly StatusCode: number;
  readonly FunctionError?: 'Unhandled';
  readonly LogResult?: string;
  readonly Payload?: string;
  readonly ExecutedVersion?: string;
}

/** A registered function's code is not an archive; its digest is not known. */
const UNKNOWN_CODE = { codeSha256: '', codeBytes: 0, description: '' };

/**
 * Lambda on worker threads: the code of each function runs in threads of its own, as bundled for AWS. Event source
 * mappings are refused. Asynchronous invocations run between `start` and `stop` only; accepted ones wait in the store.
 */
export class Lambda {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #options: LambdaOptions;
  readonly #book: FunctionBook;
  readonly #pools = new Map<string, FunctionPool>();
  readonly #retired = new Set<FunctionPool>();
  readonly #concurrency: Concurrency;
  readonly #starts: StartQueue;
  readonly #asynchronous: AsynchronousInvocations;

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: LambdaOptions) {
    this.#aws = aws;
    this.#options = options;
    this.#book = new FunctionBook(store);
    this.#concurrency = new Concurrency(options.concurrency ?? 50);
    this.#starts = new StartQueue(availableParallelism());
    this.#asynchronous = new AsynchronousInvocations(aws, store, {
      timers: options.timers ?? realTimers,
      timeScale: options.timeScale ?? 1,
      poolOf: (name) => this.#poolOf(name),
    });
    const functions = new FunctionOperations(aws, this.#book, {
      codeDirectory: join(options.stateDirectory, 'functions'),
      changed: (name) => void this.#replacePool(name),
    });
    this.operations = { ...functions.operations, Invoke: (input: InvokeInput) => this.#invoke(input) };
  }

  /** Hosts a function whose code is on disk already. One of the same name is replaced; its invocations end as they are. */
  register(settings: FunctionSettings): void {
    this.#book.put({ settings, modifiedAt: this.#aws.now(), ...UNKNOWN_CODE }, false);
    void this.#replacePool(settings.name);
  }

  /** Takes a function away; resolves when its last invocation has ended. One that is not there is no fault. */
  async unregister(name: string): Promise<void> {
    this.#book.remove(name);
    await this.#replacePool(name);
  }

  start(): void {
    this.#asynchronous.start();
  }

  /** Waits at most `limitMs` for invocations under way, then ends them. */
  async stop(limitMs = 5_000): Promise<void> {
    const pools = [...this.#pools.values(), ...this.#retired];
    await Promise.all([this.#asynchronous.stop(), ...pools.map((pool) => pool.stop(limitMs))]);
    this.#pools.clear();
    this.#retired.clear();
  }

  async #invoke(input: InvokeInput): Promise<InvokeOutput> {
    const name = functionNameOf(input.FunctionName ?? '', this.#aws.region, input.Qualifier);
    const pool = this.#poolOf(name);
    if (pool === undefined) throw notFound(`${functionArn(name, this.#aws.region)}:$LATEST`);
    const type = input.InvocationType ?? 'RequestResponse';
    const payload = payloadOf(input.Payload, type === 'Event' ? MAX_ASYNCHRONOUS_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES);
    const requestId = randomUUID();
    switch (type) {
      case 'DryRun':
        return { StatusCode: 204 };
      case 'Event':
        this.#asynchronous.accept(name, requestId, payload);
        return { StatusCode: 202 };
      case 'RequestResponse':
        return answer(await pool.invoke(requestId, payload), input.LogType === 'Tail');
      default:
        throw new AwsError('InvalidParameterValueException', `InvocationType ${type} is not one.`, 400);
    }
  }

  #poolOf(name: string): FunctionPool | undefined {
    const existing = this.#pools.get(name);
    if (existing !== undefined) return existing;
    const settings = this.#book.get(name)?.settings;
    if (settings === undefined) return undefined;
    const { logsDirectory, onLog = () => undefined } = this.#options;
    const { logGroup } = settings;
    const log = new FunctionLog(logsDirectory, name, this.#aws.now(), (text) => {
      if (logGroup !== undefined) onLog(logGroup, text);
    });
    const credentials = this.#options.credentialsFor(settings.roleArn);
    const environment = functionEnvironment(settings, this.#aws, credentials, log.streamName);
    const pool = new FunctionPool({
      settings,
      environment,
      log,
      concurrency: this.#concurrency,
      starts: this.#starts,
      idleMs: this.#options.idleMs ?? 5 * 60_000,
      timers: this.#options.timers ?? realTimers,
      killedAfterMs: () => {
        const killed = this.#aws.faults?.strike('killedFunctions', { function: name });
        return killed === undefined ? undefined : this.#aws.faults?.within(killed.afterMs);
      },
      ended: (invocation) => this.#journal(name, invocation),
    });
    this.#pools.set(name, pool);
    return pool;
  }

  /** The next invocation makes a new pool from the function's present settings; resolves when the old one is at rest. */
  async #replacePool(name: string): Promise<void> {
    const pool = this.#pools.get(name);
    if (pool === undefined) return;
    this.#pools.delete(name);
    this.#retired.add(pool);
    await pool.retire();
    this.#retired.delete(pool);
  }

  #journal(subject: string, { outcome, durationMs, initMs }: Invocation): void {
    const cold = initMs === undefined ? '' : `, started in ${Math.round(initMs)} ms`;
    const how = outcome.kind === 'returned' ? 'returned' : `failed with ${outcome.error.errorType}`;
    this.#aws.journal.record({ kind: 'lambda', subject, text: `${how} after ${Math.round(durationMs)} ms${cold}` });
  }
}

/** The payload as JSON text. Throws AwsError for what is too large or not JSON. */
function payloadOf(given: string | Uint8Array | undefined, maximumBytes: number): string {
  const text = typeof given === 'string' ? given : Buffer.from(given ?? '').toString('utf8');
  if (Buffer.byteLength(text) > maximumBytes) {
    const message = `Request must be smaller than ${maximumBytes} bytes for the InvokeFunction operation`;
    throw new AwsError('RequestTooLargeException', message, 413, { Type: 'User' });
  }
  if (text === '') return '{}';
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    const message = `Could not parse request body into json: ${error instanceof Error ? error.message : error}`;
    throw new AwsError('InvalidRequestContentException', message, 400, { Type: 'User' });
  }
}

function answer({ outcome, logTail }: Invocation, withLog: boolean): InvokeOutput {
  const log = withLog ? { LogResult: Buffer.from(logTail).toString('base64') } : {};
  const result = limited(outcome);
  const common = { StatusCode: 200, ExecutedVersion: '$LATEST', ...log };
  if (result.kind === 'returned') return { ...common, Payload: result.payload };
  return { ...common, FunctionError: 'Unhandled', Payload: JSON.stringify(result.error) };
}

/** A result that is too large is an error of the function. */
function limited(outcome: InvocationOutcome): InvocationOutcome {
  if (outcome.kind === 'failed' || Buffer.byteLength(outcome.payload) <= MAX_PAYLOAD_BYTES) return outcome;
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`;
  return { kind: 'failed', error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } };
}
