/** Breadth first through everything that can happen, each state once. */

/** Something that can be explored: states, what may happen in them, and what must never be true. */
export interface Space<State> {
  readonly start: State;
  moves(state: State): readonly { readonly what: string; readonly world: State }[];
  /** Equal for states that behave alike. */
  identity(state: State): string;
  violations(state: State): readonly string[];
}

export interface Exploration {
  readonly states: number;
  /** The first history found for each kind of violation, which is a shortest one. */
  readonly violations: ReadonlyMap<string, readonly string[]>;
}

export interface Options {
  readonly limit?: number;
  /** Enough is known with the first of these. */
  readonly until?: string;
}

/** Every state of a space. What follows on a violation is not looked at. Throws RangeError when there are more than `limit`. */
export function explore<State>(space: Space<State>, { limit = 3_000_000, until }: Options = {}): Exploration {
  const seen = new Set([space.identity(space.start)]);
  // Of a state that was left only its place in the tree is kept: a history is played once more when it is wanted.
  const parents: number[] = [-1];
  const choices: number[] = [0];
  const found = new Map<string, readonly string[]>();
  let layer = [space.start];
  let first = 0;
  while (layer.length > 0) {
    const next: State[] = [];
    const firstOfNext = parents.length;
    for (let i = 0; i < layer.length; i++) {
      const state = layer[i] as State;
      const bad = space.violations(state);
      for (const violation of bad) {
        if (!found.has(violation)) found.set(violation, history(space, parents, choices, first + i));
      }
      if (until !== undefined && found.has(until)) return { states: seen.size, violations: found };
      if (bad.length > 0) continue;
      let choice = -1;
      for (const { world } of space.moves(state)) {
        choice++;
        const before = seen.size;
        if (seen.add(space.identity(world)).size === before) continue;
        if (before >= limit) throw new RangeError(`More than ${limit} states: make the scenario smaller.`);
        parents.push(first + i);
        choices.push(choice);
        next.push(world);
      }
    }
    layer = next;
    first = firstOfNext;
  }
  return { states: seen.size, violations: found };
}

function history<State>(
  space: Space<State>,
  parents: readonly number[],
  choices: readonly number[],
  last: number,
): string[] {
  const path: number[] = [];
  for (let at = last; at > 0; at = parents[at] ?? 0) path.unshift(choices[at] ?? 0);
  let state = space.start;
  return path.map((choice) => {
    const move = space.moves(state)[choice];
    if (move === undefined) throw new Error('A history cannot be played again: moves must depend on the state alone.');
    state = move.world;
    return move.what;
  });
}
