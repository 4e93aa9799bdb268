/** Drives the rule about deletes of parents through all interleavings with the push of their child. */
import { expect, test } from 'vitest';
import { cascadeSpace, type RULES, type Scenario } from './explorer/cascades/world.ts';
import { explore } from './explorer/pairs/explore.ts';

const SCENARIOS: readonly Scenario[] = [{ application: 'frees the child' }, { application: 'deletes the child' }];

test.each(SCENARIOS)('a child is not deleted along where the application $application', (scenario) => {
  const { states, violations } = explore(cascadeSpace(scenario));
  expect(Object.fromEntries(violations)).toEqual({});
  expect(states).toBeGreaterThan(100);
});

test.each(SCENARIOS)('one that Salesforce does not take is waited for no longer ($application)', (scenario) => {
  const { violations } = explore(cascadeSpace({ ...scenario, refuses: true }));
  expect(Object.fromEntries(violations)).toEqual({});
});

test.each([
  ['the delete of a parent waits', { isInTheWay: () => false }],
  [
    'so it does while the child has not been received',
    { isInTheWay: (...[, , child]: Parameters<typeof RULES.isInTheWay>) => child.isDue },
  ],
] as const)('%s: without that a child is deleted along', (_, rules) => {
  for (const scenario of SCENARIOS) {
    const { violations } = explore(cascadeSpace(scenario, rules), { until: 'a child was deleted along' });
    expect([...violations.keys()]).toEqual(['a child was deleted along']);
  }
});

test('and only for a time: a child that never settles keeps no parent for good', () => {
  const never = { waitForChildren: (link: Parameters<typeof RULES.waitForChildren>[0]) => link };
  const scenario: Scenario = { application: 'frees the child', refuses: true };
  const isDue = { ...never, isInTheWay: () => true };
  const deleted = (rules: Partial<typeof RULES>) => {
    const space = cascadeSpace(scenario, rules);
    let found = false;
    explore({
      ...space,
      violations: (world) => {
        found ||= world.parent === 'deleted';
        return [];
      },
    });
    return found;
  };
  expect(deleted(isDue)).toBe(false);
  expect(deleted({ isInTheWay: () => true })).toBe(true);
});
