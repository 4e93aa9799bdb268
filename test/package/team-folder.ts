/** An empty folder outside of the repository, in which a team types its commands with the machine's own Node. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Endpoints } from '../../local/endpoints.ts';
import { removeServerFiles } from '../../local/postgres/server-files.ts';

/** What npm and Vitest say to their own children is not a team's. */
function teamEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_ENV|NODE_OPTIONS|INIT_CWD|DATABASE_URL|SALESFORCE_|SFSYNC_)/.test(name),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

export class TeamFolder implements AsyncDisposable {
  readonly directory: string;
  #local: ChildProcess | undefined;
  #output = '';

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<TeamFolder> {
    return new TeamFolder(await realpath(await mkdtemp(join(tmpdir(), 'sfsync-team-'))));
  }

  /** Answers the output. A command that fails throws with everything that it printed. */
  run(command: string, ...args: readonly string[]): Promise<string> {
    return runIn(this.directory, command, args, teamEnvironment());
  }

  /** `npx sfsync dev`, until it has written its endpoints. */
  async startLocal(): Promise<Endpoints> {
    const child = spawn('npx', ['sfsync', 'dev', '--poll', '1s'], {
      cwd: this.directory,
      env: teamEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A terminal's Ctrl-C reaches the whole group.
      detached: true,
    });
    this.#local = child;
    await this.#printed(child, 'ready after');
    return JSON.parse(readFileSync(join(this.directory, '.local', 'endpoints.json'), 'utf8')) as Endpoints;
  }

  /** Resolves when these words are printed. Rejects with the whole output when the process ends before. */
  #printed(child: ChildProcess, words: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        if (this.#output.includes(words)) resolve();
      });
    }
    child.on('close', () => reject(new Error(`It ended:\n${this.#output}`)));
    return promise;
  }

  /** Ctrl-C; npx itself ends by the signal. Answers what was printed, when every process that prints there has ended. */
  async stopLocal(): Promise<string> {
    const child = this.#local;
    if (child?.pid === undefined) throw new Error('sfsync dev was not started');
    const ended = once(child, 'close');
    process.kill(-child.pid, 'SIGINT');
    await ended;
    this.#local = undefined;
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#local !== undefined) await this.stopLocal();
    await removeServerFiles(join(this.directory, '.local'));
    await rm(this.directory, { recursive: true, force: true });
  }
}

export function runIn(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(command, [...args], { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
    if (error === null) resolve(out);
    else reject(new Error(`${command} ${args.join(' ')} ended with ${error.code}:\n${out}${err}`));
  });
  return promise;
}
