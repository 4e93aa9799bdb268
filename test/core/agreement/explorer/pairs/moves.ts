/** Everything that can happen next in a world. sfsync's moves call the functions of core/ and nothing else. */
import type { ObjectMapping } from '../../../../../core/mapping/configuration.ts';
import { application } from './application.ts';
import { inbound, polling, sweeping } from './arrivals.ts';
import { Edits } from './edits.ts';
import { outbound } from './execution.ts';
import type { Space } from './explore.ts';
import { landing } from './flights.ts';
import { former } from './former.ts';
import { Identity } from './identity.ts';
import { people } from './people.ts';
import { RULES, type Rules } from './rules.ts';
import { type Budgets, budgetsOf, type Mappings, mappingsFor, type Scenario } from './scenario.ts';
import { violations } from './verdicts.ts';
import { initialWorld, type World } from './world.ts';

export interface Move {
  readonly what: string;
  readonly world: World;
}

/** What drives a world. */
export interface Driver {
  readonly scenario: Scenario;
  readonly budgets: Budgets;
  readonly edits: Edits;
  readonly rules: Rules;
  readonly mappings: Mappings;
}

/** All that a scenario can lead to under these rules. */
export function recordSpace(scenario: Scenario, rules: Partial<Rules> = {}): Space<World> {
  const edits = new Edits(scenario);
  const driver = {
    scenario,
    budgets: budgetsOf(scenario),
    edits,
    rules: { ...RULES, ...rules },
    mappings: mappingsFor(scenario),
  };
  const identity = new Identity(scenario);
  return {
    start: initialWorld(scenario, edits),
    moves: (world) => moves(driver, world),
    identity: (world) => identity.of(world),
    violations: (world) => violations(driver, world),
  };
}

function moves(driver: Driver, world: World): Move[] {
  const { scenario, edits } = driver;
  return [
    ...people(scenario, edits, world),
    ...application(scenario, edits, world),
    ...polling(world),
    ...sweeping(driver, world),
    ...inbound(driver, world),
    ...landing(driver, world, ['holder', 'none']),
    ...former(driver, world),
    ...outbound(driver, world),
  ];
}

/** The answers of a rule under all policies that are to be tried. They differ only where Salesforce's policy sees a conflict. */
export function asked<Answer extends object>(
  { first, others }: Mappings,
  rule: (mapping: ObjectMapping) => Answer,
): Answer[] {
  const answer = rule(first);
  const conflicts = 'conflicts' in answer && Array.isArray(answer.conflicts) ? answer.conflicts : [];
  return conflicts.length === 0 ? [answer] : [answer, ...others.map(rule)];
}
