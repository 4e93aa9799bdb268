/**
 * `npm run chaos:planted`: plants bugs, and sees whether the chaos run finds them. Exit status 0: all were found; 1: some were not;
 * 2: a run has failed.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { memoryDirectory } from '../../support/run/memory-directory.ts';
import { ProgressLine } from '../run/progress-line.ts';
import { PLANTED_BUGS } from './bugs.ts';
import { type Hunter, hunt } from './hunt.ts';
import { Pass } from './pass.ts';
import type { PlantedBug } from './planted-bug.ts';
import { PlantedSystem, planFor } from './seeds.ts';
import { documentOf, lineOf } from './table.ts';
import { typeFaults } from './type-check.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PASS = join(ROOT, '.local/planted.json');
const DOCUMENT = join(ROOT, 'docs/planted-bugs.md');

const USAGE = `npm run chaos:planted -- [names of bugs] [options]
  --seeds N     for each bug (default: what its entry grants)
  --first N     the first seed (default: 1)
  --again       begins a new pass; with names: hunts these once more
  --list        how the pass stands
  --check       whether the type checker takes the bugs`;

process.env.TMPDIR = memoryDirectory() ?? tmpdir();

interface Options {
  readonly bugs: readonly PlantedBug[];
  readonly named: boolean;
  readonly seeds: number | undefined;
  readonly first: number;
  readonly again: boolean;
  readonly list: boolean;
  readonly check: boolean;
}

function readOptions(words: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      seeds: { type: 'string' },
      first: { type: 'string' },
      again: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  return {
    ...values,
    bugs: positionals.length === 0 ? PLANTED_BUGS : positionals.map(bugCalled),
    named: positionals.length > 0,
    seeds: values.seeds === undefined ? undefined : wholeNumber(values.seeds),
    first: wholeNumber(values.first ?? '1'),
  };
}

function bugCalled(name: string): PlantedBug {
  const found = PLANTED_BUGS.find((bug) => bug.name === name);
  if (found === undefined) throw new Error(`No planted bug is called "${name}"; --list names them.`);
  return found;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is no whole number.`);
  return Number(text);
}

function rowsOf(pass: Pass, bugs: readonly PlantedBug[]) {
  return bugs.map((bug) => ({ bug, entry: pass.lastOf(bug) }));
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
}

async function huntAll({ bugs, again, named, seeds, first }: Options): Promise<number> {
  const pass = Pass.open(PASS);
  if (again && !named) pass.forget();
  const left = bugs.filter((bug) => pass.of(bug) === undefined || (again && named));
  const line = new ProgressLine(process.stdout);
  const reporter = {
    commit: commit(),
    progress: (text: string) => line.show(text),
    say: (text: string) => line.say(text),
  };
  const system = new PlantedSystem(left, reporter);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void system.close().finally(() => process.exit(130)));
  }
  try {
    for (const bug of left) {
      const numbers = Array.from({ length: seeds ?? bug.seeds }, (_, i) => first + i);
      const hunted = await hunt(bug, numbers, hunterOn(system, pass, reporter.commit));
      pass.add(bug, hunted, { commit: reporter.commit, at: new Date().toISOString() });
      line.say(lineOf({ bug, entry: pass.lastOf(bug) }));
      writeFileSync(DOCUMENT, documentOf(rowsOf(pass, PLANTED_BUGS)));
    }
  } finally {
    await system.close();
    line.clear();
  }
  const entries = rowsOf(pass, bugs).map(({ entry }) => entry?.outcome ?? 'failed');
  const found = entries.filter((outcome) => outcome === 'found').length;
  console.log(`\n${found} of ${bugs.length} found; ${DOCUMENT}`);
  return entries.includes('failed') ? 2 : found === bugs.length ? 0 : 1;
}

/** What is found counts only where the same seed finds nothing without the bug. */
function hunterOn(system: PlantedSystem, pass: Pass, commit: string): Hunter {
  return {
    run: (bug, seeds) =>
      system.run(
        bug,
        seeds.map((seed) => planFor(bug, seed)),
      ),
    control: (bug, seed) =>
      pass.control(planFor(bug, seed), commit, async (plan) => {
        const rules: string[] = [];
        for await (const report of system.run(undefined, [plan])) rules.push(...report.rules);
        return rules;
      }),
    now: () => performance.now(),
  };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.list) {
    for (const row of rowsOf(Pass.open(PASS), options.bugs)) console.log(lineOf(row));
    return 0;
  }
  if (options.check) {
    const faults = typeFaults(options.bugs);
    console.log(faults === '' ? `The type checker takes all ${options.bugs.length}.` : faults);
    return faults === '' ? 0 : 2;
  }
  return huntAll(options);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error, `\n${USAGE}`);
  process.exitCode = 2;
}
