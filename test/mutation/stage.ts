/** Runs Stryker over chosen mutants with the tests of one stage. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogLevel } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import type { Area, Stage } from './areas.ts';
import { CHOSEN_MUTANTS } from './chosen-mutants.ts';
import { keyOf, type Mutant, ROOT } from './mutants.ts';

/**
 * timeout: its tests come to no end. no coverage: no test reaches it. error: something failed outside of all tests, so it is not
 * known whether one would have.
 */
export type Fate = 'killed' | 'timeout' | 'survived' | 'no coverage' | 'error';

export interface StageOptions {
  /** For what is made on the way; removed by the caller. */
  readonly scratch: string;
  readonly concurrency: number;
  /** Else what an earlier run has found counts, where neither the mutant nor its tests have changed. */
  readonly fresh: boolean;
}

/** For results of earlier runs, and Stryker's copies of the project. */
export const STATE = '.mutation';
/** Of this run alone: another one, over another folder, may be under way. */
export const COPY = `${STATE}/copy-${process.pid}`;

const OWN_PLUGINS = ['chosen-mutants.ts', 'resident-runner.ts'].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);

const FATES: Readonly<Record<string, Fate>> = {
  Killed: 'killed',
  Timeout: 'timeout',
  Survived: 'survived',
  NoCoverage: 'no coverage',
  RuntimeError: 'error',
};

/** What became of each of the mutants, by its key. Throws when the tests fail without a mutant. */
export async function runStage(
  area: Area,
  stage: Stage,
  mutants: readonly Mutant[],
  { scratch, concurrency, fresh }: StageOptions,
): Promise<Map<string, Fate>> {
  const chosen = new Set(mutants.map(({ key }) => key));
  const list = join(scratch, 'chosen-mutants.json');
  writeFileSync(list, JSON.stringify([...chosen]));
  // Stryker's processes inherit them.
  process.env[CHOSEN_MUTANTS] = list;
  process.env.MUTATION_TESTS = JSON.stringify(stage.tests);
  const incrementalFile = `${STATE}/${area.folder.replaceAll('/', '-')}-${stage.name}.json`;
  mkdirSync(join(ROOT, STATE), { recursive: true });
  forgetUntested(incrementalFile);
  const results = await new Stryker({
    mutate: [...new Set(mutants.map(({ file }) => file))],
    testRunner: stage.isResident === true ? 'resident' : 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    plugins: ['@stryker-mutator/vitest-runner', ...OWN_PLUGINS],
    checkers: ['chosen-mutants'],
    concurrency,
    coverageAnalysis: 'perTest',
    incremental: true,
    incrementalFile,
    force: fresh,
    timeoutFactor: 3,
    timeoutMS: stage.patienceSeconds * 1000,
    dryRunTimeoutMinutes: 60,
    tempDirName: COPY,
    cleanTempDir: 'always',
    // The last one is a link to a folder, which Stryker takes for a file.
    ignorePatterns: [STATE, '.local', 'dist', 'cdk.out', 'examples/rails/salesforce'],
    disableTypeChecks: false,
    // Stryker would rewrite it with the API of an older TypeScript; nothing of it has to be rewritten.
    tsconfigFile: 'none',
    reporters: [process.stdout.isTTY ? 'progress' : 'progress-append-only'],
    logLevel: 'warn' as LogLevel,
    warnings: false,
    thresholds: { high: 100, low: 0, break: null },
  }).runMutationTest();
  forgetUntested(incrementalFile);
  const fates = results.flatMap(({ fileName, location, mutatorName, replacement, status }) => {
    const file = relative(ROOT, fileName);
    const key = keyOf(file, fromZero(location), mutatorName, replacement);
    const fate = FATES[status];
    return fate === undefined || !chosen.has(key) ? [] : [[key, fate] as const];
  });
  return new Map(fates);
}

type Location = Parameters<typeof keyOf>[1];

function fromZero({ start, end }: Location): Location {
  const less = ({ line, column }: Location['start']) => ({ line: line - 1, column: column - 1 });
  return { start: less(start), end: less(end) };
}

/**
 * Mutants that were not chosen were not tested, and one whose tests came to no end may only have been slow: they have no place in the
 * results of earlier runs.
 */
function forgetUntested(file: string): void {
  const path = join(ROOT, file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return;
  }
  const report = JSON.parse(text) as { files: Record<string, { mutants: { status: string }[] }> };
  for (const each of Object.values(report.files)) {
    each.mutants = each.mutants.filter(({ status }) => status !== 'CompileError' && status !== 'Timeout');
  }
  writeFileSync(path, JSON.stringify(report));
}
