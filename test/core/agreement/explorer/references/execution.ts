/** The child's way to Salesforce, step by step. */
import { becomesDue } from '../../../../../core/agreement/due.ts';
import type { Push } from '../../../../../core/agreement/outbound.ts';
import { takes } from '../takes.ts';
import type { Driver } from './moves.ts';
import { isBeingLinked } from './parents.ts';
import { died, type Move } from './sides.ts';
import {
  IDLE,
  lineage,
  may,
  type Reading,
  readNow,
  rowVersion,
  SECOND,
  type Step,
  shown,
  versionOf,
  type World,
} from './world.ts';
import { written } from './written.ts';

type At<Name extends Step['at']> = Extract<Step, { at: Name }>;

export function outbound(driver: Driver, world: World): Move[] {
  const { step, link } = world;
  const made: Move[] = [];
  if (world.queued) {
    const marked = becomesDue(link, 'row changed');
    made.push({ what: 'receive marks the child due', world: { ...world, queued: false, link: marked } });
  }
  if (step.at !== 'idle' && may(driver.scenario, world, 'crashes')) {
    made.push({ what: `the execution dies: ${step.at}`, world: died(world) });
  }
  if (step.at === 'idle') made.push(...collected(driver, world));
  if (step.at === 'looked') made.push(decided(driver, world, step));
  if (step.at === 'answered') {
    const reading = readNow(world);
    const next: Step = { ...step, at: 'read back', revision: link.revision, reading };
    made.push({
      what: `read back ${shown(reading.side)}`,
      world: { ...world, time: world.time + 1, step: next },
    });
  }
  if (step.at === 'read back') made.push(settled(driver, world, step));
  return made;
}

function collected(driver: Driver, world: World): Move[] {
  const { rules, mapping } = driver;
  const { link, flights } = world;
  // An open push is fenced before its record is collected again.
  if (!takes(link) || flights.length > 0) return [];
  const row = rowVersion(world);
  const parents = isBeingLinked(driver, world) ? 'locked' : 'as read';
  const chosen = rules.choose(mapping, { link, row }, { parents, lacksId: false, isUnsendable: false });
  const next = { ...world, link: chosen.link };
  if (chosen.step === 'left') return [];
  if (chosen.step === 'done') return [{ what: 'collect: the row equals the base', world: next }];
  const reading = readNow(world);
  const step: Step = { at: 'looked', revision: chosen.link.revision, reading };
  const what = `collect takes the child; the look finds ${shown(reading.side)}`;
  return [{ what, world: { ...next, time: world.time + 1, step } }];
}

function decided(driver: Driver, world: World, { revision, reading }: At<'looked'>): Move {
  const { rules, mapping } = driver;
  const pair = { link: world.link, row: rowVersion(world) };
  const round = { revision, readAt: reading.at, pushId: 'push', now: world.clock * SECOND, clockSkew: 0 };
  const decision = rules.decide(mapping, pair, versionOf(reading), round);
  const idle = { ...world, step: IDLE };
  if (decision.outcome === 'left') return { what: 'decide: the link has changed, left', world: idle };
  const next = { ...written(driver, idle, decision, reading.side), joins: true, seenBy: 0 };
  if (decision.outcome === 'done') return { what: 'decide: nothing to send', world: next };
  const { push } = decision;
  const flight = { push, by: next.row.by, looked: lineage(world, reading.side.by), awaited: true };
  const sending = { ...next, step: { at: 'pushing' } as const, flights: [...next.flights, flight] };
  const cleared = world.cleared || clears(next, push);
  const sentWaiting = world.sentWaiting || sendsWaiting(world, push);
  const echo = world.echo || isNeedless(push, reading);
  return { what: `decide sends ${shownPush(push)}`, world: { ...sending, cleared, sentWaiting, echo } };
}

/** Null is sent although no edit has cleared the lookup. */
function clears({ row, nulls }: World, { outgoing }: Push): boolean {
  return 'fields' in outgoing && outgoing.fields.l === null && ((nulls >> row.by) & 1) === 0;
}

function sendsWaiting({ link: { waiting } }: World, { outgoing }: Push): boolean {
  return 'fields' in outgoing && waiting.l !== undefined && outgoing.fields.l === waiting.l;
}

function isNeedless({ outgoing }: Push, { side }: Reading): boolean {
  if (outgoing.kind !== 'update') return false;
  const { l = side.l, x = side.x } = outgoing.fields;
  return l === side.l && x === side.x;
}

function settled(driver: Driver, world: World, step: At<'read back'>): Move {
  const { rules, mapping } = driver;
  const { reading, revision, outcome } = step;
  const pair = { link: world.link, row: rowVersion(world) };
  const result = rules.settle(mapping, pair, versionOf(reading), outcome, { revision, readAt: reading.at });
  if (result.outcome === 'again') {
    const again: Step = { at: 'answered', outcome };
    return { what: 'settle: the link has changed, read back again', world: { ...world, step: again } };
  }
  const next = written(driver, { ...world, step: IDLE }, result, reading.side);
  return { what: `settle: ${outcome}`, world: { ...next, joins: next.joins || rules.joinsAfterSettling, seenBy: 0 } };
}

export function shownPush({ outgoing }: Push): string {
  const fields = 'fields' in outgoing ? Object.entries(outgoing.fields) : [];
  return [outgoing.kind, ...fields.map(([field, value]) => `${field}=${value}`)].join(' ');
}
