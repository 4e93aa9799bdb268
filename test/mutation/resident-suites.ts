/** The suites around the tests of a resident worker, whose hooks run as Vitest runs them: once around all, and around each test. */
import type { RunnerTestCase, RunnerTestSuite } from 'vitest';
import { getFn, getHooks } from 'vitest/suite';

/** A test with the suites that it is in, the outermost first. */
export interface ResidentTest {
  readonly test: RunnerTestCase;
  readonly suites: readonly RunnerTestSuite[];
}

type Cleanup = () => unknown;

/** A hook that runs before something may answer what is to be done after it. */
function cleanupOf(answer: unknown): Cleanup[] {
  return typeof answer === 'function' ? [answer as Cleanup] : [];
}

/** Does all of it, whatever fails. Answers what has failed. */
async function inVain(work: readonly Cleanup[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const each of work) {
    try {
      await each();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/** Suites that have been entered and not been left yet. */
export class OpenSuites {
  readonly #open: { readonly suite: RunnerTestSuite; readonly cleanups: Cleanup[] }[] = [];
  readonly #onWork: (on: RunnerTestSuite | RunnerTestCase) => void;

  /** `onWork`: the hooks around all tests of a suite are about to run, or a test with its hooks. */
  constructor(onWork: (on: RunnerTestSuite | RunnerTestCase) => void = () => undefined) {
    this.#onWork = onWork;
  }

  /** Runs a test in its suites. Those in which it is not are left before. Throws what has failed. */
  async run({ test, suites }: ResidentTest): Promise<void> {
    await this.#enter(suites);
    this.#onWork(test);
    const cleanups: Cleanup[] = [];
    const errors: unknown[] = [];
    try {
      for (const suite of suites) {
        for (const hook of getHooks(suite).beforeEach) {
          cleanups.push(...cleanupOf(await hook(test.context, suite)));
        }
      }
      await getFn(test)();
    } catch (error) {
      errors.push(error);
    }
    const after = suites.toReversed().flatMap((suite) =>
      getHooks(suite)
        .afterEach.toReversed()
        .map((hook) => () => hook(test.context, suite)),
    );
    errors.push(...(await inVain([...after, ...cleanups.toReversed()])));
    if (errors.length > 0) throw errors[0];
  }

  /** Leaves all suites but these. Throws what has failed. */
  async leave(but: readonly RunnerTestSuite[] = []): Promise<void> {
    const errors: unknown[] = [];
    while (this.#open.some(({ suite }, i) => suite !== but[i])) {
      const last = this.#open.pop();
      if (last === undefined) break;
      const { suite, cleanups } = last;
      this.#onWork(suite);
      const after = getHooks(suite).afterAll.toReversed();
      errors.push(...(await inVain([...after.map((hook) => () => hook(suite)), ...cleanups.toReversed()])));
    }
    if (errors.length > 0) throw errors[0];
  }

  async #enter(suites: readonly RunnerTestSuite[]): Promise<void> {
    await this.leave(suites);
    for (const suite of suites.slice(this.#open.length)) {
      const cleanups: Cleanup[] = [];
      this.#open.push({ suite, cleanups });
      this.#onWork(suite);
      for (const hook of getHooks(suite).beforeAll) cleanups.push(...cleanupOf(await hook(suite)));
    }
  }
}
