/**
 * Loaded by Vitest as its only test file, in a worker that stays: holds the tests of all files of a stage, and runs those that it is asked
 * for, with the mutant that it is asked for. So a mutant costs what its tests cost. For tests that keep nothing and have no hooks but those around each one.
 */
import { resolve } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { describe, inject, type RunnerTask, type RunnerTestCase, type RunnerTestSuite, test } from 'vitest';
import { getFn, getHooks } from 'vitest/suite';
import { type Answer, CHANNEL, type Question, type Ran } from './resident-protocol.ts';

/** What the instrumented code reads and counts. */
interface StrykerNamespace {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: Answer['coverage'];
}

/** A test, and the suites around it, from the outermost. */
interface ResidentTest {
  readonly test: RunnerTestCase;
  readonly suites: readonly RunnerTestSuite[];
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
    const done = data.kind === 'all' ? askedForAll(tests) : askedForMutant(tests, data);
    done.then((answer) => channel.postMessage(answer), ended.reject);
  };
  channel.postMessage({ kind: 'ready' } satisfies Answer);
  await ended.promise;
});

for (const file of inject('residentFiles')) {
  describe(file, async () => void (await import(/* @vite-ignore */ resolve(file))));
}

/** The tests below a task, each by an id that its file and its names make. */
function testsOf(task: RunnerTask, suites: readonly RunnerTestSuite[]): [string, ResidentTest][] {
  if (task.mode === 'skip' || task.mode === 'todo') return [];
  if (task.type === 'suite') {
    const { beforeEach: _before, afterEach: _after, ...others } = getHooks(task);
    if (Object.values(others).some((each) => each.length > 0)) {
      throw new Error(`${task.name} has hooks around all of its tests: it cannot stay loaded.`);
    }
    return task.tasks.flatMap((each) => testsOf(each, [...suites, task]));
  }
  const [file = '', ...others] = [...suites, task].map(({ name }) => name);
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

async function run(id: string, one: ResidentTest): Promise<Ran> {
  const started = performance.now();
  const failures: string[] = [];
  const failing = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  await failing(async () => {
    for (const suite of one.suites) for (const hook of getHooks(suite).beforeEach) await hook(one.test.context, suite);
    await getFn(one.test)();
  });
  for (const suite of one.suites.toReversed()) {
    for (const hook of getHooks(suite).afterEach) await failing(() => hook(one.test.context, suite));
  }
  return { id, failure: failures[0], timeMs: performance.now() - started };
}

async function askedForAll(tests: ReadonlyMap<string, ResidentTest>): Promise<Answer> {
  const ran: Ran[] = [];
  for (const [id, one] of tests) {
    stryker.currentTestId = id;
    ran.push(await run(id, one));
    stryker.currentTestId = undefined;
  }
  return { kind: 'ran', ran, coverage: stryker.mutantCoverage };
}

type MutantQuestion = Extract<Question, { kind: 'mutant' }>;

async function askedForMutant(
  tests: ReadonlyMap<string, ResidentTest>,
  { mutant, ids, hitLimit }: MutantQuestion,
): Promise<Answer> {
  const ran: Ran[] = [];
  const wasThere = stryker.activeMutant === mutant;
  stryker.hitCount = 0;
  stryker.hitLimit = hitLimit;
  stryker.activeMutant = mutant;
  for (const id of ids ?? tests.keys()) {
    const one = tests.get(id);
    if (one === undefined) throw new Error(`There is no test ${id}.`);
    ran.push(await run(id, one));
    if (ran.at(-1)?.failure !== undefined) break;
  }
  const { hitCount } = stryker;
  if (wasThere) return { kind: 'ran', ran, hitCount };
  stryker.activeMutant = undefined;
  const failed = ran.find(({ failure }) => failure !== undefined);
  const one = failed && tests.get(failed.id);
  // Whatever the mutant has left behind would count against the next one.
  const isSpoilt = one !== undefined && (await run('', one)).failure !== undefined;
  return { kind: 'ran', ran, hitCount, isSpoilt };
}
