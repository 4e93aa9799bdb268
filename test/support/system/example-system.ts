/** An example's project, running, for the tests of one file: its tables, its org, and everything that would be deployed. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, vi } from 'vitest';
import type { LocalSystem } from '../../../local/system.ts';
import { BothSides } from './both-sides.ts';
import { type CopyOptions, copyProject, type ProjectCopy } from './project-copy.ts';

export interface ExampleSystem {
  readonly sides: () => BothSides;
  readonly project: () => ProjectCopy;
}

/** Starts it before the file's tests and ends it after them. A minute of its schedules lasts a second. */
export function exampleSystem(example: string, options: Omit<CopyOptions, 'example'> = {}): ExampleSystem {
  vi.setConfig({ testTimeout: 240_000 });
  let project: ProjectCopy | undefined;
  let system: LocalSystem | undefined;
  let attached: BothSides | undefined;

  beforeAll(async () => {
    project = await copyProject({ example, ...options });
    const module: typeof import('../../../local/system.ts') = await import(
      pathToFileURL(join(project.directory, 'local/system.ts')).href
    );
    system = await module.startLocal({
      configurationFile: project.configurationFile,
      directory: project.stateDirectory,
      pollMs: 1_000,
    });
    attached = new BothSides(system);
  }, 600_000);

  afterAll(async () => {
    await attached?.detach();
    await system?.stop();
    await project?.[Symbol.asyncDispose]();
  }, 60_000);

  return { sides: () => started(attached), project: () => started(project) };
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The system has not started');
  return part;
}
