/** Vitest's global setup: the cloud assembly of the project with the impatient configuration, synthesised once for the run. */
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { madeOnce } from './made-once.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers the assembly's directory, synthesising it the first time. */
    impatientAssembly: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const assembly = await madeOnce(async () => {
    const { copyProject } = await import('../system/project-copy.ts');
    const { synthesise } = await import('../../../local/host/synthesis.ts');
    const copy = await copyProject();
    const remove = () => copy[Symbol.asyncDispose]();
    const place = join(copy.directory, 'cdk.out');
    try {
      await synthesise({
        packageRoot: copy.directory,
        app: 'infra/app.ts',
        configurationFile: copy.configurationFile,
        outputDirectory: place,
      });
    } catch (error) {
      await remove();
      throw error;
    }
    return { place, remove };
  });
  project.provide('impatientAssembly', assembly.url);
  return assembly.end;
}
