/** The tests of one stage, loaded once and kept: resident-runner.ts. */
import { globSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { stageTests } from './vitest.config.ts';

const { include, exclude } = stageTests();

export default defineConfig({
  test: {
    include: ['test/mutation/resident-tests.ts'],
    provide: { residentFiles: globSync(include, { exclude }).sort() },
    globalSetup: ['test/support/postgres/postgres-server.ts', 'test/support/run/impatient-assembly.ts'],
    reporters: [],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
