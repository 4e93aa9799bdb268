import { nextStep } from '../../../../../core/agreement/insertion.ts';
import { moves, RULES, type Rules } from './moves.ts';
import { closure, EMPTY, identity, idOf, mapping, rowVersion, type Scenario, type World } from './world.ts';

export type Violation =
  | 'two records of one row'
  | 'a record without a row'
  | 'a row without a record'
  | 'the sides differ'
  | 'an edit is lost'
  | 'a delete is undone'
  | 'writes without end';

/** More writes to Salesforce than anything here can ask for. */
const MOST_WRITES = 12;

/** What is wrong with a world. Most of it can only be judged in one in which nothing is on its way. */
export function violations(world: World): Violation[] {
  if (world.upserts > MOST_WRITES) return ['writes without end'];
  const live = world.records.flatMap((record, index) => (record.deleted ? [] : { ...record, id: idOf(index) }));
  const found = new Set<Violation>();
  if (live.length > 1) found.add('two records of one row');
  if (!isAtRest(world)) return [...found];
  for (const record of live) {
    const link = world.links.find(({ salesforceId }) => salesforceId === record.id);
    const row = world.rows[link?.rowKey ?? ''];
    if (row === undefined) found.add('a record without a row');
    else if (row.x !== record.x || row.y !== record.y || row.id !== record.id) found.add('the sides differ');
  }
  // Salesforce refuses a row when the move says so, or when a user has taken its key.
  const mayBeListed = world.used.refusals !== undefined || world.used.typed !== undefined;
  for (const [key, row] of Object.entries(world.rows)) {
    const isListed = mayBeListed && key === 'k' && world.insertion?.refused !== undefined;
    if (!isListed && !live.some(({ id }) => id === row.id)) found.add('a row without a record');
  }
  if (isAnyLost(world)) found.add('an edit is lost');
  if (isAnyDeleteUndone(world)) found.add('a delete is undone');
  return [...found];
}

function isAtRest({ insertion, step, queued, files, flights, records, links, rows }: World): boolean {
  const waits =
    insertion === undefined ||
    (!insertion.dirty &&
      insertion.push === undefined &&
      nextStep(mapping, { insertion, row: rowVersion(rows.k) }) === 'rest');
  const idle = step.at === 'idle' && !queued && files.length === 0 && flights.length === 0;
  const agreed = links.every(({ dirty, rereadDue }) => !dirty && !rereadDue);
  return waits && idle && agreed && records.every(({ unpolled }) => !unpolled);
}

/** An edit lives on in what is there, in what a delete saw, or in a conflict. */
function isAnyLost(world: World): boolean {
  const rows = Object.values(world.rows).map((row) => closure(world, row));
  const records = world.records.map((record) =>
    record.deleted ? (world.ancestors[record.life] ?? 0) : closure(world, record),
  );
  const gone = world.rows.k === undefined ? (world.ancestors[world.deletedBy] ?? 0) : 0;
  const living = [...rows, ...records, gone].reduce((all, each) => all | each, world.kept | 1);
  return world.ancestors.some((_, edit) => (living & (1 << edit)) === 0);
}

/** The row or the record lives that was deleted on the other side, and no conflict says why. */
function isAnyDeleteUndone({ records, rows, ancestors, kept, deletedBy }: World): boolean {
  const born = rows.k === undefined ? 0 : 1 << rows.k.life;
  const isKept = (edit: number) => (kept & (1 << edit)) !== 0;
  const before = ancestors[deletedBy] ?? 0;
  return records.some(({ deleted, life }, index) => {
    if (deleted) return !isKept(life) && ((ancestors[life] ?? 0) & born) !== 0;
    return rows.k?.id !== idOf(index) && !isKept(deletedBy) && (before & (1 << life)) !== 0;
  });
}

export interface Exploration {
  readonly worlds: number;
  /** The first history found for each kind of violation, which is a shortest one. */
  readonly violations: ReadonlyMap<Violation, readonly string[]>;
}

interface Visit {
  readonly world: World;
  readonly what: string;
  readonly from: Visit | undefined;
}

/** Every world that a scenario can lead to, breadth first. Throws RangeError when there are more than `limit`. */
export function exploreInsertions(
  scenario: Scenario,
  {
    rules = RULES,
    limit = 400_000,
    stopAtFirst = false,
  }: { rules?: Rules; limit?: number; stopAtFirst?: boolean } = {},
): Exploration {
  const seen = new Set([identity(EMPTY)]);
  const found = new Map<Violation, readonly string[]>();
  let layer: Visit[] = [{ world: EMPTY, what: 'start', from: undefined }];
  while (layer.length > 0) {
    const next: Visit[] = [];
    for (const visit of layer) {
      const bad = violations(visit.world);
      for (const violation of bad) if (!found.has(violation)) found.set(violation, history(visit));
      if (stopAtFirst && found.size > 0) return { worlds: seen.size, violations: found };
      if (bad.includes('writes without end')) continue;
      for (const { what, world } of moves(scenario, rules, visit.world)) {
        const id = identity(world);
        if (seen.has(id)) continue;
        if (seen.size >= limit) throw new RangeError(`More than ${limit} worlds: make the scenario smaller.`);
        seen.add(id);
        next.push({ world, what, from: visit });
      }
    }
    layer = next;
  }
  return { worlds: seen.size, violations: found };
}

function history(visit: Visit): string[] {
  const path: string[] = [];
  for (let place: Visit | undefined = visit; place !== undefined; place = place.from) path.unshift(place.what);
  return path;
}
