/** What must never be true. */
import { takes } from '../takes.ts';
import { ID_OF, lineage, PARENTS, type ParentKey, parentOf, rowVersion, type World } from './world.ts';

export type Violation =
  | 'the sides differ for good'
  | 'a child waits for a parent that is there'
  | 'a lookup was cleared for want of its parent'
  | 'an edit was lost'
  | 'a conflict between a value and its own successor'
  | 'an echo'
  | 'a child was left without a parent though the survivor is there'
  | 'a lookup was sent that waits for its parent'
  | 'more writes than edits';

export function violations(world: World): Violation[] {
  const found: Violation[] = [];
  const { used } = world;
  // Documented: a push whose outcome is not settled, and then an edit or the loss of the parent, may be logged as a conflict
  // although it was a sequence; so may be what follows on a change that nothing shows.
  const isExcused = used.crashes !== undefined || world.lostDuringPush || world.unstamped !== 0;
  if (world.falseConflict && !isExcused) found.push('a conflict between a value and its own successor');
  if (world.cleared) found.push('a lookup was cleared for want of its parent');
  if (world.emptied) found.push('a child was left without a parent though the survivor is there');
  if (world.echo) found.push('an echo');
  if (world.sentWaiting) found.push('a lookup was sent that waits for its parent');
  const edited = (used.editsOfRow ?? 0) + (used.otherEdits ?? 0);
  if (world.writes > edited + world.excuses) found.push('more writes than edits');
  if (isQuiet(world)) found.push(...atRest(world));
  return found;
}

/** Nothing is left to happen but new edits. */
function isQuiet({ step, queued, link, polled, arrivals, flights, joins, parents }: World): boolean {
  const busy = step.at !== 'idle' || queued || !polled || joins || arrivals.length + flights.length > 0;
  return !busy && !takes(link) && PARENTS.every((key) => isSettled(parents[key]));
}

function isSettled({ unpolled, row }: World['parents'][ParentKey]): boolean {
  return !unpolled && (row === 'none' || row === 'with id');
}

function atRest(world: World): Violation[] {
  const { salesforce, row, link } = world;
  const waitsFor = parentOf(link.waiting.l);
  if (waitsFor !== undefined && world.parents[waitsFor].row === 'with id' && !row.deleted) {
    return ['a child waits for a parent that is there'];
  }
  if (!agree(world)) return isListed(world) ? [] : ['the sides differ for good'];
  if (world.cameBack || salesforce.deleted) return [];
  const made = world.lineages.reduce((all, _, edit) => all | (1 << edit), 0) & ~world.follows;
  const kept = world.kept | lineage(world, salesforce.by) | lineage(world, row.by) | 1;
  return (made & ~kept) === 0 ? [] : ['an edit was lost'];
}

function agree({ salesforce, row }: World): boolean {
  if (salesforce.deleted || row.deleted) return salesforce.deleted === row.deleted;
  const points = row.l === null ? null : ID_OF[row.l as ParentKey];
  return salesforce.l === points && salesforce.x === row.x;
}

/** All that differs was refused, and is listed; or Salesforce has brought a lookup back without a trace. */
function isListed(world: World): boolean {
  const { salesforce, row, link, unstamped, follows } = world;
  // Or that, and what Salesforce has made of it since by itself.
  const isUnstamped = (lineage(world, salesforce.by) & unstamped) !== 0 && ((follows >> salesforce.by) & 1) === 1;
  if (salesforce.deleted !== row.deleted) return link.refused.deleted === row.deleted;
  const here = rowVersion(world)?.fields ?? {};
  const differing = (['l', 'x'] as const).filter((field) => here[field] !== salesforce[field]);
  return differing.every((field) => link.refused.fields[field] === here[field] || (field === 'l' && isUnstamped));
}
