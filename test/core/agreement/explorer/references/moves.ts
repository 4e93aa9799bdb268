/** Everything that can happen next. sfsync's moves call the functions of core/ and nothing else. */
import type { ObjectMapping, SyncConfiguration } from '../../../../../core/mapping/configuration.ts';
import type { Space } from '../pairs/explore.ts';
import { inbound } from './arrivals.ts';
import { outbound } from './execution.ts';
import { identity } from './identity.ts';
import { parents } from './parents.ts';
import { RULES, type Rules } from './rules.ts';
import { application, landing, type Move, people } from './sides.ts';
import { violations } from './verdicts.ts';
import { childMapping, configurationFor, initialWorld, type Scenario, type World } from './world.ts';

export interface Driver {
  readonly scenario: Scenario;
  readonly rules: Rules;
  readonly configuration: SyncConfiguration;
  readonly mapping: ObjectMapping;
}

/** All that a scenario can lead to under these rules. */
export function referenceSpace(scenario: Scenario, rules: Partial<Rules> = {}): Space<World> {
  const configuration = configurationFor(scenario);
  const driver = { scenario, rules: { ...RULES, ...rules }, configuration, mapping: childMapping(configuration) };
  return {
    start: initialWorld(scenario),
    moves: (world) => moves(driver, world),
    identity,
    violations,
  };
}

function moves(driver: Driver, world: World): Move[] {
  const { scenario } = driver;
  return [
    ...people(scenario, world),
    ...application(scenario, world),
    ...parents(driver, world),
    ...inbound(driver, world),
    ...landing(scenario, world),
    ...outbound(driver, world),
  ];
}
