/** Everything that can happen next in a world. sfsync's moves call the functions of core/ and nothing else. */
import type { ObjectMapping } from '../../../core/configuration.ts';
import { acceptReread, receive } from '../../../core/inbound.ts';
import type { Link, RowVersion } from '../../../core/link.ts';
import type { Conflict, RecordState } from '../../../core/merge.ts';
import { collect, decide, type Outcome, type Push, settle } from '../../../core/outbound.ts';
import {
  type Arrival,
  type Budget,
  FIELDS,
  type Field,
  type Flight,
  lineage,
  newEdit,
  rowVersion,
  type Scenario,
  SECOND,
  type Side,
  type Step,
  versionOf,
  type World,
} from './world.ts';

export interface Move {
  readonly what: string;
  readonly world: World;
}

/** The functions of core/ that sfsync's moves call, and the fence, which the steps around them keep. */
export interface Rules {
  readonly receive: typeof receive;
  readonly acceptReread: typeof acceptReread;
  readonly collect: typeof collect;
  readonly decide: typeof decide;
  readonly settle: typeof settle;
  /** An open push is taken in hand only when nothing of it can land any more. */
  readonly fenced: boolean;
  /** A key is received only when the transaction that changed its row is visible. */
  readonly visible: boolean;
}

export const RULES: Rules = { receive, acceptReread, collect, decide, settle, fenced: true, visible: true };

const IN_FLIGHT = 2;
const IDLE: Step = { at: 'idle' };

export function moves(scenario: Scenario, mapping: ObjectMapping, rules: Rules, world: World): Move[] {
  return [
    ...people(scenario, world),
    ...application(scenario, world),
    ...polling(scenario, world),
    ...inbound(scenario, mapping, rules, world),
    ...landing(scenario, world),
    ...outbound(scenario, mapping, rules, world),
  ];
}

function may(scenario: Scenario, world: World, budget: Budget): boolean {
  return (world.used[budget] ?? 0) < (scenario[budget] ?? 0);
}

function spend(world: World, budget: Budget): World {
  return { ...world, used: { ...world.used, [budget]: (world.used[budget] ?? 0) + 1 } };
}

/** The stamps that a commit in Salesforce may get. */
function stamps(scenario: Scenario, world: World): number[] {
  const next = world.clock < (scenario.seconds ?? 3) ? [world.clock + 1] : [];
  return [world.clock, ...next];
}

function committed(world: World, stamp: number): World {
  return { ...world, stamp, clock: Math.max(world.clock, stamp), polled: false };
}

/** x and y are alike until the first edit. */
function editable(world: World): readonly Field[] {
  return world.ancestors.length === 1 ? ['x'] : FIELDS;
}

function people(scenario: Scenario, world: World): Move[] {
  const made: Move[] = [];
  const { salesforce } = world;
  const late =
    may(scenario, world, 'lateCommits') && world.stamp >= world.clock && world.clock > 1 ? [world.clock - 1] : [];
  const times = [...stamps(scenario, world), ...late];
  if (may(scenario, world, 'editsInSalesforce') && !salesforce.deleted) {
    for (const field of editable(world)) {
      for (const stamp of times) {
        const { world: edited, edit } = newEdit(world, lineage(world, salesforce[field]));
        const used = stamp < world.clock ? spend(edited, 'lateCommits') : edited;
        const side = { ...salesforce, [field]: `${field}${edit}` };
        made.push({
          what: `a person sets ${field}${edit} in Salesforce, stamp ${stamp}`,
          world: committed({ ...spend(used, 'editsInSalesforce'), salesforce: side }, stamp),
        });
      }
    }
  }
  if (may(scenario, world, 'deletesInSalesforce') && !world.purged) {
    for (const stamp of times) {
      const used = stamp < world.clock ? spend(world, 'lateCommits') : world;
      made.push({
        what: `a person ${salesforce.deleted ? 'undeletes' : 'deletes'} the record, stamp ${stamp}`,
        world: committed(toggled(spend(used, 'deletesInSalesforce'), 'salesforce'), stamp),
      });
    }
  }
  return made;
}

function toggled(world: World, which: 'salesforce' | 'row'): World {
  const side = world[which];
  // Who revives a record has seen that it was deleted, but not the edits that went with it.
  const seen = side.deleted ? lineage(world, side.life) & world.lives : lineage(world, side.life, side.x, side.y);
  const { world: edited, edit } = newEdit(world, seen);
  const revives = side.deleted ? world.revives | (1 << edit) : world.revives;
  const lives = world.lives | (1 << edit);
  return { ...edited, revives, lives, [which]: { ...side, life: edit, deleted: !side.deleted } };
}

function application(scenario: Scenario, world: World): Move[] {
  const { row, invisible } = world;
  if (invisible !== undefined) {
    const visible = { ...row, [invisible.field]: invisible.value };
    return [{ what: 'the commit becomes visible', world: { ...world, invisible: undefined, row: visible } }];
  }
  const made: Move[] = [];
  if (may(scenario, world, 'editsOfRow') && !row.deleted) {
    for (const field of editable(world)) {
      const { world: edited, edit } = newEdit(world, lineage(world, row[field]));
      const value = `${field}${edit}`;
      const spent = spend(edited, 'editsOfRow');
      const queued = { ...spent, queued: true, editedAt: world.clock, ours: world.ours | (1 << edit) };
      made.push({ what: `the application sets ${value}`, world: { ...queued, row: { ...row, [field]: value } } });
      if (may(scenario, world, 'earlyDecodes')) {
        const early = { ...spend(queued, 'earlyDecodes'), invisible: { field, value } };
        made.push({ what: `the application sets ${value}, decoded but not visible`, world: early });
      }
    }
  }
  if (may(scenario, world, 'crossings') && !row.deleted) {
    const crossed = { ...spend(world, 'crossings'), queued: true, outside: !world.outside };
    made.push({ what: `the row ${world.outside ? 'comes back into' : 'leaves'} the filter`, world: crossed });
  }
  if (may(scenario, world, 'deletesOfRow')) {
    const changed = toggled({ ...spend(world, 'deletesOfRow'), queued: true }, 'row');
    if (!row.deleted) made.push({ what: 'the application deletes the row', world: changed });
    else {
      const { world: edited, edit } = newEdit(changed, lineage(world, row.life));
      const again = { ...edited, row: { ...changed.row, x: `x${edit}` } };
      made.push({ what: `the application inserts the row again with x${edit}`, world: again });
    }
  }
  return made;
}

function polling(scenario: Scenario, world: World): Move[] {
  if (world.arrivals.length >= IN_FLIGHT) return [];
  if (world.polled && !may(scenario, world, 'idlePolls')) return [];
  const used = world.polled ? spend(world, 'idlePolls') : world;
  const file: Arrival = { kind: 'file', side: world.salesforce, stamp: world.stamp, readAt: world.time, revision: 0 };
  return [
    {
      what: `a poll puts ${shown(world.salesforce)}, stamp ${world.stamp}, into a file`,
      world: { ...used, polled: true, time: world.time + 1, arrivals: [...world.arrivals, file] },
    },
  ];
}

function inbound(scenario: Scenario, mapping: ObjectMapping, rules: Rules, world: World): Move[] {
  return world.arrivals.flatMap((arrival, i): Move[] => {
    const others = world.arrivals.filter((_, j) => j !== i);
    const become = (next: Arrival): World => ({ ...world, arrivals: [...others, next], time: world.time + 1 });
    if (arrival.kind === 'to read') {
      const read: Arrival = {
        ...arrival,
        kind: 'read',
        side: world.salesforce,
        stamp: world.stamp,
        readAt: world.time,
      };
      return [{ what: 'inbound reads the record again', world: become(read) }];
    }
    // Rows that an invisible commit holds are locked.
    if (world.invisible !== undefined) return [];
    const version = versionOf(arrival.side, arrival.stamp);
    const pair = { link: world.link, row: rowVersion(world) };
    const result =
      arrival.kind === 'file'
        ? rules.receive(mapping, pair, version, arrival.readAt)
        : rules.acceptReread(mapping, pair, version, { revision: arrival.revision, readAt: arrival.readAt });
    const what = `${arrival.kind === 'file' ? 'file' : 're-read'} ${shown(arrival.side)}, stamp ${arrival.stamp}: ${result.outcome}`;
    if (result.outcome === 'again') {
      return [{ what, world: become({ ...arrival, kind: 'to read', revision: world.link.revision }) }];
    }
    // Of an open push, a file can only save what the push carries.
    const { push, base } = world.link;
    const wholeRow = push?.delivery === 'appflow';
    const carried = FIELDS.filter(
      (field) => (wholeRow || push?.sent[field] !== undefined) && arrival.side[field] !== base?.fields[field],
    );
    const seen = world.shown | lineage(world, ...carried.map((field) => arrival.side[field]));
    const written = write({ ...world, arrivals: others, shown: seen }, result, arrival.side);
    if (result.outcome === 'reread') {
      const order: Arrival = { ...arrival, kind: 'to read', revision: result.link.revision };
      return [{ what, world: { ...written, arrivals: [...others, order] } }];
    }
    const once = { what, world: written };
    if (arrival.kind !== 'file' || !may(scenario, world, 'duplicates')) return [once];
    const twice = { ...spend(written, 'duplicates'), arrivals: world.arrivals };
    return [once, { what: `${what}, to be worked on once more`, world: twice }];
  });
}

/** Writes link and row as a merge left them, and reads its conflicts into the log. */
function write(
  world: World,
  merged: { link: Link; row: RowVersion | undefined; conflicts: readonly Conflict[] },
  salesforce: Side,
): World {
  const { row } = world;
  const now = merged.row;
  const life = (now === undefined) === row.deleted ? row.life : salesforce.life;
  const values = now === undefined ? {} : { x: String(now.fields.x), y: String(now.fields.y) };
  const next: Side = { ...row, ...values, life, deleted: now === undefined };
  let { logged, falseConflict } = world;
  // Deleted on both sides: both deletes have got what they wanted.
  if (salesforce.deleted && row.deleted) logged |= lineage(world, salesforce.life, row.life);
  for (const conflict of merged.conflicts) {
    const [theirs, mine] = [
      known(world, conflict.salesforce, salesforce.life),
      known(world, conflict.postgres, row.life),
    ];
    logged |= theirs | mine;
    if (conflict.reason === 'both edited') falseConflict ||= contains(world, conflict.salesforce, conflict.postgres);
  }
  const excuses = world.excuses + merged.conflicts.length;
  return { ...world, link: merged.link, row: next, logged, falseConflict, excuses };
}

function known(world: World, value: Conflict['salesforce'], life: number): number {
  if (typeof value !== 'object' || value === null) return lineage(world, String(value));
  const record: RecordState = value;
  return lineage(world, life, ...Object.values(record.fields).map(String));
}

/** Whether one of two values was made by somebody who had seen the other. */
function contains(world: World, a: unknown, b: unknown): boolean {
  const [one, other] = [String(a), String(b)];
  const has = (whole: number, value: string) => (whole >> Number(value.slice(1).replace('!', ''))) & 1;
  return Boolean(has(lineage(world, one), other) || has(lineage(world, other), one));
}

function landing(scenario: Scenario, world: World): Move[] {
  return world.flights.flatMap((flight, i): Move[] => {
    const flights = world.flights.filter((_, j) => j !== i);
    const answered = (from: World, outcome: Outcome): World => ({ ...from, step: { at: 'answered', outcome } });
    const made: Move[] = [];
    for (const stamp of stamps(scenario, world)) {
      const { world: landed, outcome } = land(scenario, { ...world, flights }, flight, stamp);
      const what = `the push ${shownPush(flight.push)} lands, stamp ${stamp}`;
      if (!flight.awaited) {
        made.push({ what: `${what}, long after its execution`, world: landed });
        continue;
      }
      made.push({ what, world: answered(landed, outcome) });
      // A lost answer leaves the push open: only the fence tells when it is over.
      if (may(scenario, world, 'lostAnswers')) {
        made.push({ what: `${what}, its answer is lost`, world: { ...spend(landed, 'lostAnswers'), step: IDLE } });
      }
    }
    if (!flight.awaited) made.push({ what: 'an abandoned push never lands', world: { ...world, flights } });
    else {
      if (may(scenario, world, 'lostAnswers')) {
        const lost = { ...spend(world, 'lostAnswers'), step: IDLE };
        made.push({ what: 'the push is lost on its way', world: { ...lost, flights } });
        const later = [...flights, { ...flight, awaited: false }];
        made.push({ what: 'the push times out, still on its way', world: { ...lost, flights: later } });
      }
      if (may(scenario, world, 'refusals')) {
        made.push({
          what: 'Salesforce refuses the push',
          world: answered({ ...spend(world, 'refusals'), flights }, 'refused'),
        });
      }
    }
    return made;
  });
}

function land(scenario: Scenario, world: World, flight: Flight, stamp: number): { world: World; outcome: Outcome } {
  const { salesforce } = world;
  const { outgoing, fillers } = flight.push;
  let window = world.window;
  const overwritten = (value: string | number, by: number, looked: string | number) => {
    window |= lineage(world, value) & ~by & ~lineage(world, looked) & ~world.ours;
  };
  if (outgoing.kind === 'purge') {
    return { outcome: 'accepted', world: salesforce.deleted ? { ...world, purged: true } : world };
  }
  if (world.purged && outgoing.kind === 'revive') return { world, outcome: 'refused' };
  if (outgoing.kind === 'delete') {
    if (salesforce.deleted) {
      // Both sides wanted it deleted, and it is.
      return {
        outcome: 'accepted',
        world: { ...world, logged: world.logged | lineage(world, flight.life, salesforce.life) },
      };
    }
    const seen = lineage(world, flight.life);
    for (const field of FIELDS) overwritten(salesforce[field], seen, flight.looked[field]);
    const side = { ...salesforce, deleted: true, life: flight.life };
    const deleted = { ...world, window, salesforce: side, writes: world.writes + 1 };
    return { outcome: 'accepted', world: committed(deleted, stamp) };
  }
  if (salesforce.deleted && outgoing.kind === 'update') return { world, outcome: 'not applied' };
  const revived = salesforce.deleted ? { ...salesforce, deleted: false, life: flight.life } : salesforce;
  const values = { ...fillers, ...outgoing.fields };
  let side: Side = revived;
  for (const field of FIELDS) {
    const value = values[field];
    if (typeof value !== 'string' || value === salesforce[field]) continue;
    overwritten(salesforce[field], lineage(world, value), flight.looked[field]);
    side = { ...side, [field]: value };
  }
  const pushesX = outgoing.kind === 'update' ? outgoing.fields.x !== undefined : true;
  const changed = side !== salesforce;
  const needless =
    outgoing.kind === 'update' &&
    FIELDS.every((field) => (values[field] ?? flight.looked[field]) === flight.looked[field]);
  const put = {
    ...world,
    window,
    salesforce: side,
    writes: world.writes + 1,
    echo: world.echo || (!changed && needless),
  };
  return { world: committed(pushesX ? triggered(scenario, put) : put, stamp), outcome: 'accepted' };
}

function triggered({ trigger }: Scenario, world: World): World {
  const { salesforce } = world;
  if (trigger === 'normalises x' && !salesforce.x.endsWith('!')) {
    return { ...world, salesforce: { ...salesforce, x: `${salesforce.x}!` } };
  }
  if (trigger === 'writes y') {
    const { world: edited, edit } = newEdit(world, lineage(world, salesforce.y));
    return { ...edited, salesforce: { ...salesforce, y: `y${edit}` } };
  }
  return world;
}

function outbound(scenario: Scenario, mapping: ObjectMapping, rules: Rules, world: World): Move[] {
  const { step, link } = world;
  const visible = world.invisible === undefined;
  const made: Move[] = [];
  if (world.queued && (visible || !rules.visible) && !link.dirty) {
    const marked = { ...link, dirty: true, revision: link.revision + 1 };
    made.push({ what: 'receive marks the link due', world: { ...world, queued: false, link: marked } });
  }
  if (step.at === 'idle') return [...made, ...collected(mapping, rules, world)];
  if (may(scenario, world, 'crashes')) {
    const dead = { ...spend(world, 'crashes'), step: IDLE, excuses: world.excuses + 1 };
    made.push({
      what: `the execution dies when it has ${step.at}`,
      world: { ...dead, flights: world.flights.map((flight) => ({ ...flight, awaited: false })) },
    });
    if (step.at === 'decided') {
      const zombie = { push: step.push, life: step.life, looked: step.looked, awaited: false };
      made.push({
        what: 'the lease is lost; the old execution may still push',
        world: { ...dead, flights: [...world.flights, zombie] },
      });
    }
  }
  const read = { side: world.salesforce, stamp: world.stamp, readAt: world.time };
  const later = { ...world, time: world.time + 1 };
  switch (step.at) {
    case 'collected':
      made.push({
        what: `the look finds ${shown(world.salesforce)}`,
        world: { ...later, step: { ...step, ...read, at: 'looked' } },
      });
      break;
    case 'looked':
      if (visible) made.push(decided(mapping, rules, world, step));
      break;
    case 'decided': {
      const flight: Flight = { push: step.push, life: step.life, looked: step.looked, awaited: true };
      made.push({
        what: 'the push starts',
        world: { ...world, step: { at: 'pushing' }, flights: [...world.flights, flight] },
      });
      break;
    }
    case 'answered':
      made.push({
        what: `read back ${shown(world.salesforce)}`,
        world: { ...later, step: { ...read, at: 'read back', outcome: step.outcome, revision: link.revision } },
      });
      break;
    case 'read back':
      if (visible) made.push(settled(mapping, rules, world, step));
      break;
    default:
      break;
  }
  return made;
}

function collected(mapping: ObjectMapping, rules: Rules, world: World): Move[] {
  const { link } = world;
  const fenced = !rules.fenced || link.push === undefined || world.flights.length === 0;
  if (!(link.dirty || link.rereadDue || link.push !== undefined) || !fenced) return [];
  const taken = rules.collect(mapping, { link, row: rowVersion(world) });
  const { revision } = taken;
  const next = { ...world, link: taken };
  if (!taken.dirty) return [{ what: 'collect: the row equals the base', world: next }];
  return [{ what: 'collect takes the record in hand', world: { ...next, step: { at: 'collected', revision } } }];
}

function decided(mapping: ObjectMapping, rules: Rules, world: World, step: Extract<Step, { at: 'looked' }>): Move {
  const pair = { link: world.link, row: rowVersion(world) };
  const { revision, readAt, side } = step;
  const decision = rules.decide(mapping, pair, versionOf(side, step.stamp), {
    revision,
    readAt,
    pushId: 'push',
    now: world.clock * SECOND,
    clockSkew: 0,
  });
  if (decision.outcome === 'left')
    return { what: 'decide: the link has changed, left', world: { ...world, step: IDLE } };
  const written = write({ ...world, step: IDLE }, decision, side);
  if (decision.outcome === 'done') return { what: 'decide: nothing to send', world: written };
  const { push } = decision;
  return {
    what: `decide sends ${shownPush(push)}`,
    world: { ...written, step: { at: 'decided', push, life: written.row.life, looked: side } },
  };
}

function settled(mapping: ObjectMapping, rules: Rules, world: World, step: Extract<Step, { at: 'read back' }>): Move {
  const pair = { link: world.link, row: rowVersion(world) };
  const result = rules.settle(mapping, pair, versionOf(step.side, step.stamp), step.outcome, step);
  if (result.outcome === 'again') {
    return {
      what: 'settle: the link has changed, read back again',
      world: { ...world, step: { at: 'answered', outcome: step.outcome } },
    };
  }
  const written = write({ ...world, step: IDLE }, result, step.side);
  return {
    what: `settle: ${step.outcome}`,
    world: written,
  };
}

function shown({ x, y, deleted }: Side): string {
  return deleted ? `deleted (${x} ${y})` : `${x} ${y}`;
}

function shownPush({ outgoing, fillers }: Push): string {
  const fields = 'fields' in outgoing ? Object.values(outgoing.fields) : [];
  return [outgoing.kind, ...fields, ...Object.values(fillers).map((value) => `(${value})`)].join(' ');
}
