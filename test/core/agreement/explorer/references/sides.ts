/** What happens to a child and its parents without sfsync: people, Salesforce itself, the application, pushes that land. */
import type { Outcome } from '../../../../../core/agreement/outbound.ts';
import {
  type Flight,
  ID_OF,
  IDLE,
  lineage,
  may,
  newEdit,
  PARENTS,
  type Parent,
  type ParentKey,
  parentOf,
  type Scenario,
  spend,
  type World,
} from './world.ts';

export interface Move {
  readonly what: string;
  readonly world: World;
}

export function withParent(world: World, key: ParentKey, change: Partial<Parent>): World {
  return { ...world, parents: { ...world.parents, [key]: { ...world.parents[key], ...change } } };
}

/** A commit that stamps the child. Every one gets a second of its own: what may happen within one is explored in ../world.ts. */
function committed(world: World): World {
  return { ...world, stamp: world.clock + 1, clock: world.clock + 1, polled: false };
}

export function people(scenario: Scenario, world: World): Move[] {
  const made: Move[] = [];
  const { salesforce, parents } = world;
  if (may(scenario, world, 'editsInSalesforce') && !salesforce.deleted) {
    const targets = [null, ...PARENTS.filter((key) => parents[key].record === 'live').map((key) => ID_OF[key])];
    for (const l of targets.filter((target) => target !== salesforce.l)) {
      const { world: edited, edit } = newEdit(spend(world, 'editsInSalesforce'), lineage(world, salesforce.by), l);
      const side = { ...salesforce, l, by: edit };
      const next = committed({ ...edited, salesforce: side, clearedBy: undefined, cameBack: cameBack(world, l) });
      made.push({ what: `a person points the child to ${parentOf(l) ?? 'no parent'}`, world: next });
    }
  }
  if (may(scenario, world, 'deletesOfChild')) {
    const toggled = salesforce.deleted ? revived(world) : { ...world, salesforce: { ...salesforce, deleted: true } };
    const next = committed({ ...spend(toggled, 'deletesOfChild'), excuses: world.excuses + 1 });
    made.push({ what: `a person ${salesforce.deleted ? 'undeletes' : 'deletes'} the child`, world: next });
  }
  for (const key of PARENTS) made.push(...ofParent(scenario, world, key));
  return made;
}

/** The child lives again; a lookup to a parent that does not is cleared. */
function revived(world: World): World {
  const { salesforce, parents } = world;
  const parent = parentOf(salesforce.l);
  const live = { ...world, salesforce: { ...salesforce, deleted: false } };
  if (parent === undefined || parents[parent].record === 'live') return live;
  const { world: edited, edit } = newEdit(live, lineage(world, salesforce.by), null);
  return { ...edited, salesforce: { ...live.salesforce, l: null, by: edit }, follows: world.follows | (1 << edit) };
}

function ofParent(scenario: Scenario, world: World, key: ParentKey): Move[] {
  const { record, row } = world.parents[key];
  const made: Move[] = [];
  // What becomes of a new row whose record is deleted at once is explored in ../insertions.
  const isBeingInserted = row === 'without id' || row === 'gets id';
  if (isBeingInserted) return made;
  if (record === 'live' && may(scenario, world, 'deletesOfParents')) {
    const gone = withParent(spend(world, 'deletesOfParents'), key, { record: 'deleted', unpolled: true });
    made.push({ what: `a person deletes parent ${key}`, world: followed(scenario, gone, key, null) });
  }
  if (record === 'deleted' && may(scenario, world, 'deletesOfParents')) {
    const change = { record: 'live', mergedInto: undefined, unpolled: true } as const;
    const back = withParent(spend(world, 'deletesOfParents'), key, change);
    made.push({
      what: `a person undeletes parent ${key}`,
      world: restored(scenario, withUnstamped(scenario, back, key), key),
    });
  }
  for (const survivor of PARENTS) {
    if (survivor === key || record !== 'live' || world.parents[survivor].record !== 'live') continue;
    if (!may(scenario, world, 'merges')) continue;
    const change = { record: 'deleted', mergedInto: survivor, unpolled: true } as const;
    const merged = withParent(spend(world, 'merges'), key, change);
    made.push({
      what: `a person merges parent ${key} into ${survivor}`,
      world: followed(scenario, merged, key, survivor),
    });
  }
  return made;
}

/** Salesforce changes the lookup of a live child whose parent goes. */
function followed(scenario: Scenario, world: World, gone: ParentKey, to: ParentKey | null): World {
  const { salesforce } = world;
  if (salesforce.l !== ID_OF[gone] || salesforce.deleted) return world;
  if (to === null || scenario.mergesClear === true) return { ...follow(scenario, world, null), clearedBy: gone };
  const moved = follow(scenario, world, ID_OF[to]);
  return { ...withParent(moved, gone, { movedBy: moved.salesforce.by }), clearedBy: undefined };
}

/** The undelete of a parent whose merge sfsync has not seen yet: nothing shows that Salesforce has moved the child. */
function withUnstamped({ stampsFollowers }: Scenario, world: World, key: ParentKey): World {
  const { isKnownMerged, movedBy } = world.parents[key];
  if (stampsFollowers === true || isKnownMerged || movedBy === 0) return world;
  return { ...world, unstamped: world.unstamped | (1 << movedBy) };
}

/** The undelete of a parent brings back the lookups that its delete has cleared, where no edit has changed them since. */
function restored(scenario: Scenario, world: World, key: ParentKey): World {
  if (world.clearedBy !== key || world.salesforce.deleted || world.salesforce.l !== null) return world;
  const next = follow(scenario, { ...world, clearedBy: undefined }, ID_OF[key]);
  return scenario.stampsFollowers === true ? next : { ...next, unstamped: next.unstamped | (1 << next.salesforce.by) };
}

/** An edit that Salesforce makes by itself; whether it stamps the child is not documented. */
function follow({ stampsFollowers }: Scenario, world: World, l: string | null): World {
  const { world: edited, edit } = newEdit(world, lineage(world, world.salesforce.by), l);
  const next = {
    ...edited,
    salesforce: { ...world.salesforce, l, by: edit },
    follows: world.follows | (1 << edit),
    cameBack: cameBack(world, l),
  };
  return stampsFollowers === true ? committed(next) : next;
}

/** The application edits the child's row, and new parents of its own become records. */
export function application(scenario: Scenario, world: World): Move[] {
  const made: Move[] = [];
  const { row, parents } = world;
  if (may(scenario, world, 'editsOfRow') && !row.deleted) {
    const targets = [null, ...PARENTS.filter((key) => parents[key].row !== 'none')];
    for (const l of targets.filter((target) => target !== row.l)) {
      const { world: edited, edit } = newEdit(spend(world, 'editsOfRow'), lineage(world, row.by), l);
      const back = cameBack(world, l === null ? null : ID_OF[l]);
      const next = { ...edited, row: { ...row, l, by: edit }, queued: true, cameBack: back };
      made.push({ what: `the application points the child to ${l ?? 'no parent'}`, world: next });
    }
  }
  if (may(scenario, world, 'otherEdits') && !row.deleted) {
    const next = { ...spend(world, 'otherEdits'), row: { ...row, x: `${row.x}+` }, queued: true };
    made.push({ what: 'the application edits the other field', world: next });
  }
  return made;
}

/** Whether the sides have last agreed on this, or are about to. */
function cameBack({ cameBack: before, link, arrivals, step }: World, l: string | null): boolean {
  const isRead = [...arrivals, step].some((each) => 'reading' in each && each.reading.side.l === l);
  return before || isRead || link.base?.fields.l === l || link.waiting.l === l;
}

export function landing(scenario: Scenario, world: World): Move[] {
  return world.flights.flatMap((flight, i): Move[] => {
    const away = { ...world, flights: world.flights.filter((_, j) => j !== i) };
    const answered = (next: World, outcome: Outcome): World =>
      flight.awaited ? { ...next, step: { at: 'answered', outcome } } : next;
    const { world: landed, outcome } = land(away, flight);
    const made = [{ what: `the push lands: ${outcome}`, world: answered(landed, outcome) }];
    if (!flight.awaited) made.push({ what: 'the abandoned push never lands', world: away });
    if (flight.awaited && may(scenario, world, 'refusals')) {
      made.push({ what: 'Salesforce refuses the push', world: answered(spend(away, 'refusals'), 'refused') });
    }
    return made;
  });
}

/** Salesforce takes a push. It refuses one that names a parent which it does not have. */
function land(before: World, { push: { outgoing }, by, looked }: Flight): { world: World; outcome: Outcome } {
  const world = outgoing.kind === 'revive' && before.salesforce.deleted ? revived(before) : before;
  const { salesforce, parents } = world;
  if (outgoing.kind === 'delete' || outgoing.kind === 'purge') throw new RangeError('The row of a child never goes.');
  if (salesforce.deleted && outgoing.kind === 'update') return { world, outcome: 'not applied' };
  const { l, x } = outgoing.fields;
  const parent = parentOf(l);
  if (typeof l === 'string' && (parent === undefined || parents[parent].record !== 'live')) {
    return { world: before, outcome: 'refused' };
  }
  let side = { ...salesforce, deleted: false, x: typeof x === 'string' ? x : salesforce.x };
  let { kept } = world;
  if (l !== undefined) {
    if (l === salesforce.l && by !== salesforce.by) kept |= lineage(world, salesforce.by) | lineage(world, by);
    // The window between the look and the landing.
    if (l !== salesforce.l) kept |= lineage(world, salesforce.by) & ~lineage(world, by) & ~looked;
    if (l !== salesforce.l || salesforce.by === 0) side = { ...side, l: typeof l === 'string' ? l : null, by };
  }
  const clearedBy = l === undefined ? world.clearedBy : undefined;
  const writes = world.writes + 1;
  return { world: committed({ ...world, salesforce: side, kept, writes, clearedBy }), outcome: 'accepted' };
}

/** The execution dies; what it has sent is on its way. */
export function died(world: World): World {
  const flights = world.flights.map((flight) => ({ ...flight, awaited: false }));
  return { ...spend(world, 'crashes'), step: IDLE, flights, excuses: world.excuses + 1 };
}
