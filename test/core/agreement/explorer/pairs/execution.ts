/**
 * The outbound execution, step by step; it may die at each of them. Steps are one here where nothing in between makes a
 * difference: what comes between Collect and the look might as well come before or after both, and a push that was decided and
 * never sent is one that never lands.
 */

import { becomesDue } from '../../../../../core/agreement/due.ts';
import type { Outcome, Push } from '../../../../../core/agreement/outbound.ts';
import type { ObjectMapping } from '../../../../../core/mapping/configuration.ts';
import { inColumn } from '../rounding/rounding.ts';
import { takes } from '../takes.ts';
import { lineage } from './edits.ts';
import { carried, shownPush } from './flights.ts';
import { type Written, write, writesRow } from './log.ts';
import { asked, type Driver, type Move } from './moves.ts';
import { FIELDS, type Field } from './scenario.ts';
import {
  type Answer,
  IDLE,
  type Load,
  type Reading,
  readNow,
  rowVersion,
  SECOND,
  type Step,
  shown,
  spend,
  versionOf,
  type World,
} from './world.ts';

type At<Name extends Step['at']> = Extract<Step, { at: Name }>;

export function outbound(driver: Driver, world: World): Move[] {
  const made = [...received(driver, world), ...dying(world)];
  return [...made, ...(world.step.at === 'idle' ? collected(driver, world) : stepping(driver, world))];
}

/** The next step of an execution that has collected a record. */
export function stepping(driver: Driver, world: World): Move[] {
  const made: Move[] = [];
  const { step } = world;
  // Rows that an invisible commit holds are locked.
  const unlocked = world.invisible === undefined;
  const reading = readNow(world);
  const later = { ...world, time: world.time + 1 };
  switch (step.at) {
    case 'looked':
      if (unlocked) made.push(...decided(driver, world, step));
      break;
    case 'answered': {
      const { revision } = world.link;
      const next: Step = { ...step, at: 'read back', revision, reading };
      made.push({ what: `read back ${shown(reading.side)}`, world: { ...later, step: next } });
      break;
    }
    case 'read back':
      if (unlocked) made.push(...settled(driver, world, step));
      break;
    case 'idle':
    case 'pushing':
      break;
  }
  return made;
}

function received({ rules }: Driver, world: World): Move[] {
  const { link, invisible } = world;
  const marked = rules.received ? becomesDue(link, 'row changed') : link;
  const made: Move[] = [];
  if (world.queued) made.push({ what: 'receive marks the link due', world: { ...world, queued: false, link: marked } });
  if (invisible?.queued === true && !rules.visible) {
    const taken = { ...world, invisible: { ...invisible, queued: false }, link: marked };
    made.push({ what: 'receive marks the link due before the commit is visible', world: taken });
  }
  return made;
}

function dying(world: World): Move[] {
  const { step, flights } = world;
  if (step.at === 'idle' || world.left.crashes === 0) return [];
  const dead = { ...spend(world, 'crashes'), step: IDLE, excuses: world.excuses + 1 };
  const left = flights.map((flight) =>
    flight.awaitedBy === 'holder' ? { ...flight, awaitedBy: 'none' as const } : flight,
  );
  return [{ what: `the execution dies: ${step.at}`, world: { ...dead, flights: left } }];
}

function collected({ rules, mappings }: Driver, world: World): Move[] {
  const { link } = world;
  const open = link.push !== undefined;
  if (!takes(link, rules) || (open && rules.fenced && world.flights.length > 0)) return [];
  const looked = { parents: 'as read', lacksId: false, isUnsendable: false } as const;
  const chosen = rules.choose(mappings.first, { link, row: rowVersion(world) }, looked);
  const { revision } = chosen.link;
  const next = { ...world, link: chosen.link };
  if (chosen.step === 'done') return [{ what: 'collect: the row equals the base', world: next }];
  const reading = readNow(world);
  const step: Step = { at: 'looked', revision, reading };
  return [
    {
      what: `collect takes the record; the look finds ${shown(reading.side)}`,
      world: { ...next, time: world.time + 1, step },
    },
  ];
}

function decided(driver: Driver, world: World, step: At<'looked'>): Move[] {
  const { revision, reading } = step;
  const { scenario, edits, rules, mappings } = driver;
  const { link } = world;
  const pair = { link, row: rowVersion(world) };
  const round = { revision, readAt: reading.at, pushId: `push ${reading.at}`, now: world.clock * SECOND, clockSkew: 0 };
  const ask = (mapping: ObjectMapping) => rules.decide(mapping, pair, versionOf(reading, scenario), round);
  const idle = { ...world, step: IDLE };
  const refused: Move[] = asked(mappings, ask)
    .filter((decision) => decision.outcome !== 'left' && mayRefuse(world, decision))
    .map(() => ({
      what: 'decide: PostgreSQL refuses the row',
      world: rowRefused(driver, idle, reading, link.push === undefined ? undefined : 'unknown'),
    }));
  const made = asked(mappings, ask).map((decision): Move => {
    if (decision.outcome === 'left') return { what: 'decide: the link has changed, left', world: idle };
    const closed = { ...write(scenario, edits, rules, idle, decision, reading.side), seenX: 0, seenY: 0 };
    if (decision.outcome === 'done') {
      const { fields, deleted } = decision.link.refused;
      const listed = closed.listed && (Object.keys(fields).length > 0 || deleted !== undefined);
      return { what: 'decide: nothing to send', world: { ...closed, listed } };
    }
    const { push } = decision;
    const pushedRefused = world.pushedRefused || world.refused === refusable(push);
    const sending = sends(closed, loadOf(closed, push, reading));
    const { outgoing } = push;
    const x = 'fields' in outgoing ? outgoing.fields.x : undefined;
    const isMade = x !== reading.side.x && x === inColumn(scenario.rounds, 'x', reading.side.x);
    const sentBack = world.sentBack || isMade;
    return { what: `decide sends ${shownPush(push)}`, world: { ...sending, pushedRefused, sentBack } };
  });
  return [...made, ...refused, ...unread(driver, idle, step, link.push === undefined ? undefined : 'unknown')];
}

/** The read shows nothing that can be used. Whether the record is merged later, the next read shows. */
function unread(
  { rules, mappings }: Driver,
  world: World,
  { revision, reading }: At<'looked'> | At<'read back'>,
  outcome: Outcome | undefined,
): Move[] {
  if (world.left.unread === 0 || world.link.revision !== revision) return [];
  const pair = { link: world.link, row: rowVersion(world) };
  const link = rules.giveUp(mappings.first, pair, {
    isMissing: false,
    outcome,
    readAt: reading.at,
    now: world.clock * SECOND,
  });
  const seen = link.push === undefined ? { seenX: 0, seenY: 0 } : {};
  const next = { ...spend(world, 'unread'), link, unmerged: true, ...seen, excuses: world.excuses + 1 };
  return [{ what: `the read cannot be used (${outcome ?? 'nothing was sent'})`, world: next }];
}

function mayRefuse(world: World, merged: Written): boolean {
  return world.left.rowRefusals > 0 && writesRow(world, merged);
}

/** PostgreSQL does not take the row as the version has it: the record is listed. */
function rowRefused({ rules, scenario }: Driver, world: World, reading: Reading, outcome: Outcome | undefined): World {
  const pair = { link: world.link, row: rowVersion(world) };
  const link = rules.setAside(pair, versionOf(reading, scenario), outcome, {
    readAt: reading.at,
    now: world.clock * SECOND,
  });
  return { ...spend(world, 'rowRefusals'), link, unmerged: true, seenX: 0, seenY: 0, excuses: world.excuses + 1 };
}

function sends(world: World, load: Load): World {
  return { ...world, step: { at: 'pushing' }, flights: [...world.flights, { load, awaitedBy: 'holder' }] };
}

function loadOf(world: World, push: Push, { side }: Reading): Load {
  const { row } = world;
  const { outgoing } = push;
  const own = 'fields' in outgoing ? outgoing.fields : {};
  return {
    id: world.link.push?.id ?? '',
    push,
    xBy: own.x === undefined ? side.xBy : row.xBy,
    yBy: own.y === undefined ? side.yBy : row.yBy,
    life: row.life,
    ...lookedAt(world, { side }),
    needless:
      outgoing.kind === 'update' && FIELDS.every((field) => (carried(push, field) ?? side[field]) === side[field]),
  };
}

/** What the look before a push has seen, or the read-back before it goes once more. */
function lookedAt(world: World, { side }: Pick<Reading, 'side'>): Pick<Load, 'lookedX' | 'lookedY' | 'lookedLife'> {
  return {
    lookedX: lineage(world, side.xBy),
    lookedY: lineage(world, side.yBy),
    lookedLife: lineage(world, side.life),
  };
}

function refusable({ outgoing }: Push): string {
  return shownPush({ delivery: 'api', outgoing, fillers: {} });
}

function settled(driver: Driver, world: World, step: At<'read back'>): Move[] {
  const { scenario, edits, rules, mappings } = driver;
  const { reading, revision, load } = step;
  const { link } = world;
  if (link.push === undefined || (rules.settlesOwn && link.push.id !== load.id)) {
    return [{ what: 'settle: its push is no longer open', world: { ...world, step: IDLE } }];
  }
  const version = versionOf(reading, scenario);
  const again = {
    what: 'settle: the link has changed, read back again',
    world: { ...world, step: { ...step, at: 'answered' } as const },
  };
  const outcome = outcomeOf(driver, world, step);
  if (outcome === 'open') return [{ what: 'settle: it may still land', world: { ...world, step: IDLE } }];
  if (outcome === 'push again') {
    const blamed = blamedBy(step);
    const { link: open, fields } = rules.pushAgain(link, world.clock * SECOND, blamed);
    const push: Push = { delivery: 'api', outgoing: { kind: 'update', fields }, fillers: {} };
    return [
      {
        what: `settle: once more through the API${blamed === undefined ? '' : ` without ${blamed}`}`,
        world: sends(
          {
            ...world,
            link: open,
            excuses: world.excuses + 1,
            listed: world.listed || blamed !== undefined,
          },
          { ...load, push, ...lookedAt(world, reading) },
        ),
      },
    ];
  }
  const pair = { link, row: rowVersion(world) };
  const ask = (mapping: ObjectMapping) =>
    rules.settle(mapping, pair, version, outcome, { revision, readAt: reading.at });
  const made = asked(mappings, ask).map((result): Move => {
    if (result.outcome === 'again') return again;
    const written = write(scenario, edits, rules, { ...world, step: IDLE }, result, reading.side);
    const refused = outcome === 'refused' ? refusable(load.push) : written.refused;
    const isRefused = Object.keys(result.link.refused.fields).length > 0;
    const listed = outcome === 'refused' || (written.listed && (outcome !== 'accepted' || isRefused));
    return { what: `settle: ${outcome}`, world: { ...written, seenX: 0, seenY: 0, refused, listed } };
  });
  const refused = asked(mappings, ask).filter((result) => result.outcome !== 'again' && mayRefuse(world, result));
  const aside = refused.map(() => ({
    what: `settle: ${outcome}, and PostgreSQL refuses the row`,
    world: rowRefused(driver, { ...world, step: IDLE }, reading, outcome),
  }));
  const nothingRead = unread(driver, { ...world, step: IDLE }, step, outcome).map(({ what, world: next }) => {
    const isRefused = outcome === 'refused';
    return {
      what,
      world: isRefused ? { ...next, refused: refusable(load.push), listed: true } : next,
    };
  });
  return [...made, ...aside, ...nothingRead];
}

function outcomeOf({ rules, scenario }: Driver, { link }: World, { answer, reading }: At<'read back'>) {
  const isRun = answer === 'run ended' || answer === 'run counted failures';
  const blamed = blamedBy({ answer });
  return rules.outcomeOfPush(link, versionOf(reading, scenario), {
    answer: isRun ? undefined : isBlaming(answer) ? 'refused' : answer,
    blamed,
    flowFailures: isRun ? Number(answer === 'run counted failures') : undefined,
    isWithdrawn: false,
  });
}

function isBlaming(answer: Answer): answer is `refused ${Field}` {
  return answer.startsWith('refused ');
}

function blamedBy({ answer }: { readonly answer: Answer }): Field | undefined {
  return FIELDS.find((field) => answer === `refused ${field}`);
}
