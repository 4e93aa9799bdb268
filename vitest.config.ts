import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './test/support/long-files-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Many of these tests wait for servers or clocks, so one file more than there are cores pays.
    maxWorkers: availableParallelism() + 1,
    isolate: false,
    setupFiles: ['test/support/fresh-process.ts'],
    sequence: { sequencer: LongFilesFirst },
    globalSetup: ['test/support/postgres-server.ts', 'test/support/impatient-assembly.ts'],
    reporters: ['default'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Many processes load the same packages: each is compiled once. Node's own default place.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
