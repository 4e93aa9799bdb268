/**
 * The whole local system for a benchmark: a copy of the project with a configuration of its own, in a directory that
 * goes when it ends.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { processTerminal } from '../cli/terminal.ts';
import type { LocalSystem } from '../local/system.ts';
import { BothSides } from '../test/support/system/both-sides.ts';
import { copyProject } from '../test/support/system/project-copy.ts';

export interface BenchOptions {
  /** Text of the configuration; the sample lies beside it as `sync.config.sample.ts`. */
  readonly configuration: string;
  /** How long a minute of the schedules lasts, in milliseconds. */
  readonly pollMs: number;
}

export interface BenchSystem {
  readonly system: LocalSystem;
  readonly both: BothSides;
  /** The stack as it was synthesised, with the bundles of the functions. */
  readonly directory: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the system and waits until the sample of the org is in the database. Ctrl-C ends it, and leaves nothing. */
export async function startBenchSystem({ configuration, pollMs }: BenchOptions): Promise<BenchSystem> {
  const asked = new AbortController();
  const ending: (() => Promise<unknown>)[] = [];
  let ended: Promise<void> | undefined;
  const end = () => {
    ended ??= (async () => {
      process.off('SIGINT', interrupted);
      for (const step of ending.reverse()) await step();
    })();
    return ended;
  };
  const interrupted = () => {
    asked.abort();
    processTerminal.progress('stopping ...');
    void end().then(() => process.exit(130));
  };
  const project = await copyProject({ configuration });
  ending.push(() => project[Symbol.asyncDispose]());
  process.once('SIGINT', interrupted);
  try {
    const module: typeof import('../local/system.ts') = await import(
      pathToFileURL(join(project.directory, 'local/system.ts')).href
    );
    const step = <T>(name: string, work: () => Promise<T>) => {
      processTerminal.progress(`starting ${name} ...`);
      return work();
    };
    const system = await module.startLocal({
      configurationFile: project.configurationFile,
      directory: project.stateDirectory,
      ...{ pollMs, step, signal: asked.signal },
    });
    ending.push(() => system.stop());
    const both = new BothSides(system);
    ending.push(() => both.detach());
    processTerminal.progress('loading the sample ...');
    await both.rest();
    return { system, both, directory: project.directory, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}
