/**
 * A plug-in of Stryker: of the mutants that it makes, only those are tested whose keys stand in the file that the environment
 * names. To Stryker it is a checker, and what it leaves out does not compile.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { CheckResult } from '@stryker-mutator/api/check';
import { CheckStatus } from '@stryker-mutator/api/check';
import type { Mutant } from '@stryker-mutator/api/core';
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { keyOf, ROOT } from './mutants.ts';

export const CHOSEN_MUTANTS = 'MUTATION_CHOSEN_MUTANTS';

const chosen = (): ReadonlySet<string> =>
  new Set(JSON.parse(readFileSync(process.env[CHOSEN_MUTANTS] ?? '', 'utf8')) as string[]);

const checker = {
  keys: new Set() as ReadonlySet<string>,
  async init() {
    checker.keys = chosen();
  },
  async check(mutants: Mutant[]): Promise<Record<string, CheckResult>> {
    const results = mutants.map(({ id, fileName, location, mutatorName, replacement }) => {
      const isChosen = checker.keys.has(keyOf(relative(ROOT, fileName), location, mutatorName, replacement));
      const passed: CheckResult = { status: CheckStatus.Passed };
      return [id, isChosen ? passed : { status: CheckStatus.CompileError, reason: 'not chosen' }] as const;
    });
    return Object.fromEntries(results);
  },
  /** All at once. */
  async group(mutants: Mutant[]): Promise<string[][]> {
    return [mutants.map(({ id }) => id)];
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Checker, 'chosen-mutants', checker)];
