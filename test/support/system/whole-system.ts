/**
 * The whole system for the tests of one file: everything that would be deployed, a real PostgreSQL, and an org over HTTP.
 * It is started once, with the sample loaded; each test takes pairs of its own.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, inject, vi } from 'vitest';
import type { LocalSystem } from '../../../local/system.ts';
import { placeOf } from '../run/made-once.ts';
import { BothSides, until } from './both-sides.ts';
import { copyProject, type ProjectCopy } from './project-copy.ts';
import { Traffic } from './traffic.ts';

export interface WholeSystem {
  readonly sides: () => BothSides;
  readonly traffic: () => Traffic;
}

/** Starts it before the file's tests and ends it after them. Both sides are there once the tests run. */
export function wholeSystem(): WholeSystem {
  vi.setConfig({ testTimeout: 120_000, maxConcurrency: 30 });
  let project: ProjectCopy | undefined;
  let system: LocalSystem | undefined;
  let attached: BothSides | undefined;
  let tapped: Traffic | undefined;

  beforeAll(async () => {
    project = await copyProject({ assembly: await placeOf(inject('impatientAssembly')) });
    const module: typeof import('../../../local/system.ts') = await import(
      pathToFileURL(join(project.directory, 'local/system.ts')).href
    );
    system = await module.startLocal({
      configurationFile: project.configurationFile,
      directory: project.stateDirectory,
      pollMs: 1_000,
    });
    tapped = await Traffic.tap(system);
    attached = new BothSides(system);
    await initialLoad(attached);
    await attached.countRowWrites();
  }, 120_000);

  afterAll(async () => {
    await attached?.detach();
    tapped?.end();
    await system?.stop();
    await project?.[Symbol.asyncDispose]();
  }, 60_000);

  return { sides: () => started(attached), traffic: () => started(tapped) };
}

async function initialLoad(both: BothSides): Promise<void> {
  const count = `select (select count(*) from lenders) = 60 and (select count(*) from borrowers) = 300
      and (select count(*) from loan_applications) = 500 as loaded`;
  await until('the sample in PostgreSQL', async () => (await both.row<{ loaded: boolean }>(count))?.loaded);
  await both.rest();
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The system has not started');
  return part;
}
