/** Writes link and row as a merge left them, and keeps what its conflicts say. */
import type { Link, RowVersion } from '../../../../../core/agreement/link.ts';
import type { Conflict } from '../../../../../core/agreement/merge.ts';
import { RAISE } from '../../../../../core/agreement/written.ts';
import { inColumn, inSalesforce, isEqual } from '../rounding/rounding.ts';
import { triggeredInPostgres } from './application.ts';
import { type Edits, lineage } from './edits.ts';
import type { Rules } from './rules.ts';
import { FIELDS, type Field, type Scenario } from './scenario.ts';
import { by, EMPTY, fieldsOf, type Side, type World, withValue } from './world.ts';

export interface Written {
  readonly link: Link;
  readonly row: RowVersion | undefined;
  readonly conflicts: readonly Conflict[];
}

/** `from`: what was merged. */
export function write(
  scenario: Scenario,
  edits: Edits,
  rules: Rules,
  world: World,
  merged: Written,
  from: Side,
): World {
  const before = world.row;
  // A merge makes a new base; what was only noted agrees on nothing.
  const agreed =
    merged.link.base === world.link.base
      ? world
      : { ...world, unmerged: false, logged: world.logged | agreements(scenario, world, from, merged.row) };
  const written = { ...logged(scenario, agreed, merged.conflicts, from), link: merged.link };
  const row = rowAfter(scenario, world, merged.row, from);
  const { rounds } = scenario;
  const isCoarser = !before.deleted && row.x !== before.x && row.x === inSalesforce(rounds, 'x', before.x);
  const after = { ...written, row, coarsened: world.coarsened || isCoarser };
  const raised = versioned(rules, world, after, merged);
  const wrote = after.row.x !== before.x || (before.deleted && !after.row.deleted);
  const triggered = triggeredInPostgres(scenario, edits, wrote ? '' : after.row.x, raised);
  if (triggered === raised || !rules.triggersForwarded) return triggered;
  return { ...triggered, link: { ...triggered.link, dirty: true } };
}

/** A write of sfsync raises the lock version, and the link remembers what it has replaced. */
function versioned(rules: Rules, { row }: World, after: World, { row: wanted }: Written): World {
  if (after.row.deleted || wanted === undefined) return after;
  const changed = row.deleted ? FIELDS : FIELDS.filter((field) => after.row[field] !== row[field]);
  if (changed.length === 0) return after;
  const lockVersion = after.lockVersion + RAISE;
  const before = row.deleted ? undefined : { fields: fieldsOf(row) };
  const written = { before, after: wanted, fields: changed };
  const link = rules.afterWrite(after.link, written, { lockVersion, touchedAt: undefined });
  return { ...after, lockVersion, link };
}

/** Whether PostgreSQL is asked to write the row, and so may refuse that. */
export function writesRow(world: World, { row }: Written): boolean {
  if (row === undefined || world.row.deleted) return (row === undefined) !== world.row.deleted;
  return FIELDS.some((field) => row.fields[field] !== world.row[field]);
}

function rowAfter({ rounds }: Scenario, world: World, now: RowVersion | undefined, from: Side): Side {
  const { row } = world;
  if (now === undefined) return row.deleted ? row : { ...row, life: from.life, deleted: true };
  let side: Side = row.deleted ? { ...row, life: from.life, deleted: false } : row;
  for (const field of FIELDS) {
    const value = inColumn(rounds, field, String(now.fields[field] ?? EMPTY));
    if (value === row[field] && !row.deleted) continue;
    const restored = field === 'x' ? world.seenX : world.seenY;
    side = withValue(side, field, value, value === inColumn(rounds, field, from[field]) ? by(from, field) : restored);
  }
  return side;
}

function logged(scenario: Scenario, world: World, conflicts: readonly Conflict[], from: Side): World {
  const { row } = world;
  let { logged, falseConflict, needlessConflict } = world;
  for (const conflict of conflicts) {
    const { field, salesforce, postgres } = conflict;
    if (field !== 'x' && field !== 'y') {
      logged |= ofRecord(world, salesforce, from) | ofRecord(world, postgres, row);
      continue;
    }
    const theirs = (salesforce ?? EMPTY) === from[field] ? by(from, field) : field === 'x' ? world.seenX : world.seenY;
    const mine = by(row, field);
    logged |= lineage(world, theirs) | lineage(world, mine);
    if (conflict.reason === 'both edited') falseConflict ||= contains(world, theirs, mine);
    needlessConflict ||= field === 'x' && scenario.direction !== undefined;
  }
  const excuses = world.excuses + conflicts.length;
  return { ...world, logged, falseConflict, needlessConflict, excuses };
}

/** Edits that want the same on both sides: each has got it, unless the row becomes something else. */
function agreements({ rounds }: Scenario, world: World, from: Side, after: RowVersion | undefined): number {
  const { row } = world;
  // Our delete may still be on its way when a user's is found.
  const bothDeleted = from.deleted && (row.deleted || world.link.push?.sentDeleted === true);
  if (bothDeleted) return lineage(world, from.life) | lineage(world, row.life);
  if (from.deleted || row.deleted) return 0;
  const stays = (field: Field) => after === undefined || after.fields[field] === row[field];
  const same = FIELDS.filter((field) => isEqual(rounds, field, from[field], row[field]) && stays(field));
  return same.reduce((all, field) => all | differing(world, by(from, field), by(row, field)), 0);
}

function differing(world: World, one: number, other: number): number {
  return one === other ? 0 : lineage(world, one) | lineage(world, other);
}

function ofRecord(world: World, state: Conflict['postgres'], side: Side): number {
  const record = typeof state === 'object' && state !== null && 'fields' in state ? state.fields : {};
  const shown = FIELDS.filter((field: Field) => record[field] !== undefined);
  return shown.reduce((all, field) => all | lineage(world, by(side, field)), lineage(world, side.life));
}

/** Whether one of two values was made by a maker who had seen the other. */
function contains(world: World, one: number, other: number): boolean {
  return Boolean(((lineage(world, one) >> other) | (lineage(world, other) >> one)) & 1);
}
