/** A short run on the whole system with faults: that the run itself works, and that it finds nothing. `npm run chaos` runs for longer. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Fault } from './faults/fault.ts';
import { FAULTS } from './faults/faults.ts';
import { judge } from './judge/judge.ts';
import { verdictTable } from './judge/table.ts';
import { makePlan } from './plan/make-plan.ts';
import { objectsWith } from './plan/objects.ts';
import { runSeed } from './run/run-seed.ts';
import { World } from './world/world.ts';

vi.setConfig({ testTimeout: 240_000 });

/** Quick to begin and to heal: the test is to end within half a minute. */
const QUICK = [
  'streamer killed',
  'lambdas killed',
  'salesforce answers lost',
  'salesforce 503',
  'messages twice',
  'sessions ended',
];
const OPTIONS = { operations: 50, lengthMs: 4_000, faultCount: 3, herd: 20, mappingChanges: 0 };

describe('a short run', () => {
  let world: World;
  let faults: readonly Fault[];

  beforeAll(async () => {
    faults = FAULTS.filter(({ name }) => QUICK.includes(name));
    world = await World.open({ objects: objectsWith() });
  }, 240_000);

  afterAll(async () => {
    await world?.close();
  }, 60_000);

  test('knows its faults', () => {
    expect(faults.map(({ name }) => name).toSorted()).toEqual(QUICK.toSorted());
  });

  test('finds nothing, whatever fails meanwhile', async () => {
    const plan = makePlan(1, { ...OPTIONS, faults });
    const { history } = await runSeed(world, plan, {
      faults,
      commit: 'test',
      faultNames: QUICK,
      progress: () => undefined,
    });
    const verdict = judge(history);
    expect(verdict.violations, verdictTable(history, verdict)).toEqual([]);
    expect(history.faults).toHaveLength(plan.faults.length);
    // It has done something, and sfsync has carried it over.
    expect(history.operations.filter(({ answer }) => answer === 'done').length).toBeGreaterThan(OPTIONS.operations / 2);
    const bySync = history.versions.filter(({ writer }) => writer.by === 'sfsync');
    for (const side of ['salesforce', 'postgres']) expect(bySync.some((version) => version.side === side)).toBe(true);
  });
});
