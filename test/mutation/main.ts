/** `npm run mutate`: changes the code in small ways, one at a time, and tells which changes no test notices. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { Part } from './areas.ts';
import { partsOf } from './areas.ts';
import { afterRun, described, type KnownSurvivors, knownAs, readKnown, writeKnown } from './known-survivors.ts';
import { type Mutant, mutantsOf, ROOT, sampled, sourceFiles } from './mutants.ts';
import { isCaught, lives, type Score, scoreOf, type Tested, tableOf } from './scores.ts';
import { makeScratch } from './scratch.ts';
import { COPY, runStage, STATE } from './stage.ts';

interface Options {
  readonly sample?: number;
  readonly seed: number;
  readonly stages?: number;
  readonly fresh?: boolean;
  readonly record?: boolean;
  readonly list?: boolean;
  readonly concurrency: number;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
}

const command = new Command('npm run mutate --')
  .description('Mutates the code and tells what no test notices. README: test/mutation/README.md')
  .argument('[paths...]', 'folders or files; none: all that is mutated')
  .option('--sample <n>', 'only so many mutants of each path, by chance', whole)
  .option('--seed <n>', 'for another sample', whole, 1)
  .option('--stages <n>', 'only so many stages of tests: 1 for the tests beside the code', whole)
  .option('--fresh', 'what earlier runs have found counts for nothing')
  .option('--record', 'write what survives into known-survivors.json, and take out what does not any more')
  .option('--list', 'print the mutants, and test none')
  .option('--concurrency <n>', 'processes that test', whole, 2);

async function testPart(
  { area, path }: Part,
  chosen: readonly Mutant[],
  options: Options,
  scratch: string,
): Promise<Tested[]> {
  const tested = new Map<string, Tested>();
  let left = chosen;
  for (const stage of area.stages.slice(0, options.stages)) {
    if (left.length === 0) break;
    console.log(`${path}: ${left.length} mutants, tests of ${stage.name}`);
    const { concurrency, fresh = false } = options;
    const fates = await runStage(area, stage, left, { scratch, concurrency, fresh });
    const slow = left.filter(({ key }) => fates.get(key) === 'timeout');
    if (slow.length > 0) {
      console.log(`${path}: ${slow.length} came to no end; once more, one at a time`);
      const patient = { ...stage, patienceSeconds: 2 * stage.patienceSeconds };
      const again = await runStage(area, patient, slow, { scratch, concurrency: 1, fresh: false });
      for (const [key, fate] of again) fates.set(key, fate);
    }
    for (const mutant of left) {
      const found = fates.get(mutant.key) ?? 'error';
      const before = tested.get(mutant.key)?.fate;
      // What no test of this stage reaches may have been reached by one of the stage before.
      const fate = found === 'no coverage' && before !== undefined ? before : found;
      tested.set(mutant.key, { mutant, fate, caughtBy: isCaught(fate) ? stage.name : undefined });
    }
    left = left.filter(({ key }) => lives(tested.get(key)?.fate ?? 'error'));
  }
  return [...tested.values()];
}

function printSurvivors(tested: readonly Tested[], known: KnownSurvivors): Mutant[] {
  const survivors = tested.filter(({ fate }) => lives(fate));
  const unknown = survivors.filter(({ mutant }) => knownAs(known, mutant) === undefined);
  for (const { mutant, fate } of unknown) {
    console.log(`${described(mutant)}${fate === 'no coverage' ? '  (no coverage)' : ''}`);
  }
  const caught = tested.filter(({ mutant, fate }) => isCaught(fate) && knownAs(known, mutant) !== undefined);
  for (const { mutant } of caught) console.log(`is known to survive, and does not: ${described(mutant)}`);
  return unknown.map(({ mutant }) => mutant);
}

async function main(paths: readonly string[], options: Options): Promise<number> {
  const parts = partsOf(paths);
  const scratch = makeScratch([join(ROOT, COPY)]);
  const scores: Score[] = [];
  let isGood = true;
  for (const part of parts) {
    const all = await mutantsOf(sourceFiles(part.path));
    const chosen = options.sample === undefined ? all : sampled(all, options.sample, options.seed);
    if (options.list === true) {
      for (const mutant of chosen) console.log(described(mutant));
      continue;
    }
    const tested = await testPart(part, chosen, options, scratch);
    const known = readKnown();
    const unknown = printSurvivors(tested, known);
    const score = scoreOf(part.path, all.length, tested, known);
    scores.push(score);
    isGood &&= unknown.length === 0 && score.possible >= part.area.least;
    if (options.record === true) record(known, all, tested);
    writeFileSync(join(ROOT, STATE, 'last.json'), JSON.stringify(tested, null, 1));
  }
  if (scores.length > 0) console.log(tableOf(scores));
  return isGood ? 0 : 1;
}

function record(known: KnownSurvivors, all: readonly Mutant[], tested: readonly Tested[]): void {
  const survivors = tested.filter(({ fate }) => lives(fate)).map(({ mutant }) => mutant);
  const ran = tested.map(({ mutant }) => mutant);
  writeKnown(afterRun(known, all, ran, survivors));
}

command.action(async (paths: string[], options: Options) => {
  try {
    process.exitCode = await main(paths, options);
  } catch (error) {
    console.error(error instanceof RangeError ? error.message : error);
    process.exitCode = 2;
  }
});
await command.parseAsync();
