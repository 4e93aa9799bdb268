import { describe, expect, test } from 'vitest';
import type { Violation } from '../judge/finding.ts';
import { judge, type Verdict } from '../judge/judge.ts';
import { idOf, Story } from '../judge/story.ts';
import { ddmin } from './ddmin.ts';
import { shortestHistory } from './report.ts';
import { operationsOn, shrink } from './shrink.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, place) => place + 1);

describe('ddmin', () => {
  test.each([[[7]], [[3, 61]], [[1, 32, 33, 64]]])('finds %j among sixty-four', async (needed) => {
    let calls = 0;
    const fails = async (items: readonly number[]) => {
      calls += 1;
      return needed.every((each) => items.includes(each));
    };
    expect(await ddmin(numbers(64), fails)).toEqual(needed);
    expect(calls).toBeLessThan(200);
  });
});

interface Plan {
  readonly seed: number;
  readonly operations: readonly { readonly number: number }[];
  readonly faults: readonly string[];
}

const PLAN: Plan = {
  seed: 7,
  operations: numbers(40).map((number) => ({ number })),
  faults: ['postgres killed', 'events late', 'clock skew'],
};
const EMPTY = new Story().history();

function verdictOf(isBroken: boolean): Verdict {
  const violation: Violation = { rule: 'no older value', says: 'It came back.', versions: [] };
  const other: Violation = { rule: 'rest', says: 'It goes on.', versions: [] };
  return { violations: [isBroken ? violation : other], excuses: {}, counted: {} };
}

function runner(isBroken: (plan: Plan) => boolean) {
  return async (plan: Plan) => ({ history: EMPTY, verdict: verdictOf(isBroken(plan)) });
}

const has = (plan: Plan, ...needed: number[]) =>
  needed.every((each) => plan.operations.some(({ number }) => number === each));
const OPTIONS = { rule: 'no older value', runs: 200, tries: 2 };

test('a plan shrinks to the operations and the fault that it takes', async () => {
  const run = runner((plan) => has(plan, 5, 33) && plan.faults.includes('events late'));
  const { plan, attempt } = await shrink(PLAN, run, OPTIONS);
  expect(plan).toEqual({ seed: 7, operations: [{ number: 5 }, { number: 33 }], faults: ['events late'] });
  expect(attempt?.verdict.violations[0]?.rule).toBe('no older value');
});

test('without faults where it takes none', async () => {
  const { plan } = await shrink(
    PLAN,
    runner((each) => has(each, 5)),
    OPTIONS,
  );
  expect(plan).toEqual({ seed: 7, operations: [{ number: 5 }], faults: [] });
});

test('what fails every other time is tried again', async () => {
  let time = 0;
  const run = runner((plan) => has(plan, 12) && time++ % 2 === 1);
  const { plan } = await shrink(PLAN, run, OPTIONS);
  expect(plan.operations).toEqual([{ number: 12 }]);
});

test('runs are bounded, and what was found by then is told', async () => {
  const { plan, runs } = await shrink(
    PLAN,
    runner((each) => has(each, 5, 33)),
    { ...OPTIONS, runs: 30 },
  );
  expect(runs).toBe(30);
  expect(plan.operations.length).toBeLessThan(40);
  expect(has(plan, 5, 33)).toBe(true);
});

test('a violation of another rule is none; a plan that fails no more is told as such', async () => {
  const { plan, attempt, runs } = await shrink(
    PLAN,
    runner(() => false),
    OPTIONS,
  );
  expect({ plan, attempt, runs }).toEqual({ plan: PLAN, attempt: undefined, runs: 2 });
});

function story(): Story {
  const made = new Story().edits('salesforce', 'p', { Name: 'Parent' }, 'Account').pair('b', { LastName: 'Other' });
  made.pair('a', { LastName: 'Base', AccountId: idOf('p') }).edits('salesforce', 'b', { LastName: 'B1' });
  made.applies('b', { LastName: 'B1' }).edits('salesforce', 'a', { LastName: 'S1' }).applies('a', { LastName: 'S1' });
  return made.edits('postgres', 'a', { LastName: 'P1' }).applies('a', { LastName: 'S1' });
}

test('operations on a record are its own and those on what it names', () => {
  const history = story().history();
  const [violation] = judge(history).violations.filter(({ rule }) => rule === 'no older value');
  expect([...operationsOn(history, violation as Violation)]).toEqual([1, 3, 4]);
});

test('the shortest history is told with the journey of the record', () => {
  const history = story().history();
  const [violation] = judge(history).violations.filter(({ rule }) => rule === 'no older value');
  const text = shortestHistory(history, violation as Violation);
  expect(text).toContain('no older value: In postgres sfsync put back a value of LastName');
  expect(text).toContain('4  postgres update Contact a  done');
  expect(text).toContain(`Contact ${idOf('a')}, row a`);
  expect(text).not.toMatch(/S1|P1/);
});
