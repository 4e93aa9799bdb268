/**
 * A plug-in of Stryker: a runner of Vitest's tests that loads them once and keeps them. Stryker's own starts a worker for each mutant, which
 * costs a hundred times as much as most tests of the rules, and several times as much as most of those with a database.
 */
import { resolve } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import type {
  DryRunResult,
  MutantRunOptions,
  MutantRunResult,
  TestResult,
  TestRunner,
} from '@stryker-mutator/api/test-runner';
import {
  DryRunStatus,
  determineHitLimitReached,
  MutantRunStatus,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import { createVitest, type Vitest } from 'vitest/node';
import { type Answer, CHANNEL, type Question, type Ran } from './resident-protocol.ts';

/** What Vitest says of a test, or a hook, that has come to no end. */
const TIMED_OUT = /^(Test|Hook) timed out in \d+ms/;

class ResidentRunner implements TestRunner {
  #vitest: Vitest | undefined;
  readonly #channel = new BroadcastChannel(CHANNEL);

  /** Stryker makes a new process for a mutant that has to be there before the files are loaded. */
  capabilities() {
    return { reloadEnvironment: false };
  }

  async dryRun(): Promise<DryRunResult> {
    if (!(await this.#load(null)))
      return { status: DryRunStatus.Error, errorMessage: 'The test files cannot be loaded.' };
    const { ran = [], coverage } = await this.#ask({ kind: 'all' });
    const complete = { status: DryRunStatus.Complete as const, tests: ran.map(testResult) };
    return coverage === undefined ? complete : { ...complete, mutantCoverage: coverage };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, mutantActivation, testFilter: ids, hitLimit } = options;
    const mutant = activeMutant.id;
    const { fileName: file } = activeMutant;
    const test = async (ids: readonly string[] | undefined): Promise<Answer | undefined> => {
      if (!(await this.#load(mutantActivation === 'static' ? mutant : null))) return undefined;
      const answer = await this.#ask({ kind: 'mutant', mutant, file, ids, hitLimit });
      if (answer.isSpoilt === true) await this.#unload();
      return answer;
    };
    let answer = await test(ids);
    // What a mutant before this one has left behind may have made the test fail.
    const failed = answer?.isSpoilt === true ? answer.ran?.at(-1) : undefined;
    if (failed !== undefined) answer = await test([failed.id]);
    if (failed !== undefined && answer?.ran?.every(({ failure }) => failure === undefined)) answer = await test(ids);
    if (answer === undefined) {
      return { status: MutantRunStatus.Killed, killedBy: [], failureMessage: 'It cannot be loaded.', nrOfTests: 0 };
    }
    const { ran = [], hitCount } = answer;
    const reason = ran.map(({ failure = '' }) => failure).find((failure) => TIMED_OUT.test(failure));
    if (reason !== undefined) {
      // Its test may still be at work.
      await this.#unload();
      return { status: MutantRunStatus.Timeout, reason };
    }
    const complete = { status: DryRunStatus.Complete as const, tests: ran.map(testResult) };
    return toMutantRunResult(determineHitLimitReached(hitCount, hitLimit) ?? complete);
  }

  async dispose(): Promise<void> {
    await this.#unload();
    this.#channel.close();
  }

  /** Loads the tests, unless they are. Answers whether they could be. */
  async #load(mutantAtLoading: string | null): Promise<boolean> {
    if (this.#vitest !== undefined) return true;
    this.#vitest = await createVitest('test', {
      config: 'test/mutation/resident.config.ts',
      watch: false,
      pool: 'threads',
      maxWorkers: 1,
    });
    this.#vitest.provide('mutantAtLoading', mutantAtLoading);
    const ready = this.#answer();
    const ended = this.#vitest.start().then(() => undefined);
    if ((await Promise.race([ready, ended])) !== undefined) return true;
    await this.#unload();
    return false;
  }

  /** A worker whose file goes on is waited for by Vitest for a minute. */
  async #unload(): Promise<void> {
    this.#channel.postMessage({ kind: 'end' } satisfies Question);
    await this.#vitest?.close();
    this.#vitest = undefined;
  }

  #ask(question: Question): Promise<Answer> {
    const answer = this.#answer();
    this.#channel.postMessage(question);
    return answer;
  }

  #answer(): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#channel.onmessage = (event) => resolve((event as { data: Answer }).data);
    return promise;
  }
}

function testResult({ id, failure, timeMs: timeSpentMs }: Ran): TestResult {
  const [fileName = '', name = ''] = id.split('#');
  const test = { id, name, fileName: resolve(fileName), timeSpentMs };
  return failure === undefined
    ? { ...test, status: TestStatus.Success }
    : { ...test, status: TestStatus.Failed, failureMessage: failure };
}

function makeRunner(): TestRunner {
  return new ResidentRunner();
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'resident', makeRunner)];
