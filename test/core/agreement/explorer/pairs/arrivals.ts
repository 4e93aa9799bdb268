/** The way from Salesforce: polls, files late, twice and out of order, and records that are read again. */

import type { Received } from '../../../../../core/agreement/inbound.ts';
import type { ObjectMapping } from '../../../../../core/mapping/configuration.ts';
import { lineage } from './edits.ts';
import { write, writesRow } from './log.ts';
import { asked, type Driver, type Move } from './moves.ts';
import { FIELDS } from './scenario.ts';
import {
  type Arrival,
  by,
  type Reading,
  readNow,
  rowVersion,
  SECOND,
  shown,
  spend,
  versionOf,
  type World,
} from './world.ts';

const IN_FLIGHT = 2;

export function polling(world: World): Move[] {
  if (world.arrivals.length >= IN_FLIGHT) return [];
  if (world.polled && world.left.idlePolls === 0) return [];
  const used = world.polled ? spend(world, 'idlePolls') : world;
  const file: Arrival = { kind: 'file', reading: readNow(world) };
  return [
    {
      what: `a poll puts ${shown(world.salesforce)}, stamp ${world.stamp}, into a file`,
      world: { ...used, polled: true, time: world.time + 1, arrivals: [...world.arrivals, file] },
    },
  ];
}

/** Everything older than the clock is compared. Records that differ are read, as those that a file leaves open. */
export function sweeping({ rules, mappings, scenario }: Driver, world: World): Move[] {
  if (world.swept) return [];
  const { link, salesforce, stamp, clock } = world;
  const { revision, highWater, base, push, rereadDue } = link;
  const busy = push !== undefined || rereadDue;
  const known = { revision, highWater, deleted: base?.deleted, base: base?.fields, busy };
  const listed = versionOf({ side: salesforce, stamp, at: 0 }, scenario);
  const before = (clock + 1) * SECOND;
  const finding = rules.findListed(mappings.first, listed, { link: known, rejected: false }, before);
  // What an execution works on is left to the next sweep, for the look may be older than the commit.
  const swept = { ...world, swept: !busy };
  const order: Arrival = { kind: 'to read', revision };
  const arrivals = finding === undefined ? world.arrivals : [...world.arrivals, order];
  return [
    { what: `a sweep lists ${shown(salesforce)}: ${finding ?? 'as it should be'}`, world: { ...swept, arrivals } },
  ];
}

export function inbound(driver: Driver, world: World): Move[] {
  return world.arrivals.flatMap((arrival, i): Move[] => {
    const others = world.arrivals.filter((_, j) => j !== i);
    const made = arrived(driver, world, arrival, others);
    if (arrival.kind === 'file' || world.left.inboundCrashes === 0) return made;
    const dead = { ...spend(world, 'inboundCrashes'), arrivals: others };
    return [...made, { what: 'the inbound execution dies before it has read again', world: dead }];
  });
}

function arrived(driver: Driver, world: World, arrival: Arrival, others: readonly Arrival[]): Move[] {
  if (arrival.kind === 'to read') {
    const read: Arrival = { kind: 'read', reading: readNow(world), revision: arrival.revision };
    const arrivals = [...others, read];
    return [{ what: 'inbound reads the record again', world: { ...world, time: world.time + 1, arrivals } }];
  }
  // Rows that an invisible commit holds are locked.
  if (world.invisible !== undefined) return [];
  return asked(driver.mappings, (mapping) => judged(driver, mapping, world, arrival)).flatMap((result) =>
    applied(driver, world, arrival, others, result),
  );
}

function judged(
  { rules, scenario }: Driver,
  mapping: ObjectMapping,
  world: World,
  arrival: Exclude<Arrival, { kind: 'to read' }>,
) {
  const pair = { link: world.link, row: rowVersion(world) };
  const { reading } = arrival;
  const version = versionOf(reading, scenario);
  return arrival.kind === 'file'
    ? rules.receive(mapping, pair, version, reading.at)
    : rules.acceptReread(mapping, pair, version, { revision: arrival.revision, readAt: reading.at });
}

function applied(
  driver: Driver,
  world: World,
  arrival: Exclude<Arrival, { kind: 'to read' }>,
  others: readonly Arrival[],
  result: ReturnType<typeof judged>,
  taken = false,
): Move[] {
  const { scenario, edits, rules } = driver;
  const { side, stamp } = arrival.reading;
  const what = `${arrival.kind === 'file' ? 'file' : 're-read'} ${shown(side)}, stamp ${stamp}: ${result.outcome}`;
  if (result.outcome === 'again') {
    const order: Arrival = { kind: 'to read', revision: world.link.revision };
    return [{ what, world: { ...world, arrivals: [...others, order] } }];
  }
  if (world.left.rowRefusals > 0 && result.outcome === 'merged' && !taken && writesRow(world, result)) {
    const link = arrival.kind === 'file' ? rules.passBy(world.link, stamp * SECOND) : world.link;
    const listed = { ...spend(world, 'rowRefusals'), arrivals: others, link, unmerged: true };
    const refused = { what: `${what}, and PostgreSQL refuses the row`, world: listed };
    return [refused, ...applied(driver, world, arrival, others, result, true)];
  }
  const noted = remembered(world, arrival.reading, result);
  const written = write(scenario, edits, rules, noted, result, side);
  if (result.outcome === 'reread') {
    const order: Arrival = { kind: 'to read', revision: result.link.revision };
    return [{ what, world: { ...written, arrivals: [...others, order] } }];
  }
  const once = { what, world: { ...written, arrivals: others } };
  if (arrival.kind !== 'file' || world.left.duplicates === 0) return [once];
  return [once, { what: `${what}, to be worked on once more`, world: spend(written, 'duplicates') }];
}

/** What a file shows while a push is open. It can only save what the push carries. */
function remembered(world: World, { side, stamp }: Reading, { link }: Received): World {
  const { push, base, highWater } = world.link;
  // What is older than the high-water mark was there before the push's look, or came in the window of an earlier push.
  if (push === undefined || stamp * SECOND < (highWater ?? 0)) return world;
  let { shown: all, seenX, seenY } = world;
  for (const field of FIELDS) {
    const carried = push.delivery === 'appflow' || push.sent[field] !== undefined;
    if (carried && side[field] !== base?.fields[field]) all |= lineage(world, by(side, field));
    if (link.push?.seen[field]?.value !== side[field]) continue;
    if (field === 'x') seenX = side.xBy;
    else seenY = side.yBy;
  }
  return { ...world, shown: all, seenX, seenY };
}
