/** One call of `npm run chaos`: seed by seed on one running system, each judged by itself. */
import { execFileSync } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Overlay } from '../support/system/project-copy.ts';
import { faultsCalled } from './faults/called.ts';
import type { Fault } from './faults/fault.ts';
import type { History } from './history/history.ts';
import { writeHistory } from './history/history-file.ts';
import { journey } from './judge/journey.ts';
import { judge } from './judge/judge.ts';
import { verdictTable } from './judge/table.ts';
import { type ChaosOptions, UsageError } from './options.ts';
import { makePlan, type PlanOptions } from './plan/make-plan.ts';
import { objectsWith } from './plan/objects.ts';
import type { Plan } from './plan/plan.ts';
import { readPlan } from './plan/read-plan.ts';
import { PLANTED_BUGS } from './planted/bugs.ts';
import { overlaysOf } from './planted/planted-bug.ts';
import { ProgressLine } from './run/progress-line.ts';
import { faultsTable, logRow, operationsTable } from './run/report.ts';
import { runSeed } from './run/run-seed.ts';
import { shortestHistory } from './shrink/report.ts';
import { shrink } from './shrink/shrink.ts';
import { World } from './world/world.ts';

/** A short seed ends within seconds; many of them see more than one that is long. */
const SHORT = { operations: 70, lengthMs: 5_000, faultCount: 4, herd: 40, mappingChanges: 0 };
/** Of a long one, in a minute. */
const OPERATIONS_A_MINUTE = 1_080;
const FAULTS_A_MINUTE = 24;
const LONG_HERD = 250;
/** A run takes a minute; what fails by chance is seen in one of two. */
const SHRINKING = { runs: 40, tries: 2 };

export class Session {
  readonly #options: ChaosOptions & { readonly out: string };
  readonly #line = new ProgressLine(process.stdout);
  readonly #commit = commit();
  readonly #histories: History[] = [];
  readonly #bad: { readonly seed: number; readonly violations: number }[] = [];

  constructor(options: ChaosOptions & { readonly out: string }) {
    this.#options = options;
  }

  /** The exit status. */
  async run(): Promise<number> {
    const begun = Date.now();
    const faults = faultsCalled(this.#options.faults);
    const plans = await this.#plans(faults);
    this.#line.show('the system starts');
    const world = await World.open({ objects: objectsWith(plans[0]?.fields), overlays: planted(this.#options.plant) });
    this.#line.say(`ready after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    let asked = 0;
    const end = (signal: NodeJS.Signals) => {
      asked += 1;
      this.#line.say(`${signal}: ${asked === 1 ? 'ends after this seed; once more: at once' : 'ended'}`);
      if (asked > 1) void world.close().finally(() => process.exit(2));
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    try {
      for (const plan of plans) {
        await this.#seed(world, plan, faults);
        if (asked > 0) break;
      }
    } finally {
      this.#line.clear();
      const kept = await world.close({ keep: this.#options.keep });
      if (kept !== undefined) this.#line.say(`state and logs: ${kept}`);
      // Also of the seeds before one that could not be carried out.
      this.#line.say(`\n${operationsTable(this.#histories)}\n${faultsTable(this.#histories)}`);
      await this.#log(begun);
    }
    const violations = this.#bad.reduce((sum, each) => sum + each.violations, 0);
    this.#line.say(violations === 0 ? 'no violations' : `${violations} violations (seeds ${this.#badSeeds()})`);
    return violations === 0 ? 0 : 1;
  }

  async #plans(faults: readonly Fault[]): Promise<Plan[]> {
    const { replay, seeds } = this.#options;
    if (replay !== undefined) return [await readPlan(replay)];
    const options = this.#planOptions(faults);
    if (!this.#options.alone) return seeds.map((seed) => makePlan(seed, options));
    const [first = 1] = seeds;
    return faults.map((fault, i) => makePlan(first + i, { ...options, faults: [fault] }));
  }

  #planOptions(faults: readonly Fault[]): PlanOptions {
    const { minutes, operations, faultCount, remap } = this.#options;
    if (minutes === undefined) {
      const count = operations ?? SHORT.operations;
      return {
        ...SHORT,
        operations: count,
        lengthMs: Math.max(3_000, (SHORT.lengthMs * count) / SHORT.operations),
        faultCount: faultCount ?? SHORT.faultCount,
        mappingChanges: remap ?? SHORT.mappingChanges,
        faults,
      };
    }
    return {
      operations: operations ?? Math.round(minutes * OPERATIONS_A_MINUTE),
      lengthMs: minutes * 60_000,
      faultCount: faultCount ?? Math.round(minutes * FAULTS_A_MINUTE),
      herd: LONG_HERD,
      mappingChanges: remap ?? (minutes >= 5 ? 1 : 0),
      faults,
    };
  }

  async #seed(world: World, plan: Plan, faults: readonly Fault[]): Promise<void> {
    const begun = Date.now();
    const { history, operator } = await runSeed(world, plan, {
      faults,
      commit: this.#commit,
      faultNames: this.#options.faults,
      progress: ({ phase, operations, faults: over, inForce }) => {
        const force = inForce.length === 0 ? '' : `, in force: ${inForce.join(', ')}`;
        this.#line.show(
          `seed ${plan.seed}: ${phase}, ${operations}/${plan.operations.length} operations, ${over} faults${force}`,
        );
      },
    });
    this.#histories.push(history);
    const verdict = judge(history);
    const violations = verdict.violations.length;
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    const { operations, faults: struck, versions } = history;
    const what = `${operations.length} operations, ${struck.length} faults, ${versions.length} versions, ${seconds} s`;
    const by = this.#options.alone ? ` ${[...new Set(plan.faults.map(({ name }) => name))].join()}:` : '';
    this.#line.say(`seed ${plan.seed}:${by} ${violations === 0 ? 'good' : `${violations} VIOLATIONS`}  (${what})`);
    if (operator.length > 0) this.#line.say(`  done as an operator would: ${operator.join(', ')}`);
    if (violations > 0) {
      this.#bad.push({ seed: plan.seed, violations });
      this.#line.say(verdictTable(history, verdict));
      const [first] = verdict.violations;
      if (first?.object !== undefined)
        this.#line.say(journey(history, { ...first, object: first.object }, { marked: first.versions }));
    }
    const file = join(this.#options.out, `seed-${plan.seed}`);
    if (violations > 0 || this.#options.keep) {
      await writeHistory(`${file}.history.jsonl`, history);
      await writeFile(`${file}.plan.json`, JSON.stringify(plan, undefined, 1));
      this.#line.say(`  ${file}.history.jsonl, ${file}.plan.json`);
    }
    if (violations > 0) this.#line.say(this.#next(file));
    const [found] = verdict.violations;
    if (this.#options.shrink && found !== undefined) await this.#shrink(world, plan, faults, found.rule);
  }

  /** How to go on from a violation. */
  #next(file: string): string {
    const { plant, shrink } = this.#options;
    const bug = plant === undefined ? '' : ` --plant "${plant}"`;
    const all = `  all journeys:      npm run chaos -- --judge ${file}.history.jsonl`;
    return shrink ? all : `${all}\n  its shortest plan: npm run chaos -- --replay ${file}.plan.json --shrink${bug}`;
  }

  /** Looks for the shortest plan that violates the rule, on the same running system. */
  async #shrink(world: World, plan: Plan, faults: readonly Fault[], rule: string): Promise<void> {
    const run = async (candidate: Plan) => {
      const { history } = await runSeed(world, candidate, {
        faults,
        commit: this.#commit,
        faultNames: this.#options.faults,
        progress: () => undefined,
      });
      return { history, verdict: judge(history) };
    };
    const shrunk = await shrink(plan, run, {
      rule,
      ...SHRINKING,
      onProgress: ({ operations, faults: left, runs }) =>
        this.#line.show(`shrinking: ${operations} operations, ${left} faults after ${runs} runs`),
    });
    const violation = shrunk.attempt?.verdict.violations.find((each) => each.rule === rule);
    if (shrunk.attempt === undefined || violation === undefined) {
      this.#line.say(`  not seen again in ${shrunk.runs} runs: ${rule}`);
      return;
    }
    const file = join(this.#options.out, `seed-${plan.seed}.shortest`);
    await writeHistory(`${file}.history.jsonl`, shrunk.attempt.history);
    await writeFile(`${file}.plan.json`, JSON.stringify(shrunk.plan, undefined, 1));
    this.#line.say(`the shortest found in ${shrunk.runs} runs:\n${shortestHistory(shrunk.attempt.history, violation)}`);
    this.#line.say(`  ${file}.history.jsonl, ${file}.plan.json`);
  }

  async #log(begun: number): Promise<void> {
    const { log } = this.#options;
    const seeds = this.#histories.map(({ seed }) => seed);
    if (log === undefined || seeds.length === 0) return;
    const [first = 0, last = first] = [seeds[0], seeds.at(-1)];
    const run = {
      date: new Date(begun),
      commit: this.#commit,
      options: givenOptions(process.argv.slice(2)),
      seeds: first === last ? String(first) : `${first}..${last}`,
      minutes: (Date.now() - begun) / 60_000,
    };
    const violations = this.#bad.reduce((sum, each) => sum + each.violations, 0);
    const row = logRow(this.#histories, run, violations === 0 ? 'none' : `${violations} (seeds ${this.#badSeeds()})`);
    const end = '<!-- end of runs -->';
    const text = await readFile(log, 'utf8').catch(() => undefined);
    if (text?.includes(end)) await writeFile(log, text.replace(end, `${row}\n${end}`));
    else await appendFile(log, `${row}\n`);
  }

  #badSeeds(): string {
    return this.#bad.map(({ seed }) => seed).join(', ');
  }
}

/** What a planted bug makes of the sources. Throws an Error for a name that none has. */
function planted(name: string | undefined): Readonly<Record<string, Overlay>> {
  if (name === undefined) return {};
  const bug = PLANTED_BUGS.find((each) => each.name === name);
  if (bug === undefined) {
    const names = PLANTED_BUGS.map((each) => `  ${each.name}`).join('\n');
    throw new UsageError(`No planted bug is called ${name}; there are:\n${names}`);
  }
  return overlaysOf(bug);
}

/** `+`: something differs from it. */
function commit(): string {
  const git = (...words: string[]) => execFileSync('git', words, { encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--', '.', ':!docs/proof.md') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** What differs from the defaults, without seed, minutes and log. */
function givenOptions(words: readonly string[]): string {
  const left: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (/^--(seeds?|minutes|log|out)$/.test(word)) i++;
    else left.push(word);
  }
  return left.join(' ');
}
