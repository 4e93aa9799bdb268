/**
 * A test file that stays: it loads the test files of a stage, tells their tests, and then runs whatever resident-runner.ts asks for, under
 * the mutant that it is asked for. So a mutant costs what its tests cost, with their hooks.
 */
import { relative, resolve } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import type { MutantCoverage } from '@stryker-mutator/api/core';
import { describe, inject, type RunnerTask, type RunnerTestSuite, test } from 'vitest';
import { type Answer, CHANNEL, type Question, type Ran } from './resident-protocol.ts';
import { OpenSuites, type ResidentTest } from './resident-suites.ts';

/** What the instrumented code reads and counts. */
interface StrykerNamespace {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: Answer['coverage'];
}

const globals = globalThis as { __stryker__?: StrykerNamespace };
globals.__stryker__ ??= {};
const stryker = globals.__stryker__;
/** A mutant of what happens while files are loaded has to be there before. */
stryker.activeMutant = inject('mutantAtLoading') ?? undefined;

test('answers', { timeout: 0 }, async ({ task }) => {
  const tests = named(task.file.tasks.filter((each) => each !== task).flatMap((each) => testsOf(each, [])));
  const channel = new BroadcastChannel(CHANNEL);
  const ended = Promise.withResolvers<void>();
  channel.onmessage = (event) => {
    const { data } = event as { data: Question };
    if (data.kind === 'end') return ended.resolve();
    const done = data.kind === 'all' ? askedForAll(tests) : askedForMutant(tests, data);
    done.then((answer) => channel.postMessage(answer), ended.reject);
  };
  channel.postMessage({ kind: 'ready' } satisfies Answer);
  await ended.promise.finally(() => channel.close());
});

for (const file of inject('residentFiles')) {
  describe(file, async () => void (await import(/* @vite-ignore */ resolve(file))));
}

/** The tests below a task, each by an id that its file and its names make. */
function testsOf(task: RunnerTask, suites: readonly RunnerTestSuite[]): [string, ResidentTest][] {
  if (task.mode === 'skip' || task.mode === 'todo') return [];
  if (task.type === 'suite') return task.tasks.flatMap((each) => testsOf(each, [...suites, task]));
  const [file = '', ...others] = [...suites.map(({ name }) => name), task.name];
  return [[`${file}#${others.join(' ')}`, { test: task, suites }]];
}

/** By their ids; of tests with one name each gets a number. */
function named(tests: readonly [string, ResidentTest][]): ReadonlyMap<string, ResidentTest> {
  const found = new Map<string, ResidentTest>();
  for (const [id, one] of tests) {
    let free = id;
    for (let n = 2; found.has(free); n++) free = `${id} (${n})`;
    found.set(free, one);
  }
  return found;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function run(id: string, work: () => Promise<void>): Promise<Ran> {
  const started = performance.now();
  let failure: string | undefined;
  try {
    await work();
  } catch (error) {
    failure = messageOf(error);
  }
  return { id, failure, timeMs: performance.now() - started };
}

async function askedForAll(tests: ReadonlyMap<string, ResidentTest>): Promise<Answer> {
  const ids = new Map<RunnerTask, string>([...tests].map(([id, { test }]) => [test, id]));
  const suites = new OpenSuites((task) => {
    const id = ids.get(task) ?? `suite ${ids.size}`;
    ids.set(task, id);
    stryker.currentTestId = id;
  });
  const ran: Ran[] = [];
  for (const [id, one] of tests) {
    let done = await run(id, () => suites.run(one));
    if (done.failure !== undefined) {
      // Once more, in suites of its own: on a machine with much else to do a test may only have been slow.
      await run(id, () => suites.leave());
      done = await run(id, () => suites.run(one));
    }
    ran.push(done);
  }
  await suites.leave();
  stryker.currentTestId = undefined;
  return { kind: 'ran', ran, coverage: ofTests(stryker.mutantCoverage, tests, ids) };
}

/** What the hooks around all tests of a suite reach, each of its tests does. */
function ofTests(
  coverage: MutantCoverage | undefined,
  tests: ReadonlyMap<string, ResidentTest>,
  ids: ReadonlyMap<RunnerTask, string>,
): MutantCoverage | undefined {
  if (coverage === undefined) return undefined;
  const perTest: Record<string, Record<string, number>> = {};
  for (const [id, { suites }] of tests) {
    const reached: Record<string, number> = {};
    for (const from of [id, ...suites.map((suite) => ids.get(suite) ?? '')]) {
      for (const [mutant, times] of Object.entries(coverage.perTest[from] ?? {})) {
        reached[mutant] = (reached[mutant] ?? 0) + times;
      }
    }
    perTest[id] = reached;
  }
  return { static: coverage.static, perTest };
}

type MutantQuestion = Extract<Question, { kind: 'mutant' }>;

async function askedForMutant(
  tests: ReadonlyMap<string, ResidentTest>,
  { mutant, file, ids, hitLimit }: MutantQuestion,
): Promise<Answer> {
  const ran: Ran[] = [];
  const wasThere = stryker.activeMutant === mutant;
  stryker.hitCount = 0;
  stryker.hitLimit = hitLimit;
  stryker.activeMutant = mutant;
  const suites = new OpenSuites();
  const wanted = new Set(ids ?? tests.keys());
  for (const id of wanted) if (!tests.has(id)) throw new Error(`There is no test ${id}.`);
  // A file at a time, so that the hooks around a suite run once.
  for (const [id, one] of nearestFirst(tests, file)) {
    if (!wanted.has(id)) continue;
    ran.push(await run(id, () => suites.run(one)));
    if (ran.at(-1)?.failure !== undefined) break;
  }
  const left = await run(ran.at(-1)?.id ?? '', () => suites.leave());
  if (left.failure !== undefined && ran.at(-1)?.failure === undefined) ran.push(left);
  const { hitCount } = stryker;
  if (wasThere) return { kind: 'ran', ran, hitCount };
  stryker.activeMutant = undefined;
  const failed = ran.find(({ failure }) => failure !== undefined);
  const one = failed && tests.get(failed.id);
  // Whatever a mutant has left behind would count against the next one.
  const isSpoilt = one !== undefined && !(await passes(one));
  return { kind: 'ran', ran, hitCount, isSpoilt };
}

/** The tests of files that are named like the changed one come first: they fail soonest. */
function nearestFirst(tests: ReadonlyMap<string, ResidentTest>, file: string): [string, ResidentTest][] {
  const wanted = new Set(wordsOf(file));
  const near = new Map<string, number>();
  for (const id of tests.keys()) {
    const of = id.split('#', 1)[0] ?? '';
    if (!near.has(of)) near.set(of, wordsOf(of).filter((word) => wanted.has(word)).length);
  }
  const rank = ([id]: [string, ResidentTest]) => near.get(id.split('#', 1)[0] ?? '') ?? 0;
  return [...tests].sort((a, b) => rank(b) - rank(a));
}

/** Of the path from the root, in the singular. */
function wordsOf(file: string): string[] {
  return relative('.', file)
    .split(/[^a-z]+/)
    .map((word) => word.replace(/s$/, ''));
}

async function passes(one: ResidentTest): Promise<boolean> {
  const suites = new OpenSuites();
  const work = async () => {
    await suites.run(one);
    await suites.leave();
  };
  return (await run('', work)).failure === undefined;
}
