/** The hunt for planted bugs, with runs that are told what they find. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hunt, type SeedReport } from './hunt.ts';
import { Pass } from './pass.ts';
import type { PlantedBug } from './planted-bug.ts';
import { documentOf, lineOf } from './table.ts';

const bug: PlantedBug = {
  name: 'marker left out',
  says: 'It is sent twice.',
  whose: { of: 'Another', link: 'https://example.com/1' },
  edits: [{ file: 'steps/a.ts', find: 'one', replace: 'two' }],
  faults: ['Lambda killed'],
  seeds: 3,
};
const FOUND = { rules: ['no older value'], says: 'An older value came back.' };
const moment = { commit: 'abc1234', at: '2026-11-30T17:00:00.000Z' };

/** Runs of which those of these seeds find something, or fail. */
function runs(findings: Readonly<Record<number, typeof FOUND | Error>>) {
  const asked: number[] = [];
  async function* run(_: PlantedBug, seeds: readonly number[]): AsyncGenerator<SeedReport> {
    for (const seed of seeds) {
      asked.push(seed);
      const finding = findings[seed] ?? { rules: [], says: undefined };
      if (finding instanceof Error) throw finding;
      yield { seed, ...finding };
    }
  }
  return { asked, run };
}

describe('a hunt', () => {
  const seeds = [10, 11, 12];
  const innocent = { control: async () => [], now: () => 0 };

  test('ends with the first seed that shows the bug', async () => {
    const { asked, run } = runs({ 11: FOUND });
    const hunted = await hunt(bug, seeds, { ...innocent, run });
    expect(hunted).toMatchObject({ outcome: 'found', seeds: 2, rules: ['no older value'] });
    expect(asked).toEqual([10, 11]);
  });

  test('does not blame the bug for what the same seed breaks without it, and goes on', async () => {
    const { asked, run } = runs({ 10: FOUND, 12: { rules: ['no older value', 'rest'], says: 'Both.' } });
    const hunted = await hunt(bug, seeds, { ...innocent, run, control: async () => ['no older value'] });
    expect(hunted).toMatchObject({ outcome: 'found', seeds: 3, rules: ['rest'] });
    expect(asked).toEqual([10, 11, 12]);
  });

  test('says that the bug was not found in as many seeds as it may take', async () => {
    expect(await hunt(bug, seeds, { ...innocent, run: runs({}).run })).toMatchObject({
      outcome: 'not found',
      seeds: 3,
    });
  });

  test('counts a run that fails as nothing found', async () => {
    const { run } = runs({ 11: new Error('did not start') });
    const hunted = await hunt(bug, seeds, { ...innocent, run });
    expect(hunted).toMatchObject({ outcome: 'failed', seeds: 1, says: 'did not start' });
  });
});

describe('a pass', () => {
  function withPass(work: (open: () => Pass) => void): void {
    const directory = mkdtempSync(join(tmpdir(), 'sfsync-pass-'));
    try {
      work(() => Pass.open(join(directory, 'a', 'planted.json')));
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  const found = { outcome: 'found', seeds: 1, ms: 1, rules: ['rest'], says: 'It does not rest.' } as const;

  test('goes on where it stopped', () => {
    withPass((open) => {
      open().add(bug, found, moment);
      expect(open().of(bug)).toMatchObject(found);
    });
  });

  test('asks once what a plan breaks without a bug', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sfsync-pass-'));
    try {
      const asked: number[] = [];
      const control = () =>
        Pass.open(join(directory, 'planted.json')).control({ seed: 7 }, 'abc1234', async ({ seed }) => {
          asked.push(seed);
          return asked.length === 1 ? ['rest'] : ['one to one'];
        });
      // A busy machine does not come to rest in time.
      expect(await control()).toEqual(['rest']);
      expect([await control(), await control()]).toEqual([['one to one'], ['one to one']]);
      expect(asked).toEqual([7, 7]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('hunts a bug anew that has become another one, or whose run has failed', () => {
    withPass((open) => {
      open().add(bug, found, moment);
      const [edit] = bug.edits;
      expect(open().of({ ...bug, edits: [{ ...edit, file: 'a.ts', find: 'x', replace: 'y' }] })).toBeUndefined();
      open().add(bug, { ...found, outcome: 'failed' }, moment);
      expect(open().of(bug)).toBeUndefined();
    });
  });
});

describe('the table', () => {
  const entry = { outcome: 'found', seeds: 2, ms: 90_000, rules: ['one to one'], says: undefined, digest: '' } as const;

  test('says by which rule a bug was found, in how many seeds, and when', () => {
    const text = documentOf([{ bug, entry: { ...entry, ...moment } }]);
    expect(text).toContain('1 bugs; 1 hunted, 1 found, half of them within 2 seed(s). 2026-11-30, commit `abc1234`.');
    expect(text).toContain(
      '| marker left out | It is sent twice. [steps/a.ts](../steps/a.ts) | [Another](https://example.com/1) | Lambda killed | one to one | 2 | 1.5 min |',
    );
  });

  test('leaves out neither what was not found nor what was not hunted', () => {
    const missed = { ...entry, ...moment, outcome: 'not found', rules: [] } as const;
    const text = documentOf([
      { bug, entry: missed },
      { bug: { ...bug, name: 'other' }, entry: undefined },
    ]);
    expect(text).toContain('| **not found** | 2 | 1.5 min |');
    expect(text).toContain('| not hunted yet |');
    expect(lineOf({ bug, entry: missed })).toContain('NOT FOUND in 2 seeds');
  });
});
