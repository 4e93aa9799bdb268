/**
 * `npm run chaos:planted`: plants bugs, and sees whether the chaos run finds them. Exit status 0: all were found; 1: some were not;
 * 2: a run has failed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { memoryDirectory } from '../../support/run/memory-directory.ts';
import type { Plan } from '../plan/plan.ts';
import { ProgressLine } from '../run/progress-line.ts';
import { PLANTED_BUGS } from './bugs.ts';
import { hunt } from './hunt.ts';
import { Pass } from './pass.ts';
import type { PlantedBug } from './planted-bug.ts';
import { judgedSeeds, planFor, type SeedsOptions } from './seeds.ts';
import { documentOf, lineOf } from './table.ts';
import { typeFaults } from './type-check.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PASS = join(ROOT, '.local/planted.json');
const DOCUMENT = join(ROOT, 'docs/planted-bugs.md');
/** One bug may take as long as this; then something hangs. */
const LONGEST_HUNT_MS = 40 * 60_000;

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
  /** The process hunts this one bug, and its parent goes on with the next. */
  readonly alone: boolean;
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
      alone: { type: 'boolean', default: false },
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

/** Each bug has a process of its own: what one leaves does not disturb the next. */
async function huntAll(options: Options): Promise<number> {
  const { bugs, again, named } = options;
  const first = Pass.open(PASS);
  if (again && !named) first.forget();
  const isDone = (bug: PlantedBug) => first.of(bug) !== undefined && !(again && named);
  for (const bug of bugs.filter((each) => !isDone(each))) {
    await huntApart(bug);
    const pass = Pass.open(PASS);
    console.log(lineOf({ bug, entry: pass.lastOf(bug) }));
    writeFileSync(DOCUMENT, documentOf(rowsOf(pass, PLANTED_BUGS)));
  }
  const entries = rowsOf(Pass.open(PASS), bugs).map(({ entry }) => entry?.outcome ?? 'failed');
  const found = entries.filter((outcome) => outcome === 'found').length;
  console.log(`\n${found} of ${bugs.length} found; ${DOCUMENT}`);
  return entries.includes('failed') ? 2 : found === bugs.length ? 0 : 1;
}

async function huntApart({ name }: PlantedBug): Promise<void> {
  const words = [
    import.meta.filename,
    name,
    '--alone',
    ...process.argv.slice(2).filter((word) => word !== name && word !== '--again'),
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...words], { stdio: 'inherit' });
  const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_HUNT_MS);
  await once(child, 'exit');
  clearTimeout(late);
}

/** What is found counts only where the same seed finds nothing without the bug. */
async function huntAlone({ bugs: [bug], seeds, first }: Options): Promise<void> {
  if (bug === undefined) return;
  const line = new ProgressLine(process.stdout);
  const options = { commit: commit(), progress: (text: string) => line.show(`${bug.name}: ${text}`) };
  const numbers = Array.from({ length: seeds ?? bug.seeds }, (_, i) => first + i);
  const pass = Pass.open(PASS);
  const hunted = await hunt(bug, numbers, {
    run: (planted, rest) =>
      judgedSeeds(
        rest.map((seed) => planFor(planted, seed)),
        planted,
        options,
      ),
    control: (planted, seed) => pass.control(planFor(planted, seed), options.commit, (plan) => brokenBy(plan, options)),
    now: () => performance.now(),
  });
  line.clear();
  pass.add(bug, hunted, { commit: options.commit, at: new Date().toISOString() });
}

async function brokenBy(plan: Plan, { commit, progress }: SeedsOptions): Promise<readonly string[]> {
  const say = (text: string) => progress(`without it: ${text}`);
  const rules: string[] = [];
  for await (const report of judgedSeeds([plan], undefined, { commit, progress: say })) rules.push(...report.rules);
  return rules;
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
  if (!options.alone) return huntAll(options);
  await huntAlone(options);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error, `\n${USAGE}`);
  process.exitCode = 2;
}
