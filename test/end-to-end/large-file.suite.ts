/** A file of many ranges, and a crash in the middle of it: what was finished is not done again. */
import { expect, test } from 'vitest';
import { appliedLoans, appliedTotals, breakWrites, expectedTotals, loanFile } from '../support/postgres/loan-file.ts';
import { type BothSides, type ExecutionEvent, until } from '../support/system/both-sides.ts';

const LOANS = { first: 0, count: 30_000 };

export function largeFile(sides: () => BothSides): void {
  test('a crash in the middle of a large file is redriven, and only unfinished ranges run again', async () => {
    const both = sides();
    const key = await both.putInboundFile('Opportunity', loanFile(LOANS));
    const executionArn = await until('the execution of the file', async () => {
      const running = await both.executions('salesforceToPostgres', 'RUNNING');
      const described = await Promise.all(running.map((execution) => both.describe(execution.executionArn)));
      return described.find(({ input }) => input.includes(key))?.executionArn;
    });
    // What is committed counts only once it is answered: a range that is killed in between runs again, too.
    await until('a range that is finished', async () => finishedRanges(await both.history(executionArn)).length > 0);
    const mend = await breakWrites(both);
    const failed = await both.executionOf(key).finally(mend);
    expect(failed.executionArn).toBe(executionArn);
    expect(failed).toMatchObject({ status: 'FAILED', error: 'ConfigurationError' });
    const before = await both.history(executionArn);
    expect(await appliedLoans(both, LOANS)).toBeLessThan(LOANS.count);

    await both.system.call('states', 'RedriveExecution', { executionArn });
    const ended = await until('the end of the redrive', async () => {
      const execution = await both.describe(executionArn);
      return execution.status !== 'RUNNING' && execution;
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(await appliedTotals(both, LOANS)).toEqual(expectedTotals(LOANS));

    const history = await both.history(executionArn);
    const finishedBefore = finishedRanges(before);
    const finishedAfter = finishedRanges(history.slice(before.length));
    expect(finishedBefore.length).toBeGreaterThan(0);
    expect(finishedAfter.length).toBeGreaterThan(0);
    // Each range was finished once.
    const all = [...finishedBefore, ...finishedAfter].sort((a, b) => a - b);
    expect(all).toEqual(all.map((_, index) => index));
    expect(JSON.parse(ended.output ?? '')).toMatchObject({ rejected: 0, conflicts: 0 });
  });
}

/** Indexes of the ranges whose iteration succeeded. */
function finishedRanges(events: readonly ExecutionEvent[]): number[] {
  return events.flatMap(({ mapIterationSucceededEventDetails }) => mapIterationSucceededEventDetails?.index ?? []);
}
