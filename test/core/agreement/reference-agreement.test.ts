/** Drives the rules about parents and children through all interleavings of small histories. */
import { describe, expect, test } from 'vitest';
import { explore } from './explorer/pairs/explore.ts';
import { referenceSpace } from './explorer/references/moves.ts';
import { DEEP, SCENARIOS } from './explorer/references/scenarios.ts';
import { DEEP_OFF, SWITCHED_OFF } from './explorer/references/switched-off.ts';
import type { Scenario } from './explorer/references/world.ts';

const PATIENT = { timeout: 120_000 };

const named = (scenarios: readonly Scenario[]) =>
  scenarios.map((scenario) => [JSON.stringify(scenario), scenario] as const);

const explored = new Map<string, Readonly<Record<string, readonly string[]>>>();

/** What goes wrong in a scenario under all rules. The same one is not explored twice. */
function outcome(scenario: Scenario, limit: number) {
  const name = JSON.stringify(scenario);
  const found = explored.get(name) ?? Object.fromEntries(explore(referenceSpace(scenario), { limit }).violations);
  explored.set(name, found);
  return found;
}

describe(
  'in every interleaving child and parent end as in Salesforce, and no lookup is cleared or lost',
  PATIENT,
  () => {
    test.for(named(SCENARIOS))('%s', ([, scenario]) => {
      expect(outcome(scenario, 100_000)).toEqual({});
    });
  },
);

describe.runIf(process.env.EXPLORE === 'deep')('the same, in longer histories', { timeout: 3_600_000 }, () => {
  test.for(named(DEEP))('%s', ([, scenario]) => {
    expect(outcome(scenario, 16_000_000)).toEqual({});
  });
  test.for(DEEP_OFF)('without $rule something goes wrong', ({ scenario, without, violation }) => {
    expect(outcome(scenario, 16_000_000)).toEqual({});
    const { violations } = explore(referenceSpace(scenario, without), { until: violation });
    expect([...violations.keys()]).toContain(violation);
  });
});

describe('each rule is needed: without it the explorer finds a history that goes wrong', PATIENT, () => {
  test.for(SWITCHED_OFF)('$rule', ({ scenario, without, violation }) => {
    expect(outcome(scenario, 100_000)).toEqual({});
    const { violations } = explore(referenceSpace(scenario, without), { until: violation });
    expect([...violations.keys()]).toContain(violation);
  });
});
