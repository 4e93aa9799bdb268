/** The child's way from Salesforce: polls, files late, twice and out of order, and reads that a file has made necessary. */
import type { Driver } from './moves.ts';
import { goneTogether } from './parents.ts';
import type { Move } from './sides.ts';
import { type Arrival, may, readNow, rowVersion, shown, spend, versionOf, type World } from './world.ts';
import { written } from './written.ts';

const IN_FLIGHT = 2;

export function inbound(driver: Driver, world: World): Move[] {
  const made: Move[] = [];
  if (!world.polled && world.arrivals.length < IN_FLIGHT) {
    const file: Arrival = { kind: 'file', reading: readNow(world) };
    const next = { ...world, polled: true, time: world.time + 1, arrivals: [...world.arrivals, file] };
    made.push({ what: `a poll puts ${shown(world.salesforce)} into a file`, world: next });
  }
  for (const [i, arrival] of world.arrivals.entries()) {
    const others = world.arrivals.filter((_, j) => j !== i);
    made.push(...arrived(driver, world, arrival, others));
  }
  return made;
}

function arrived({ scenario, ...driver }: Driver, world: World, arrival: Arrival, others: readonly Arrival[]): Move[] {
  if (arrival.kind === 'to read') {
    const read: Arrival = { kind: 'read', reading: readNow(world), revision: arrival.revision };
    const next = { ...world, time: world.time + 1, arrivals: [...others, read] };
    return [{ what: 'inbound reads the child again', world: next }];
  }
  const { rules, mapping } = driver;
  const { reading } = arrival;
  const pair = { link: world.link, row: rowVersion(world) };
  const version = versionOf(reading);
  const result =
    arrival.kind === 'file'
      ? rules.receive(mapping, pair, version, reading.at)
      : rules.acceptReread(mapping, pair, version, { revision: arrival.revision, readAt: reading.at });
  const what = `${arrival.kind === 'file' ? 'file' : 're-read'} ${shown(reading.side)}: ${result.outcome}`;
  if (result.outcome === 'again') {
    const order: Arrival = { kind: 'to read', revision: world.link.revision };
    return [{ what, world: { ...world, arrivals: [...others, order] } }];
  }
  const isSeen = result.link.push?.seen.l?.value === reading.side.l && result.outcome === 'deferred';
  const noted = isSeen ? { ...world, seenBy: reading.side.by } : world;
  const next = { ...written({ scenario, ...driver }, noted, result, reading.side), joins: true };
  if (result.outcome === 'reread') {
    const order: Arrival = { kind: 'to read', revision: result.link.revision };
    return [{ what, world: { ...next, arrivals: [...others, order] } }];
  }
  const done = { ...next, arrivals: others };
  const made: Move[] = [{ what, world: done }];
  if (scenario.oneObject === true) {
    for (const together of goneTogether({ scenario, ...driver }, done)) {
      made.push({ ...together, what: `${what}, ${together.what}` });
    }
  }
  if (arrival.kind === 'file' && may(scenario, world, 'duplicates')) {
    made.push({ what: `${what}, to be worked on once more`, world: spend(next, 'duplicates') });
  }
  return made;
}
