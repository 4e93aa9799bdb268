import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { faultsCalled } from './faults/called.ts';
import { FAULTS } from './faults/faults.ts';
import { readHistory } from './history/history-file.ts';
import { readOptions, UsageError } from './options.ts';
import { makePlan } from './plan/make-plan.ts';
import { readPlan } from './plan/read-plan.ts';

describe('--seeds', () => {
  test.each([
    ['3', [3]],
    ['1..3', [1, 2, 3]],
  ])('%s', (text, seeds) => {
    expect(readOptions(['--seeds', text]).seeds).toEqual(seeds);
  });
  test.each(['3..1', '1...3', 'x', ''])('%s is no run of nothing, which would count as good', (text) => {
    expect(() => readOptions(['--seeds', text])).toThrow(UsageError);
  });
});

describe('--faults', () => {
  test('names, and beginnings of names', () => {
    expect(faultsCalled(['all'])).toEqual(FAULTS);
    expect(faultsCalled(['none'])).toEqual([]);
    const names = faultsCalled(['salesforce 503', 'streamer']).map(({ name }) => name);
    expect(names[0]).toBe('salesforce 503');
    expect(names).toContain('streamer killed');
    expect(faultsCalled(['streamer killed', 'streamer'])).toHaveLength(new Set(faultsCalled(['streamer'])).size);
  });
  test.each([
    ['a name that none has', ['streamer kilt'], /No fault is called streamer kilt/],
    ['such a name beside all', ['all', 'typo'], /No fault is called typo/],
    ['an empty name', ['', 'streamer killed'], /empty name/],
    ['none and others', ['none', 'streamer killed'], /stands alone/],
  ])('%s', (_, names, says) => {
    expect(() => faultsCalled(names)).toThrow(says);
  });
});

describe('a file', () => {
  async function file(name: string, text: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'sfsync-chaos-files-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  }
  const plan = makePlan(1, { operations: 10, lengthMs: 1000, faults: [], faultCount: 0, herd: 0, mappingChanges: 0 });

  test('of a plan', async () => {
    expect(await readPlan(await file('seed-1.plan.json', JSON.stringify(plan, undefined, 1)))).toEqual(plan);
  });
  test('that is not there, or holds something else, is told in words', async () => {
    await expect(readPlan('/nowhere/seed-1.plan.json')).rejects.toThrow(/seed-1.plan.json is not there/);
    await expect(readHistory('/nowhere/seed-1.history.jsonl')).rejects.toThrow(/history.jsonl is not there/);
    for (const text of ['', '{}', '{"head":{}}\n{"operations":{}}']) {
      await expect(readPlan(await file('seed-1.plan.json', text))).rejects.toThrow(/holds no plan/);
    }
    const path = await file('seed-1.plan.json', JSON.stringify(plan, undefined, 1));
    await expect(readHistory(path)).rejects.toThrow(/holds no history/);
  });
});
