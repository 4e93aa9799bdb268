import { moves, RULES, type Rules } from './moves.ts';
import { type Violation, violations } from './verdicts.ts';
import { identity, initialWorld, mappingFor, type Scenario, type World } from './world.ts';

export interface Exploration {
  readonly worlds: number;
  /** The first history found for each kind of violation, which is a shortest one. */
  readonly violations: ReadonlyMap<Violation, readonly string[]>;
}

interface Visit {
  readonly world: World;
  readonly what: string;
  readonly from: Visit | undefined;
}

interface Options {
  readonly rules?: Rules;
  readonly limit?: number;
  /** Enough is known with the first violation. */
  readonly stopAtFirst?: boolean;
}

/** Every world that a scenario can lead to, breadth first. Throws RangeError when there are more than `limit`. */
export function explore(
  scenario: Scenario,
  { rules = RULES, limit = 500_000, stopAtFirst = false }: Options = {},
): Exploration {
  const mapping = mappingFor(scenario);
  const start: Visit = { world: initialWorld(), what: 'start', from: undefined };
  const seen = new Set([identity(start.world)]);
  const found = new Map<Violation, readonly string[]>();
  let layer: Visit[] = [start];
  while (layer.length > 0) {
    const next: Visit[] = [];
    for (const visit of layer) {
      const bad = violations(scenario, visit.world);
      for (const violation of bad) if (!found.has(violation)) found.set(violation, history(visit));
      if (stopAtFirst && found.size > 0) return { worlds: seen.size, violations: found };
      if (bad.includes('writes without end')) continue;
      for (const { what, world } of moves(scenario, mapping, rules, visit.world)) {
        const id = identity(world);
        if (seen.has(id)) continue;
        if (seen.size >= limit) throw new RangeError(`More than ${limit} worlds: make the scenario smaller.`);
        seen.add(id);
        next.push({ world, what, from: visit });
      }
    }
    layer = next;
  }
  return { worlds: seen.size, violations: found };
}

function history(visit: Visit): string[] {
  const told: string[] = [];
  for (let at: Visit | undefined = visit; at !== undefined; at = at.from) told.unshift(at.what);
  return told;
}
