/** Writes the child's link and row as a merge left them, and keeps what its conflicts say. */
import { becomesDue } from '../../../../../core/agreement/due.ts';
import type { Link, RowVersion } from '../../../../../core/agreement/link.ts';
import { withWaiting } from '../../../../../core/agreement/link.ts';
import type { Conflict } from '../../../../../core/agreement/merge.ts';
import { isPutToRest } from '../../../../../core/agreement/references.ts';
import type { Driver } from './moves.ts';
import { isBeingLinked } from './parents.ts';
import { lineage, parentOf, rowVersion, type Side, type World } from './world.ts';

export interface Merged {
  readonly link: Link;
  readonly row: RowVersion | undefined;
  readonly conflicts: readonly Conflict[];
}

/** `from`: what was merged. */
export function written(driver: Driver, world: World, merged: Merged, from: Side): World {
  const next = put(driver, world, merged, from);
  if (!isPutToRest(world.link, next.link) || !isBeingLinked(driver, next)) return next;
  return { ...next, link: becomesDue(next.link, 'written by us') };
}

function put({ rules, mapping }: Driver, world: World, merged: Merged, from: Side): World {
  const before = { link: world.link, row: rowVersion(world) };
  const change = rules.rowChange(mapping, before, merged.row, merged.link.rowKey);
  const references = mapping.fields.filter(({ references: parent }) => parent !== undefined);
  const { fields, waiting, kind } = rules.withParentKeys(references, change, (_object, id) => {
    const parent = parentOf(id);
    return parent !== undefined && world.parents[parent].row === 'with id' ? parent : undefined;
  });
  const noted = logged(world, merged, from);
  const link = { ...merged.link, rowKey: merged.link.rowKey ?? 'child', waiting };
  // Nothing is written where the column of a lookup that waited is null already; that it is none is Salesforce's doing from now on.
  if (kind === 'none' && fields.l === undefined) return { ...noted, link };
  if (kind === 'delete') return { ...noted, link, row: { ...world.row, deleted: true } };
  let row: Side = { ...world.row, deleted: false };
  const { l, x } = fields;
  if (x !== undefined) row = { ...row, x: String(x) };
  if (l !== undefined) {
    const by = change.fields.l === from.l ? from.by : kind === 'update' ? world.seenBy : world.row.by;
    row = { ...row, l: typeof l === 'string' ? l : null, by };
  }
  return { ...noted, link, row };
}

function logged(world: World, { link, conflicts }: Merged, from: Side): World {
  const { row } = world;
  const both = lineage(world, from.by) | lineage(world, row.by);
  let { kept, falseConflict } = world;
  // Both sides want the same.
  const mine = withWaiting(world.link, rowVersion(world))?.fields.l;
  if (link.base !== world.link.base && mine === from.l && from.by !== row.by) kept |= both;
  for (const { field, reason, salesforce } of conflicts) {
    if (field === 'x') continue;
    kept |= both;
    if (field === 'l' && salesforce !== from.l) kept |= lineage(world, world.seenBy);
    if (reason === 'both edited')
      falseConflict ||= succeeds(world, from.by, row.by) || succeeds(world, row.by, from.by);
  }
  return { ...world, kept, falseConflict, excuses: world.excuses + conflicts.length };
}

/** Whether the maker of one edit saw the other. */
function succeeds(world: World, one: number, other: number): boolean {
  return ((lineage(world, one) >> other) & 1) === 1;
}
