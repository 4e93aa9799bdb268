/** The process of the system under test, as its parent has it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Endpoints } from '../../../local/endpoints.ts';
import type { Answer, StartSettings } from './protocol.ts';

const PROGRAM = fileURLToPath(new URL('system-process.ts', import.meta.url));

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class SystemEnded extends Error {
  override readonly name = 'SystemEnded' as const;
}

export class SystemUnderTest {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  readonly #exited: Promise<unknown>;
  #last = 0;
  #endpoints: Endpoints | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    child.on('message', (message: Answer) => this.#take(message));
    child.on('exit', (code, signal) => {
      const error = new SystemEnded(`The system's process has ended (${signal ?? code})`);
      for (const { reject } of this.#asked.values()) reject(error);
      this.#asked.clear();
    });
  }

  /** Starts it and answers when everything does. Throws SystemEnded, with the file that says why, when it does not come up. */
  static async start(settings: StartSettings): Promise<SystemUnderTest> {
    const log = join(settings.projectDirectory, 'system.log');
    const output = openSync(log, 'a');
    const child = fork(PROGRAM, [JSON.stringify(settings)], {
      cwd: settings.projectDirectory,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
      stdio: ['ignore', output, output, 'ipc'],
      // Of a group of its own, so that a Ctrl-C of the terminal is its parent's to handle.
      detached: true,
    });
    const system = new SystemUnderTest(child);
    try {
      system.#endpoints = (await system.#answer(0)) as Endpoints;
    } catch (cause) {
      throw new SystemEnded(`The system did not start; its output is in ${log}`, { cause });
    }
    return system;
  }

  get endpoints(): Endpoints {
    if (this.#endpoints === undefined) throw new SystemEnded('The system has not started');
    return this.#endpoints;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Runs a hook (hooks.ts) in the process. Throws SystemEnded when the process ends before it has answered. */
  async command(name: string, input: unknown): Promise<unknown> {
    if (!this.isRunning) throw new SystemEnded('The system does not run');
    const id = ++this.#last;
    const answer = this.#answer(id);
    this.#child.send({ id, name, input }, (error) => {
      if (error !== null) this.#asked.get(id)?.reject(new SystemEnded(error.message));
    });
    return answer;
  }

  /** Sends the signal and waits for the end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.isRunning) this.#child.kill(signal);
    await this.#exited;
  }

  #answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  #take({ id, result, error }: Answer): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error));
  }
}
