/**
 * Parents and children whose records and rows come and go in any order. On Salesforce's side a lookup holds the parent's id, in
 * the row the parent's key. A child may come before its parent's row (it waits, with a null column), and a row may point to a
 * parent that has no record yet (it is looked at again when that has one). What a lookup becomes when its child is
 * written stands in row-change.ts; here is what happens to it because of its parent.
 */
import { isUnlinked, type Unlinked } from '../mapping/canonical.ts';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../mapping/configuration.ts';
import type { Instant } from '../mapping/instant.ts';
import { type Lookup, lookupsOf, readPointer } from '../mapping/lookups.ts';
import { isId18 } from '../mapping/salesforce-id.ts';
import { becomesDue, putOff } from './due.ts';
import type { Link, RowVersion } from './link.ts';

/** A lookup of an object, seen from its parent. */
export interface ChildLookup {
  readonly child: ObjectMapping;
  readonly lookup: Lookup;
}

/** The lookups that point to the object. */
export function childLookups({ objects }: SyncConfiguration, parent: string): ChildLookup[] {
  return objects.flatMap((child) =>
    lookupsOf(child)
      .filter(({ references }) => references === parent)
      .map((lookup) => ({ child, lookup })),
  );
}

/** Those through which a child is to be looked at again when the row of its parent gets a Salesforce id: it can be sent now. */
export function lookupsToWake(configuration: SyncConfiguration, parent: string): ChildLookup[] {
  // Read-only parents, which alone are named otherwise than by their key, have their ids from the beginning.
  return childLookups(configuration, parent).filter(
    ({ lookup }) => lookup.direction !== 'to-postgres' && lookup.namedBy === undefined,
  );
}

/** A parent row without a Salesforce id to which a lookup points. */
export interface UnlinkedParent {
  readonly object: string;
  readonly key: string;
}

/**
 * How the parents stand that a row names and that had no Salesforce id when it was read. `linked`: one has got its id since.
 * `locked`: another transaction has locked the row of one, and may be writing its id; it wakes the children that it sees, and
 * this one may have come a moment later.
 */
export type Parents = 'as read' | 'linked' | 'locked';

/**
 * The parents that the row names and that had no Salesforce id when it was read. A step that puts the child to rest asks for
 * them once more (see `Parents`): where one is linked the child is due, and where one is locked it stays due.
 */
export function unlinkedParents(mapping: ObjectMapping, row: RowVersion | undefined): UnlinkedParent[] {
  const found: UnlinkedParent[] = [];
  if (row === undefined) return found;
  for (const lookup of mapping.fields) {
    const value = row.fields[lookup.field];
    if (isUnlinked(value) && lookup.namedBy === undefined) found.push(...unlinkedParent(lookup, value));
  }
  return found;
}

/** The parent row that the lookup names. */
export function unlinkedParent(
  { references, targets }: Pick<FieldMapping, 'references' | 'targets'>,
  { unlinked }: Unlinked,
): UnlinkedParent[] {
  if (targets !== undefined) return [readPointer(unlinked) ?? []].flat();
  return references === undefined ? [] : [{ object: references, key: unlinked }];
}

/** Whether a link that was due, or is new, is due no longer. */
export function isPutToRest(before: Link | undefined, after: Link): boolean {
  return !after.dirty && before?.dirty !== false;
}

/** The row of a child's parent goes. */
export interface LostParent {
  readonly parent: string;
  /** The record that the parent was merged into. */
  readonly survivor: string | undefined;
  /** The survivor has a row: the child's column points to it from now on. Else the column becomes null. */
  readonly survivorHasRow: boolean;
}

/**
 * The link of a child whose parent's row goes. A lookup that Salesforce has too, as far as we know, waits for the lost parent:
 * an undelete joins the two again. Where it leads to the survivor instead, so does the base: else the row would look edited.
 * A lookup that the application had just changed to this parent is not what Salesforce has: the link becomes due. So it
 * does where the object has a row filter, for the lookup may be what that looks at. After a merge the child is read again:
 * Salesforce has moved it to the survivor, and whether it has stamped it is not documented.
 */
export function loseParent(
  link: Link,
  child: ObjectMapping,
  field: string,
  { parent, survivor, survivorHasRow }: LostParent,
): Link {
  const { base } = link;
  const known = base?.fields[field] === parent;
  const follows = known && survivorHasRow && survivor !== undefined;
  return {
    ...link,
    base: follows ? { ...base, fields: { ...base.fields, [field]: survivor } } : base,
    waiting: known && !survivorHasRow ? { ...link.waiting, [field]: parent } : link.waiting,
    rereadDue: link.rereadDue || survivor !== undefined,
    dirty: link.dirty || !known || child.filter !== undefined,
    revision: link.revision + 1,
  };
}

/**
 * The same for a child that the transaction in which its parent's row goes has itself just merged (a lookup to its own
 * object): the revision is the one that the merge has raised, and that the step hands on.
 */
export function loseParentToo(link: Link, child: ObjectMapping, field: string, lost: LostParent): Link {
  return { ...loseParent(link, child, field, lost), revision: link.revision };
}

/** The link of a record that was rejected because a parent has no row, and its column allows no null. */
export function waitFor(link: Link, field: string, parent: string): Link {
  return { ...link, waiting: { ...link.waiting, [field]: parent }, revision: link.revision + 1 };
}

/** The same when the parent has landed. Nothing of the record was kept here: it is read again. */
export function stopWaiting(link: Link, field: string): Link {
  return { ...becomesDue(link, 'read again'), waiting: withoutWait(link, field) };
}

/** What joining makes of a child. */
export interface Joined {
  readonly link: Link;
  /** The column takes the parent's key. */
  readonly fills: boolean;
}

/**
 * JOIN: the parent that a lookup waits for has a row now. A column that is not null any more was pointed elsewhere by the
 * application: that stands. Either way the lookup waits no longer, and a parent that Salesforce does not have there is
 * due (it came from what a file showed during a push). So is a row that is filled, where the object has a row filter: the lookup may
 * be what lets it in again. `column`: what the child's row holds; undefined: it has none.
 */
export function join(link: Link, child: ObjectMapping, field: string, column: string | null | undefined): Joined {
  const fills = column === null;
  const isOther = link.base?.fields[field] !== link.waiting[field];
  const dirty = link.dirty || isOther || (fills && child.filter !== undefined);
  return { link: { ...link, waiting: withoutWait(link, field), dirty, revision: link.revision + 1 }, fills };
}

function withoutWait({ waiting }: Link, field: string): Link['waiting'] {
  const { [field]: _, ...others } = waiting;
  return others;
}

/** Ids of the records that a live record names, as far as we know; undefined: none. Its children find a parent by them. */
export function namedRecords({ base }: Link): string[] | undefined {
  if (base === undefined || base.deleted) return undefined;
  const ids = Object.values(base.fields).filter((value) => typeof value === 'string' && isId18(value));
  return ids.length === 0 ? undefined : ids.map(String);
}

/** How a child stands whose record names a parent that is to be deleted. */
export interface NamingChild {
  /** Its link is due, or a push of it is open. */
  readonly isDue: boolean;
  /** It has no row, or one that counts as gone. */
  readonly isGone: boolean;
  /** The key of the row that its column names. */
  readonly pointsTo: string | null;
  /** Its column is null because it waits for the parent. */
  readonly waits: boolean;
  /** Salesforce has refused what differs, or the row does not go to Salesforce: nothing will come of the difference. */
  readonly stays: boolean;
}

/**
 * Whether the delete of a parent has to wait for a child: Salesforce deletes many children along with their parent, and a record
 * that was deleted along cannot be undeleted by itself. So the child is freed, or deleted, first. Its message may be still on its
 * way: what its row says that its record does not will become due. `parentKey`: of the parent's row, which is gone.
 */
export function isInTheWay(
  { deleteRecord }: ObjectMapping,
  { direction }: FieldMapping,
  { isDue, isGone, pointsTo, waits, stays }: NamingChild,
  parentKey: string | undefined,
): boolean {
  if (isDue) return true;
  if (stays) return false;
  if (isGone) return deleteRecord !== 'ignore';
  if (direction === 'to-postgres' || (waits && pointsTo === null)) return false;
  return pointsTo !== parentKey;
}

/** A parent waits some five minutes for its children: then what keeps them does not end by itself. */
const MOST_WAITS = 40;
const LONGEST_WAIT_MS = 8000;

/** The delete of a parent is put off for the sake of its children. undefined: it has waited long enough, and goes. */
export function waitForChildren(link: Link, now: Instant): Link | undefined {
  if (link.retries >= MOST_WAITS) return undefined;
  const later = putOff(link, now);
  return { ...later, dueAfter: Math.min(later.dueAfter ?? now, now + LONGEST_WAIT_MS) };
}
