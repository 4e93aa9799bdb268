import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

export interface SupervisedOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The whole environment; nothing is inherited. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>;
  /** Everything that the process prints is appended here. */
  readonly logFile: string;
  /** What asks it to end. @default SIGTERM */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to end when asked to; then SIGKILL. */
  readonly stopTimeoutMs: number;
  /** The user to run as; left out: that of this process. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  readonly onEvent: (event: ProcessEvent) => void;
}

export type ProcessEvent =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'line'; readonly line: string }
  /** It runs, but its health check says that it hangs: it is ended, and then started again. */
  | { readonly kind: 'unhealthy'; readonly reason: string }
  /** It ended without having been asked to, or could not be started; it is started again after `restartInMs`. */
  | { readonly kind: 'died'; readonly reason: string; readonly restartInMs: number };

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A process that ran this long was well: the next pause is the first one again. */
const WELL_AFTER_MS = 30_000;

/** How long to wait before the start after `deaths` deaths in a row: doubling from half a second to half a minute. */
export function restartPauseMs(deaths: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 1));
}

/**
 * Keeps one process running, as ECS keeps a service of one task: when it dies, it is started again, after growing pauses.
 * It has a process group of its own, so that a Ctrl-C at the terminal reaches it only through `stop`.
 */
export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #deaths = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    mkdirSync(dirname(options.logFile), { recursive: true });
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
  }

  /** Of the process that runs now; undefined between a death and the next start. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#options.environment().then(
      (environment) => this.#spawn(environment),
      (error: unknown) => this.#died(error instanceof Error ? error.message : String(error)),
    );
  }

  #spawn(environment: Readonly<Record<string, string>>): void {
    if (this.#stopped) return;
    const { command, args, directory, user, onEvent } = this.#options;
    const child = spawn(command, args, {
      cwd: directory,
      ...user,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const startedAt = performance.now();
    this.#child = child;
    // When this process ends by an error of its own, the other one has to end as well.
    const endWithHost = (): void => {
      child.kill(this.#options.stopSignal ?? 'SIGTERM');
    };
    process.once('exit', endWithHost);
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(this.#log, { end: false });
      createInterface({ input: stream }).on('line', (line) => onEvent({ kind: 'line', line }));
    }
    if (child.pid !== undefined) onEvent({ kind: 'started', pid: child.pid });
    this.#exited = new Promise((resolve) => {
      const ended = (reason: string): void => {
        if (this.#child !== child) return;
        this.#child = undefined;
        process.off('exit', endWithHost);
        if (performance.now() - startedAt > WELL_AFTER_MS) this.#deaths = 0;
        resolve();
        if (!this.#stopped) this.#died(reason);
      };
      child.once('error', (error) => ended(error.message));
      child.once('exit', (code, signal) => ended(signal === null ? `exit status ${code}` : signal));
    });
  }

  #died(reason: string): void {
    if (this.#stopped) return;
    this.#deaths += 1;
    const restartInMs = restartPauseMs(this.#deaths);
    this.#options.onEvent({ kind: 'died', reason, restartInMs });
    this.#timer = setTimeout(() => this.start(), restartInMs);
  }

  /**
   * Sends a signal, as another program might; the supervision goes on. Answers whether there was a process to
   * send it to.
   */
  kill(signal: NodeJS.Signals): boolean {
    return this.#child?.kill(signal) ?? false;
  }

  /** Ends the process, by force after the stop timeout, so that it is started again: it hangs. */
  replace(): void {
    const child = this.#child;
    if (child !== undefined) this.#ask(child);
  }

  /** Asks it to end, and kills it after the stop timeout; resolves when the process is gone. It is not started again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child !== undefined) {
      this.#ask(child);
      await this.#exited;
    }
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #ask(child: ChildProcess): void {
    child.kill(this.#options.stopSignal ?? 'SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), this.#options.stopTimeoutMs);
    child.once('exit', () => clearTimeout(force));
  }
}
