/** The tests of one stage, as Stryker runs them in its copy of the project. */
import { defineConfig } from 'vitest/config';
import { FailedFilesCount } from './failed-files.ts';

/** The stage's test files, as globs; those that begin with `!` are left out. */
export function stageTests(): { readonly include: string[]; readonly exclude: string[] } {
  const globs = JSON.parse(process.env.MUTATION_TESTS ?? '[]') as string[];
  const isOut = (glob: string) => glob.startsWith('!');
  return {
    include: globs.filter((glob) => !isOut(glob)),
    exclude: globs.filter(isOut).map((glob) => glob.slice(1)),
  };
}

export default defineConfig({
  test: {
    ...stageTests(),
    isolate: false,
    setupFiles: ['test/support/run/fresh-process.ts'],
    globalSetup: ['test/support/postgres/postgres-server.ts', 'test/support/run/impatient-assembly.ts'],
    reporters: [new FailedFilesCount()],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
