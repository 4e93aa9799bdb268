/**
 * An execution that has lost its lease and does not know: Step Functions says that it no longer runs, and another one has
 * taken the lease, but a task of it is still under way. Its steps that write find out.
 */
import { stepping } from './execution.ts';
import { landing } from './flights.ts';
import type { Driver, Move } from './moves.ts';
import { type Flight, IDLE, spend, type World } from './world.ts';

export function former(driver: Driver, world: World): Move[] {
  const { step, left } = world;
  if (world.former.at === 'idle') {
    if (step.at === 'idle' || left.lostLeases === 0) return [];
    const lost = { ...spend(world, 'lostLeases'), excuses: world.excuses + 1 };
    return [{ what: `the execution loses its lease: ${step.at}`, world: exchanged(lost) }];
  }
  const { at } = world.former;
  if (driver.rules.leased && (at === 'looked' || at === 'read back')) {
    return [{ what: 'the former execution finds its lease lost', world: { ...world, former: IDLE } }];
  }
  const theirs = exchanged(world);
  const moves = [...stepping(driver, theirs), ...landing(driver, theirs, ['holder'])];
  return moves.map(({ what, world: next }) => ({ what: `${what} (without the lease)`, world: exchanged(next) }));
}

const OTHER: Readonly<Record<Flight['awaitedBy'], Flight['awaitedBy']>> = {
  holder: 'former',
  former: 'holder',
  none: 'none',
};

/** The same world seen by the other execution. */
function exchanged(world: World): World {
  const flights = world.flights.map((flight) => ({ ...flight, awaitedBy: OTHER[flight.awaitedBy] }));
  return { ...world, step: world.former, former: world.step, flights };
}
