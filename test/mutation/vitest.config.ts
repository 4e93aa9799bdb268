/** The tests of one stage, as Stryker runs them in its copy of the project. */
import { defineConfig } from 'vitest/config';
import { FailedFilesCount } from './failed-files.ts';

/** The stage's test files; those that begin with `!` are left out. */
const globs = JSON.parse(process.env.MUTATION_TESTS ?? '[]') as string[];

export default defineConfig({
  test: {
    include: globs.filter((glob) => !glob.startsWith('!')),
    exclude: globs.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1)),
    isolate: false,
    setupFiles: ['test/support/run/fresh-process.ts'],
    globalSetup: ['test/support/postgres/postgres-server.ts', 'test/support/run/impatient-assembly.ts'],
    reporters: [new FailedFilesCount()],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
