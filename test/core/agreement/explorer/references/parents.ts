/** What sfsync does to a child because of its parents: they land, go, get their ids, and are joined. */
import { becomesDue } from '../../../../../core/agreement/due.ts';
import type { Driver } from './moves.ts';
import { type Move, withParent } from './sides.ts';
import { ID_OF, lineage, newEdit, PARENTS, type ParentKey, parentOf, rowVersion, type World } from './world.ts';

/** The transaction that has just written the child is also the one in which the row of its parent goes: their object is one. */
export function goneTogether(driver: Driver, world: World): Move[] {
  return PARENTS.filter((key) => world.parents[key].unpolled && world.parents[key].record === 'deleted').map((key) => ({
    what: `and so is the file of parent ${key}, which is deleted`,
    world: applied(driver, world, key, driver.rules.loseParentToo),
  }));
}

export function parents(driver: Driver, world: World): Move[] {
  const made = PARENTS.flatMap((key) => ofParent(driver, world, key));
  if (world.joins)
    made.push({ what: 'children are joined to the parents that have landed', world: joined(driver, world) });
  return made;
}

function ofParent(driver: Driver, world: World, key: ParentKey): Move[] {
  const { record, row, unpolled } = world.parents[key];
  const made: Move[] = [];
  if (row === 'without id' && record === 'none') {
    const next = withParent(world, key, { record: 'live', unpolled: true });
    made.push({ what: `the upsert of parent ${key} lands`, world: next });
  }
  if (row === 'without id' && record === 'live') {
    const next = woken(driver, withParent(world, key, { row: 'gets id' }), key);
    made.push({ what: `parent ${key} gets its id, and wakes its children`, world: next });
  }
  if (row === 'gets id') {
    made.push({ what: `the id of parent ${key} is committed`, world: withParent(world, key, { row: 'with id' }) });
  } else if (unpolled) made.push({ what: `the file of parent ${key} is applied`, world: applied(driver, world, key) });
  return made;
}

function applied(driver: Driver, world: World, key: ParentKey, lose = driver.rules.loseParent): World {
  const { record, row, mergedInto } = world.parents[key];
  const next = { ...withParent(world, key, { unpolled: false }), joins: true };
  if (record === 'live') {
    const landed = withParent(next, key, { row: 'with id', isKnownMerged: false });
    return row === 'without id' ? woken(driver, landed, key) : landed;
  }
  const isKnownMerged = mergedInto !== undefined;
  if (row !== 'with id') return withParent(next, key, { isKnownMerged });
  return withParent(released(driver, next, key, lose), key, { row: 'none', isKnownMerged });
}

/** The parent's row has got its id. */
function woken({ rules, configuration }: Driver, world: World, key: ParentKey): World {
  const { link, row } = world;
  const wakes = rules.lookupsToWake(configuration, 'Parent').length > 0;
  if (row.l !== key || row.deleted || !wakes) return world;
  return { ...world, link: becomesDue(link, 'row changed') };
}

/** The parent's row goes, and the child's column cannot point to it any longer. */
function released({ rules, mapping }: Driver, world: World, key: ParentKey, lose: typeof rules.loseParent): World {
  const { link, row } = world;
  const { mergedInto: survivor, movedBy } = world.parents[key];
  if (row.l !== key || row.deleted) return world;
  const known = link.base?.fields.l === ID_OF[key];
  const survivorHasRow = survivor !== undefined && world.parents[survivor].row === 'with id';
  const lost = rules.leadsToSurvivor
    ? { parent: ID_OF[key], survivor: survivor && ID_OF[survivor], survivorHasRow }
    : { parent: ID_OF[key], survivor: undefined, survivorHasRow: false };
  const after = lose(link, mapping, 'l', lost);
  const lostDuringPush = world.lostDuringPush || link.push?.sent.l !== undefined;
  const l = lost.survivorHasRow && survivor !== undefined ? survivor : null;
  const emptied = world.emptied || (survivorHasRow && l === null);
  const next = { ...world, link: after, lostDuringPush, emptied };
  // Or it points to the survivor on both sides.
  const agreed = survivorHasRow && world.salesforce.l === ID_OF[survivor] ? lineage(world, world.salesforce.by) : 0;
  if (known) return { ...next, row: { ...row, l, by: movedBy > 0 ? movedBy : row.by }, kept: world.kept | agreed };
  // Where the application had pointed it is no more: its edit cannot stand.
  const { world: edited, edit } = newEdit(next, lineage(world, row.by), l);
  const kept = world.kept | agreed | lineage(world, row.by);
  const follows = world.follows | (1 << edit);
  return { ...edited, row: { ...row, l, by: edit }, kept, follows, excuses: world.excuses + 1 };
}

function joined({ rules, mapping }: Driver, world: World): World {
  const { link, row } = world;
  const next = { ...world, joins: false };
  const id = link.waiting.l;
  const parent = parentOf(id);
  if (id === undefined || parent === undefined || !rules.joins) return next;
  if (world.parents[parent].row === 'with id') {
    const { link: after, fills } = rules.join(link, mapping, 'l', row.deleted ? undefined : row.l);
    const by = row.l === null ? row.by : 0;
    return { ...next, link: after, row: fills ? { ...row, l: parent, by } : row };
  }
  if (!world.parents[parent].isKnownMerged || !rules.readsMergedAgain || link.rereadDue) return next;
  return { ...next, link: becomesDue(link, 'read again') };
}

/** Whether a transaction is writing the id of the child's parent: a step that would put the child to rest leaves it due. */
export function isBeingLinked({ rules, mapping }: Driver, world: World): boolean {
  const named = rules.unlinkedParents(mapping, rowVersion(world)).map(({ key }) => key);
  return PARENTS.some((key) => named.includes(key) && world.parents[key].row === 'gets id');
}
