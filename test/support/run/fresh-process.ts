/**
 * Runs before each test file: files follow each other in one process, which spares loading the packages for each of them,
 * and still none sees what another left. The project's own modules are loaded anew, with whatever they remember; clock,
 * globals and environment variables are those of a new process.
 */
import { vi } from 'vitest';

declare global {
  /** The environment variables before the first test file of this process. */
  var environmentAtStart: Readonly<NodeJS.ProcessEnv> | undefined;
}

vi.resetModules();
vi.useRealTimers();
vi.unstubAllGlobals();
vi.unstubAllEnvs();
globalThis.environmentAtStart ??= { ...process.env };
for (const name of Object.keys(process.env)) {
  if (!(name in globalThis.environmentAtStart)) delete process.env[name];
}
Object.assign(process.env, globalThis.environmentAtStart);
