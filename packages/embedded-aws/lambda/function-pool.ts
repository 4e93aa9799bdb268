import type { Timers } from '../timers.ts';
import { type Concurrency, type IdleHolder, tooManyRequests } from './concurrency.ts';
import { FunctionLog } from './function-log.ts';
import type { FunctionSettings, InvocationOutcome } from './function-settings.ts';
import { Sandbox } from './sandbox.ts';
import type { StartQueue } from './start-queue.ts';

export interface PoolOptions {
  readonly settings: FunctionSettings;
  /** The whole environment of the sandboxes. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: FunctionLog;
  readonly concurrency: Concurrency;
  readonly starts: StartQueue;
  /** After which an idle sandbox is ended. */
  readonly idleMs: number;
  readonly timers: Timers;
  /** Asked at each invocation: after how many milliseconds its sandbox is to be killed; undefined: not at all. */
  readonly killedAfterMs?: () => number | undefined;
  /** Called with each finished invocation. */
  readonly ended: (invocation: Invocation) => void;
}

/** One finished invocation. */
export interface Invocation {
  readonly outcome: InvocationOutcome;
  readonly durationMs: number;
  readonly initMs: number | undefined;
  /** The invocation's log, its last 4 KB. */
  readonly logTail: string;
}

interface Idle extends IdleHolder {
  readonly sandbox: Sandbox;
  readonly cancel: () => void;
}

/** A sandbox that is ready, or the outcome of the init that failed. */
type Acquired = { readonly sandbox: Sandbox } | { readonly failed: InvocationOutcome };

const LOG_TAIL_BYTES = 4096;

/**
 * One function's sandboxes. An invocation takes an idle one or starts a new one; if one becomes idle before the new one
 * is ready, it takes that. Each runs one invocation at a time, as in Lambda.
 */
export class FunctionPool {
  readonly settings: FunctionSettings;
  readonly #options: PoolOptions;
  readonly #idle: Idle[] = [];
  readonly #waiting: ((acquired: Acquired) => void)[] = [];
  readonly #sandboxes = new Set<Sandbox>();
  readonly #coldStarts = new WeakSet<Sandbox>();
  readonly #underWay = new Set<Promise<unknown>>();
  #starting = 0;
  #active = 0;
  #retired = false;

  constructor(options: PoolOptions) {
    this.settings = options.settings;
    this.#options = options;
  }

  /**
   * Runs the function once. Whatever happens in the function is an outcome; throws AwsError `TooManyRequestsException`
   * when the function's or the account's concurrency is used up.
   */
  async invoke(requestId: string, payload: string): Promise<Invocation> {
    const { reservedConcurrency } = this.settings;
    if (reservedConcurrency !== undefined && this.#active >= reservedConcurrency) {
      throw tooManyRequests('ReservedFunctionConcurrentInvocationLimitExceeded');
    }
    this.#options.concurrency.enter();
    this.#active += 1;
    const run = this.#run(requestId, payload);
    this.#underWay.add(run);
    try {
      return await run;
    } finally {
      this.#underWay.delete(run);
      this.#active -= 1;
      this.#options.concurrency.leave();
    }
  }

  /** For a function that was replaced: ends each sandbox as soon as it is idle. Resolves when none is busy any more. */
  async retire(): Promise<void> {
    this.#retired = true;
    for (const idle of [...this.#idle]) idle.end();
    await Promise.allSettled(this.#underWay);
  }

  /** Waits at most `limitMs` for invocations under way, then ends all sandboxes. */
  async stop(limitMs: number): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timeout = setTimeout(limit.resolve, limitMs);
    await Promise.race([this.retire(), limit.promise]);
    clearTimeout(timeout);
    await Promise.all([...this.#sandboxes].map((sandbox) => sandbox.end()));
  }

  async #run(requestId: string, payload: string): Promise<Invocation> {
    const { log, settings } = this.#options;
    const acquired = await this.#acquire();
    const start = FunctionLog.start(requestId);
    log.write(start);
    if ('failed' in acquired) return this.#reported(requestId, start, acquired.failed, 0, undefined, 0, '');
    const { sandbox } = acquired;
    const initMs = this.#coldStarts.delete(sandbox) ? sandbox.initMs : undefined;
    const { arn: functionArn } = settings;
    const killedAfterMs = this.#options.killedAfterMs?.();
    const cancelKill =
      killedAfterMs === undefined ? undefined : this.#options.timers.after(killedAfterMs, () => void sandbox.end());
    const run = await sandbox.invoke({ requestId, payload, functionArn, logStreamName: log.streamName });
    cancelKill?.();
    this.#release(sandbox);
    return this.#reported(requestId, start, run.outcome, run.durationMs, initMs, run.heapBytes, run.output);
  }

  #reported(
    requestId: string,
    start: string,
    outcome: InvocationOutcome,
    durationMs: number,
    initMs: number | undefined,
    heapBytes: number,
    output: string,
  ): Invocation {
    const { memoryMegabytes } = this.settings;
    const error = outcome.kind === 'failed' ? this.#errorLine(requestId, outcome) : '';
    const end = `${error}${FunctionLog.end({ requestId, durationMs, initMs, memoryMegabytes, heapBytes })}`;
    this.#options.log.write(end);
    const logTail = Buffer.from(`${start}${output}${end}`).subarray(-LOG_TAIL_BYTES).toString('utf8');
    const invocation: Invocation = { outcome, durationMs, initMs, logTail };
    this.#options.ended(invocation);
    return invocation;
  }

  #errorLine(requestId: string, { error }: InvocationOutcome & { kind: 'failed' }): string {
    const time = new Date().toISOString();
    if (error.errorType === 'Sandbox.Timedout') {
      return `${time} ${requestId} Task timed out after ${this.settings.timeoutSeconds.toFixed(2)} seconds\n\n`;
    }
    return `${time}\t${requestId}\tERROR\tInvoke Error\t${JSON.stringify(error)}\n`;
  }

  #acquire(): Promise<Acquired> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.cancel();
      this.#options.concurrency.noLongerIdle(idle);
      // One that broke while it was idle (a promise left behind was rejected) is of no use any more.
      if (idle.sandbox.usable) return Promise.resolve({ sandbox: idle.sandbox });
      this.#sandboxes.delete(idle.sandbox);
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#startWhereNeeded();
    });
  }

  #startWhereNeeded(): void {
    while (this.#starting < this.#waiting.length) {
      this.#starting += 1;
      void this.#start();
    }
  }

  async #start(): Promise<void> {
    const end = await this.#options.starts.turn();
    // While it waited for its turn, a sandbox may have become idle and have taken the invocation.
    if (this.#starting > this.#waiting.length) {
      this.#starting -= 1;
      end();
      return;
    }
    const { settings, environment, log } = this.#options;
    const sandbox = new Sandbox(settings, environment, (text) => log.write(text));
    this.#sandboxes.add(sandbox);
    const failed = await sandbox.ready();
    this.#starting -= 1;
    end();
    if (failed === undefined) {
      this.#coldStarts.add(sandbox);
      this.#release(sandbox);
    } else {
      this.#sandboxes.delete(sandbox);
      this.#waiting.shift()?.({ failed });
    }
  }

  #release(sandbox: Sandbox): void {
    if (!sandbox.usable) {
      this.#sandboxes.delete(sandbox);
      this.#startWhereNeeded();
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next({ sandbox });
      return;
    }
    const idle: Idle = {
      sandbox,
      cancel: this.#options.timers.after(this.#options.idleMs, () => idle.end()),
      end: () => this.#endIdle(idle),
    };
    this.#idle.push(idle);
    if (this.#retired) idle.end();
    else this.#options.concurrency.becameIdle(idle);
  }

  #endIdle(idle: Idle): void {
    idle.cancel();
    this.#options.concurrency.noLongerIdle(idle);
    const index = this.#idle.indexOf(idle);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#sandboxes.delete(idle.sandbox);
    void idle.sandbox.end();
  }
}
