import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './test/support/run/long-files-first.ts';
import { memoryDirectory } from './test/support/run/memory-directory.ts';

// Many processes load the same packages: each is compiled once. Node's own default place, also for later runs.
process.env.NODE_COMPILE_CACHE = join(tmpdir(), 'node-compile-cache');
// For this process, which starts PostgreSQL, and for all others.
process.env.TMPDIR = memoryDirectory() ?? tmpdir();

/** The largest histories have millions of states, all of which are kept; Node's own limit is 4 GB. */
const heap = process.env.EXPLORE === 'deep' ? ['--max-old-space-size=12288'] : [];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    // Many of these tests wait for servers or clocks, so two files more than there are cores pay.
    maxWorkers: availableParallelism() + 2,
    isolate: false,
    setupFiles: ['test/support/run/fresh-process.ts'],
    sequence: { sequencer: LongFilesFirst },
    globalSetup: ['test/support/postgres/postgres-server.ts', 'test/support/run/impatient-assembly.ts'],
    reporters: ['default'],
    // Ends what hangs; a test of thousands of records takes this long only where others use the machine, too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ['--disable-warning=ExperimentalWarning', ...heap],
  },
});
