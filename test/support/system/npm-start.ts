/** `npm start` in a process of its own, as a person at a terminal has it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoints } from '../../../local/endpoints.ts';
import { canReach, type SystemUser, serverUser } from '../../../local/postgres/server-user.ts';
import { until } from './both-sides.ts';

/** An ordinary user to run as, where the test runs as root and that user can get at the programs; otherwise undefined. */
export function ordinaryUser(): SystemUser | undefined {
  const user = serverUser();
  return user !== undefined && canReach(process.execPath, user) ? user : undefined;
}

const ARGUMENTS = ['--config', 'examples/lender/sync.config.ts', '--poll', '1s'];

export class NpmStart {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #exited: Promise<unknown[]>;
  #output = '';

  /** Starts it in the directory of a project. */
  constructor(directory: string, user: SystemUser | undefined) {
    this.#directory = directory;
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'local/main.ts', ...ARGUMENTS], {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A terminal's Ctrl-C reaches the whole group.
      detached: true,
      ...user,
    });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('npm start has no process');
    return this.#child.pid;
  }

  get #endpointsFile(): string {
    return join(this.#directory, '.local', 'endpoints.json');
  }

  get hasEndpoints(): boolean {
    return existsSync(this.#endpointsFile);
  }

  /** Resolves when everything answers. Throws with the output when it ends before. */
  async ready(): Promise<Endpoints> {
    return until('npm start, ready', () => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`It ended:\n${this.#output}`);
      if (!this.#output.includes('ready after')) return undefined;
      return JSON.parse(readFileSync(this.#endpointsFile, 'utf8')) as Endpoints;
    });
  }

  /** As the machine's memory killer does: it gets no signal that it could answer, and its children are left. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Ctrl-C as npm brings it: twice. Answers exit code and how long the end took. */
  async interruptTwice(): Promise<{ code: unknown; tookMs: number }> {
    const begun = performance.now();
    process.kill(-this.pid, 'SIGINT');
    await until('the beginning of the end', () => this.#output.includes('stopping'));
    process.kill(-this.pid, 'SIGINT');
    const [code] = await this.#exited;
    return { code, tookMs: performance.now() - begun };
  }

  /** Kills what is left of it, whatever state it is in. */
  async end(): Promise<void> {
    for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
    await this.#exited;
  }

  /** All processes that work in the project's directory, or on something in it. */
  processes(): { pid: number; commandLine: string; uid: number }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
          const place = readlinkSync(`/proc/${name}/cwd`);
          const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
          const ours = place.startsWith(this.#directory) || commandLine.includes(this.#directory);
          return ours ? [{ pid: Number(name), commandLine, uid: Number(uid) }] : [];
        } catch (error) {
          // It has ended since, or is another user's.
          if (error instanceof Error && 'code' in error) return [];
          throw error;
        }
      });
  }
}
