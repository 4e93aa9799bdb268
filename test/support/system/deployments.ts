/** A project on this machine that is deployed again and again, each time with another `sync.config.ts`, as a team does it. */
import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { localCredentials } from '../../../local/credentials.ts';
import type { LocalSystem } from '../../../local/system.ts';
import { BothSides } from './both-sides.ts';
import type { ProjectCopy } from './project-copy.ts';

export interface Finished {
  readonly code: number;
  readonly output: string;
}

export class Deployments {
  readonly #project: ProjectCopy;
  #count = 0;
  #system: LocalSystem | undefined;
  #sides: BothSides | undefined;

  constructor(project: ProjectCopy) {
    this.#project = project;
  }

  get sides(): BothSides {
    if (this.#sides === undefined) throw new Error('Nothing is deployed');
    return this.#sides;
  }

  /** Changes the text of `sync.config.ts`, which nothing but commands reads until it is deployed. */
  async configure(change: (text: string) => string): Promise<void> {
    const text = await readFile(this.#project.configurationFile, 'utf8');
    const changed = change(text);
    if (changed === text) throw new Error('The configuration has not changed');
    await writeFile(this.#project.configurationFile, changed);
  }

  /** What runs is ended, `between` may work on what it has left, and the configuration as it is now is started. */
  async deploy(between: () => Promise<void> = async () => undefined): Promise<void> {
    await this.stop();
    await between();
    const { directory, configurationFile, stateDirectory } = this.#project;
    // A module is read once in a process, by its path.
    const deployed = join(dirname(configurationFile), `sync.config.${this.#count++}.ts`);
    await copyFile(configurationFile, deployed);
    const module: typeof import('../../../local/system.ts') = await import(
      pathToFileURL(join(directory, 'local/system.ts')).href
    );
    this.#system = await module.startLocal({
      configurationFile: deployed,
      directory: stateDirectory,
      pollMs: 1_000,
    });
    this.#sides = new BothSides(this.#system);
  }

  async stop(): Promise<void> {
    await this.#sides?.detach();
    await this.#system?.stop();
    this.#sides = undefined;
    this.#system = undefined;
  }

  /** Runs a command of a page, such as `npx sfsync check`, with the configuration as it is now. */
  run(command: string): Promise<Finished> {
    const [npx, sfsync, ...args] = command.split(' ');
    if (npx !== 'npx' || sfsync !== 'sfsync') throw new Error(`No command of sfsync: ${command}`);
    const { directory, configurationFile, stateDirectory } = this.#project;
    const { apply, streamer } = localCredentials(stateDirectory);
    const environment = {
      PATH: process.env.PATH,
      ...(args[0] === 'prepare' && { DATABASE_URL: this.sides.system.endpoints.postgres.url }),
      SFSYNC_APPLY_PASSWORD: apply,
      SFSYNC_STREAMER_PASSWORD: streamer,
    };
    const program = ['--disable-warning=ExperimentalWarning', 'cli/sfsync.ts', ...args, '--config', configurationFile];
    return new Promise((resolve) => {
      execFile(process.execPath, program, { cwd: directory, env: environment }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
      });
    });
  }
}
