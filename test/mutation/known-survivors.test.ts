import { describe, expect, test } from 'vitest';
import { partsOf } from './areas.ts';
import { afterRun, type KnownSurvivors, knownAs, noted, readKnown } from './known-survivors.ts';
import { type Mutant, sampled } from './mutants.ts';
import { scoreOf, type Tested } from './scores.ts';

const mutant = (line: number, more: Partial<Mutant> = {}): Mutant => ({
  key: `core/agreement/due.ts ${line}`,
  file: 'core/agreement/due.ts',
  line,
  column: 3,
  text: 'return one < other;',
  at: 7,
  original: 'one < other',
  replacement: 'one <= other',
  ...more,
});
const known: KnownSurvivors = { 'core/agreement/due.ts': [noted(mutant(1), 'equivalent', 'they are never equal')] };

test('each survivor that is known has a reason', () => {
  for (const survivors of Object.values(readKnown())) {
    for (const { kind, reason } of survivors) {
      expect(['equivalent', 'by design', 'open']).toContain(kind);
      expect(reason).not.toBe('');
    }
  }
});

describe('a survivor', () => {
  test('is known wherever its line has gone in its file, and as long as that is what it was', () => {
    expect(knownAs(known, mutant(99))?.reason).toBe('they are never equal');
    expect(knownAs(known, mutant(1, { text: 'return one < another;' }))).toBeUndefined();
    expect(knownAs(known, mutant(1, { replacement: 'one >= other' }))).toBeUndefined();
    expect(knownAs(known, mutant(1, { at: 8 }))).toBeUndefined();
    expect(knownAs(known, mutant(1, { file: 'core/agreement/link.ts' }))).toBeUndefined();
  });

  test('is recorded once; what was caught, or is no more in the code, is taken out, and what did not run stays', () => {
    const other = mutant(2, { replacement: 'true' });
    const recorded = afterRun(known, [mutant(1), other], [other], [other]);
    expect(recorded['core/agreement/due.ts']?.map(({ kind }) => kind)).toEqual(['equivalent', 'open']);
    expect(afterRun(recorded, [mutant(1), other], [mutant(1), other], [mutant(1), other])).toEqual(recorded);
    expect(afterRun(recorded, [mutant(1), other], [mutant(1), other], [other])['core/agreement/due.ts']).toHaveLength(
      1,
    );
    expect(afterRun(recorded, [other], [], [])['core/agreement/due.ts']).toHaveLength(1);
    expect(afterRun(known, [], [], [])).toEqual(known);
  });
});

test('a sample is the same for a seed, and another one for another', () => {
  const all = Array.from({ length: 100 }, (_, line) => mutant(line));
  const lines = (seed: number) => sampled(all, 10, seed).map(({ line }) => line);
  expect(lines(1)).toEqual(lines(1));
  expect(lines(1)).not.toEqual(lines(2));
  expect(new Set(lines(1)).size).toBe(10);
  expect(sampled(all, 1000, 1)).toHaveLength(100);
});

test('the score counts what no test reaches as surviving, and leaves errors out', () => {
  const tested: Tested[] = (['killed', 'timeout', 'survived', 'no coverage', 'error'] as const).map((fate, line) => ({
    mutant: mutant(line, fate === 'survived' ? {} : { replacement: fate }),
    fate,
    caughtBy: undefined,
  }));
  expect(scoreOf('core', 50, tested, known)).toMatchObject({ there: 50, tested: 5, equivalent: 1, score: 50 });
  expect(scoreOf('core', 50, tested, known).possible).toBeCloseTo(66.67, 1);
});

test('a path is a folder that is mutated, one below, or a file', () => {
  expect(partsOf(['steps/parents/', './core/agreement/due.ts']).map(({ area, path }) => [area.folder, path])).toEqual([
    ['steps', 'steps/parents'],
    ['core/agreement', 'core/agreement/due.ts'],
  ]);
  expect(partsOf([])).toHaveLength(5);
  expect(() => partsOf(['stepsy'])).toThrow(/stepsy is not mutated/);
});
