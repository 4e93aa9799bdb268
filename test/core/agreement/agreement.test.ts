/**
 * Drives the rules of agreement through all interleavings of small histories: people and triggers in Salesforce, the
 * application, files late, twice and out of order, crashes, lost answers and pushes that outlive their execution.
 */
import { describe, expect, test } from 'vitest';
import { explore } from './explorer/pairs/explore.ts';
import { recordSpace } from './explorer/pairs/moves.ts';
import type { Scenario } from './explorer/pairs/scenario.ts';
import { DEEP, SCENARIOS } from './explorer/pairs/scenarios.ts';
import { SWITCHED_OFF } from './explorer/pairs/switched-off.ts';

/** The largest takes seconds on a core of its own. */
const PATIENT = { timeout: 120_000 };

const named = (scenarios: readonly Scenario[]) =>
  scenarios.map((scenario) => [JSON.stringify(scenario), scenario] as const);

const explored = new Map<string, Readonly<Record<string, readonly string[]>>>();

/** What goes wrong in a scenario under all rules. The same one is not explored twice. */
function outcome(scenario: Scenario, limit: number) {
  const name = JSON.stringify(scenario);
  const found = explored.get(name) ?? Object.fromEntries(explore(recordSpace(scenario), { limit }).violations);
  explored.set(name, found);
  return found;
}

describe('in every interleaving the sides end equal, no edit is lost, and nothing echoes', PATIENT, () => {
  test.for(named(SCENARIOS))('%s', ([, scenario]) => {
    expect(outcome(scenario, 500_000)).toEqual({});
  });
});

describe.runIf(process.env.EXPLORE === 'deep')(
  'the same, in histories of millions of states',
  { timeout: 3_600_000 },
  () => {
    test.for(named(DEEP))('%s', ([, scenario]) => {
      expect(outcome(scenario, 16_000_000)).toEqual({});
    });
  },
);

describe('each rule is needed: without it the explorer finds a history that goes wrong', PATIENT, () => {
  test.for(SWITCHED_OFF)('$rule', ({ scenario, without, violation }) => {
    expect(outcome(scenario, 500_000)).toEqual({});
    const { violations } = explore(recordSpace(scenario, without), { until: violation });
    expect([...violations.keys()]).toContain(violation);
  });
});
