import { getCompileCacheDir } from 'node:module';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FunctionSettings, InvocationOutcome } from './function-settings.ts';
import type { InvokeMessage, SandboxData, SandboxMessage } from './sandbox-messages.ts';

/** What runs in the thread, compiled as this file is. */
const RUNTIME = new URL(`./sandbox-runtime${extname(new URL(import.meta.url).pathname)}`, import.meta.url);

/** How one invocation in a sandbox went. */
export interface SandboxRun {
  readonly outcome: InvocationOutcome;
  readonly durationMs: number;
  readonly heapBytes: number;
  /** The end of what was written since the invocation before: at most 4 KB. */
  readonly output: string;
}

const OUTPUT_TAIL_CHARACTERS = 4096;

/** Init gets 10 s (Lambda Developer Guide, runtime environment lifecycle), or the function's timeout if that is longer. */
const INIT_LIMIT_MS = 10_000;

/**
 * One execution environment: a worker thread with the function's code, environment and memory limit, for one
 * invocation at a time. What it writes goes to `onOutput`. After a timeout, a crash or `end` it is not `usable` any more.
 */
export class Sandbox {
  readonly #settings: FunctionSettings;
  readonly #worker: Worker;
  readonly #startedAt = performance.now();
  readonly #ready = Promise.withResolvers<InvocationOutcome | undefined>();
  #running: ((outcome: InvocationOutcome, heapBytes: number) => void) | undefined;
  #requestId = 'unknown';
  #usable = true;
  #output = '';
  /** How long loading the handler took; undefined until it has. */
  initMs: number | undefined;

  constructor(
    settings: FunctionSettings,
    environment: Readonly<Record<string, string>>,
    onOutput: (text: string) => void,
  ) {
    this.#settings = settings;
    const { directory, handler, memoryMegabytes, timeoutSeconds } = settings;
    const data: SandboxData = { directory, handler, compileCache: getCompileCacheDir() };
    this.#worker = new Worker(RUNTIME, {
      workerData: data,
      env: environment,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Bounds the heap of JavaScript values; buffers lie outside of it.
      resourceLimits: { maxOldGenerationSizeMb: memoryMegabytes },
    });
    // A waiting sandbox does not keep the host's process alive.
    this.#worker.unref();
    const initLimit = setTimeout(
      () => this.#break({ kind: 'failed', error: this.#timeoutError(Math.max(INIT_LIMIT_MS / 1000, timeoutSeconds)) }),
      Math.max(INIT_LIMIT_MS, timeoutSeconds * 1000),
    );
    void this.#ready.promise.then(() => clearTimeout(initLimit));
    this.#worker.on('message', (message: SandboxMessage) => this.#receive(message, onOutput));
    this.#worker.on('error', (error: Error & { code?: string }) => {
      const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#break(this.#exited(memory ? 'signal: killed' : `exit status 1 (${error.message})`));
    });
    this.#worker.on('exit', (status) => this.#break(this.#exited(`exit status ${status}`)));
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** Resolves when the handler is loaded; with the failed outcome when that was not possible. */
  ready(): Promise<InvocationOutcome | undefined> {
    return this.#ready.promise;
  }

  /** Runs the handler once. Never rejects: whatever goes wrong inside is an outcome. */
  async invoke(message: Omit<InvokeMessage, 'deadline'>): Promise<SandboxRun> {
    const startedAt = performance.now();
    const timeoutMs = this.#settings.timeoutSeconds * 1000;
    this.#requestId = message.requestId;
    const ended = Promise.withResolvers<{ outcome: InvocationOutcome; heapBytes: number }>();
    this.#running = (outcome, heapBytes) => ended.resolve({ outcome, heapBytes });
    const timer = setTimeout(() => {
      this.#break({ kind: 'failed', error: this.#timeoutError(this.#settings.timeoutSeconds) });
    }, timeoutMs);
    const invocation: InvokeMessage = { ...message, deadline: Date.now() + timeoutMs };
    this.#worker.postMessage(invocation);
    const { outcome, heapBytes } = await ended.promise;
    clearTimeout(timer);
    const output = this.#output;
    this.#output = '';
    return { outcome, heapBytes, output, durationMs: performance.now() - startedAt };
  }

  /** Ends the sandbox at once; an invocation under way fails. */
  async end(): Promise<void> {
    this.#break(this.#exited('signal: killed'));
    await this.#worker.terminate();
  }

  #receive(message: SandboxMessage, onOutput: (text: string) => void): void {
    switch (message.kind) {
      case 'ready':
        this.initMs = performance.now() - this.#startedAt;
        this.#ready.resolve(undefined);
        break;
      case 'output':
        this.#output = `${this.#output}${message.text}`.slice(-OUTPUT_TAIL_CHARACTERS);
        onOutput(message.text);
        break;
      case 'returned':
        this.#finish({ kind: 'returned', payload: message.payload }, message.heapBytes);
        break;
      case 'failed':
        this.#finish({ kind: 'failed', error: message.error }, message.heapBytes);
        break;
      case 'broken':
        this.#break({ kind: 'failed', error: message.error });
        break;
      default:
        throw message satisfies never;
    }
  }

  #finish(outcome: InvocationOutcome, heapBytes: number): void {
    const running = this.#running;
    this.#running = undefined;
    running?.(outcome, heapBytes);
  }

  /** Makes the sandbox unusable, answers the invocations that wait for it, and ends the thread. The first reason counts. */
  #break(outcome: InvocationOutcome): void {
    if (!this.#usable) return;
    this.#usable = false;
    this.#ready.resolve(outcome);
    this.#finish(outcome, 0);
    void this.#worker.terminate();
  }

  #exited(how: string): InvocationOutcome {
    const errorMessage = `RequestId: ${this.#requestId} Error: Runtime exited with error: ${how}`;
    return { kind: 'failed', error: { errorType: 'Runtime.ExitError', errorMessage } };
  }

  #timeoutError(seconds: number): { errorType: string; errorMessage: string } {
    const errorMessage = `RequestId: ${this.#requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`;
    return { errorType: 'Sandbox.Timedout', errorMessage };
  }
}
