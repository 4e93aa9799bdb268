/** Pushes on their way: they land, are refused, get lost, or land long after their execution has gone. */
import type { Outcome, Push } from '../../../../../core/agreement/outbound.ts';
import { inSalesforce } from '../rounding/rounding.ts';
import { lineage, lineageOfValues } from './edits.ts';
import type { Driver, Move } from './moves.ts';
import { committed, stamps } from './people.ts';
import { FIELDS, type Field } from './scenario.ts';
import {
  type Answer,
  by,
  EMPTY,
  type Flight,
  IDLE,
  type Load,
  type Side,
  spend,
  type World,
  withValue,
} from './world.ts';

/** Of pushes that the holder of the lease waits for, or no execution. */
export function landing(driver: Driver, world: World, awaitedBy: readonly Flight['awaitedBy'][]): Move[] {
  return world.flights.flatMap((flight, i): Move[] => {
    if (!awaitedBy.includes(flight.awaitedBy)) return [];
    const away = { ...world, flights: world.flights.filter((_, j) => j !== i) };
    return flight.awaitedBy === 'holder' ? awaited(driver, away, flight) : abandoned(driver, away, flight);
  });
}

function awaited(driver: Driver, world: World, flight: Flight): Move[] {
  const { load } = flight;
  const { left } = world;
  const byFlow = load.push.delivery === 'appflow';
  const answered = (from: World, answer: Answer): World => ({ ...from, step: { at: 'answered', answer, load } });
  const made: Move[] = [];
  for (const stamp of stamps(world)) {
    const { world: landed, outcome } = land(driver, world, load, stamp);
    const applied = outcome !== 'not applied';
    const what = `the push ${shownPush(load.push)} lands, stamp ${stamp}`;
    // A run may pass over a row whose record is deleted and still count no failure.
    made.push({ what, world: answered(landed, byFlow ? 'run ended' : outcome) });
    if (byFlow && (!applied || left.countedFailures > 0)) {
      const counted = applied ? spend(landed, 'countedFailures') : landed;
      made.push({ what: `${what}, and the run counts a failure`, world: answered(counted, 'run counted failures') });
    }
    // A lost answer leaves the push open: only the fence shows when it is over.
    if (left.lostAnswers > 0) {
      made.push({ what: `${what}, its answer is lost`, world: { ...spend(landed, 'lostAnswers'), step: IDLE } });
    }
  }
  if (left.lostAnswers > 0) {
    const lost = { ...spend(world, 'lostAnswers'), step: IDLE };
    made.push({ what: 'the push is lost on its way', world: lost });
    const later = [...lost.flights, { ...flight, awaitedBy: 'none' as const }];
    made.push({ what: 'the push times out, still on its way', world: { ...lost, flights: later } });
  }
  if (left.refusals > 0) {
    const answer = byFlow ? 'run counted failures' : 'refused';
    made.push({ what: 'Salesforce refuses the push', world: answered(spend(world, 'refusals'), answer) });
    const { outgoing } = load.push;
    const edits = driver.scenario.blames === true && outgoing.kind === 'update' ? outgoing.fields : {};
    for (const field of byFlow ? [] : FIELDS) {
      if (edits[field] === undefined) continue;
      const blaming = answered(spend(world, 'refusals'), `refused ${field}`);
      made.push({ what: `Salesforce refuses the push for its ${field}`, world: blaming });
    }
  }
  return made;
}

function abandoned(driver: Driver, world: World, { load }: Flight): Move[] {
  const landed = stamps(world).map((stamp) => ({
    what: `the push ${shownPush(load.push)} lands, stamp ${stamp}, long after its execution`,
    world: land(driver, world, load, stamp).world,
  }));
  return [...landed, { what: 'an abandoned push never lands', world }];
}

/** Salesforce takes a push. Edits that it overwrites without its look having seen them are lost in the window. */
function land(driver: Driver, world: World, load: Load, stamp: number): { world: World; outcome: Outcome } {
  const { salesforce } = world;
  const { outgoing } = load.push;
  if (outgoing.kind === 'purge') {
    return { world: salesforce.deleted ? { ...world, purged: true } : world, outcome: 'accepted' };
  }
  if (world.purged && outgoing.kind === 'revive') return { world, outcome: 'refused' };
  if (outgoing.kind === 'delete') return { world: landDelete(driver, world, load, stamp), outcome: 'accepted' };
  if (salesforce.deleted && outgoing.kind === 'update') return { world, outcome: 'not applied' };
  let side: Side = salesforce.deleted ? { ...salesforce, deleted: false, life: load.life } : salesforce;
  let { window, logged } = world;
  if (salesforce.deleted) {
    window |= lineage(world, salesforce.life) & ~lineage(world, load.life) & ~load.lookedLife & ~driver.edits.ours;
  }
  for (const field of FIELDS) {
    const given = carried(load.push, field);
    if (given === undefined) continue;
    const value = inSalesforce(driver.scenario.rounds, field, given);
    const [theirs, ours] = [by(salesforce, field), by(load, field)];
    if (value === salesforce[field]) {
      if (theirs !== ours) logged |= lineage(world, theirs) | lineage(world, ours);
      continue;
    }
    const looked = field === 'x' ? load.lookedX : load.lookedY;
    window |= lineage(world, theirs) & ~lineage(world, ours) & ~looked & ~driver.edits.ours;
    side = withValue(side, field, value, ours);
  }
  const echo = world.echo || (load.needless && side === salesforce);
  const put = { ...world, window, logged, salesforce: side, writes: world.writes + 1, echo };
  const pushesX = outgoing.kind === 'revive' || outgoing.fields.x !== undefined;
  return { world: committed(pushesX ? triggered(driver, put) : put, stamp), outcome: 'accepted' };
}

function landDelete({ edits }: Driver, world: World, load: Load, stamp: number): World {
  const { salesforce } = world;
  const seen = lineage(world, load.life);
  // Both sides wanted it deleted, and it is.
  if (salesforce.deleted) return { ...world, logged: world.logged | seen | lineage(world, salesforce.life) };
  const unseen = lineageOfValues(world, salesforce) & ~seen & ~(load.lookedX | load.lookedY) & ~edits.ours;
  const side = { ...salesforce, deleted: true, life: load.life };
  const window = world.window | unseen;
  return committed({ ...world, window, salesforce: side, writes: world.writes + 1 }, stamp);
}

function triggered({ scenario: { trigger }, edits }: Driver, world: World): World {
  const { salesforce } = world;
  if (trigger === 'normalises x' && !salesforce.x.endsWith('!')) {
    const { world: edited, edit } = edits.make(world, 'trigger', lineage(world, salesforce.xBy));
    return { ...edited, salesforce: withValue(salesforce, 'x', `${salesforce.x}!`, edit) };
  }
  const value = `y!${salesforce.x}`;
  if (trigger !== 'writes y' || salesforce.y === value) return world;
  const { world: edited, edit } = edits.make(world, 'trigger', lineage(world, salesforce.yBy));
  return { ...edited, salesforce: withValue(salesforce, 'y', value, edit) };
}

/** What a push brings to a field, a filler or not; undefined: it leaves the field alone. */
export function carried({ outgoing, fillers }: Push, field: Field): string | undefined {
  const own = 'fields' in outgoing ? outgoing.fields[field] : undefined;
  const value = own === undefined ? fillers[field] : own;
  return value === undefined ? undefined : String(value ?? EMPTY);
}

export function shownPush({ outgoing, fillers }: Push): string {
  const fields = 'fields' in outgoing ? Object.values(outgoing.fields) : [];
  return [outgoing.kind, ...fields, ...Object.values(fillers).map((value) => `(${value})`)].join(' ');
}
