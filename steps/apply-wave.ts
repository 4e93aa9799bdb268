/** Applies records in waves, in which none occurs twice, and these in sets; a record that the database refuses is left out alone. */
import { isCollision } from '../core/error-classification.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import { inSavepoint } from '../postgres/session/savepoint.ts';
import { RowRefusedError } from '../postgres/session/server-errors.ts';
import { rowsStandAlone } from '../postgres/tables/table-columns.ts';
import type { Item, JudgedRecord, ReadSet, RefusedItem, Rule, SetResult } from './apply-set.ts';
import { judgeSet, readSet, writeSet } from './apply-set.ts';
import { bisectRecords } from './pairs/collisions.ts';
import type { StepContext } from './step.ts';

/**
 * Records in one set: its dozen statements cost a round trip each, and its parameters are some megabytes. Two or three
 * sets are in memory at a time. The first is small, for the server has nothing to do while it is judged.
 */
const SET_RECORDS = 4000;
const FIRST_SET_RECORDS = 500;
/** Records that may exchange values are tried together. */
const COLLIDED_RECORDS = 20_000;

type RefuseItem = (item: Item, error: RejectedRecordError) => void;

/**
 * Parts in which no record occurs twice, in the order of the input for each record. They are in the order of ids: so that
 * two executions that make links and rows for the same new records wait for each other and do not lock each other out.
 */
export function waves(items: readonly Item[]): Item[][] {
  const found: Item[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const wave = seen.get(item.version.id) ?? 0;
    seen.set(item.version.id, wave + 1);
    found[wave] ??= [];
    found[wave].push(item);
  }
  for (const wave of found) wave.sort((a, b) => (a.version.id < b.version.id ? -1 : 1));
  return found;
}

function inSets(wave: readonly Item[]): (readonly Item[])[] {
  const sets = [wave.slice(0, FIRST_SET_RECORDS)];
  for (let start = FIRST_SET_RECORDS; start < wave.length; start += SET_RECORDS) {
    sets.push(wave.slice(start, start + SET_RECORDS));
  }
  return sets;
}

/**
 * Applies a wave set by set. The next set is read before this one is written, and judged while it is being written, so
 * that the server and this process work at the same time. (Not where a write to one row may change another one of the table, or
 * which row a record belongs to.)
 */
export async function applyWave(
  context: StepContext,
  wave: readonly Item[],
  rule: Rule,
  refuse: RefuseItem,
): Promise<SetResult[]> {
  const { session, mapping } = context;
  const isFixed = mapping.matchBy === undefined && (await rowsStandAlone(session, mapping));
  const results: SetResult[] = [];
  let ahead: ReadSet | undefined;
  let judged: JudgedRecord[] | undefined;
  const sets = inSets(wave);
  const size = sets.length === 1 ? 'whole wave' : 'one of several';
  for (const [i, set] of sets.entries()) {
    const { records, refused } = ahead ?? (await readSet(context, set, 'at once'));
    for (const { item, error } of refused) refuse(item, error);
    const left = withoutRefused(set, refused);
    judged ??= await judgeSet(mapping, records, rule);
    const next = isFixed ? sets[i + 1] : undefined;
    ahead = next && (await readSet(context, next, 'at once'));
    const writing = writeOrBisect(context, left, judged, rule, refuse, size);
    const judging = ahead && judgeSet(mapping, ahead.records, rule);
    // Both have to end before an error leaves: a statement that came after the rollback would stand for itself.
    await Promise.allSettled([writing, judging]);
    const written = await writing;
    for (const { item, error } of written.flatMap((part) => part.refused)) refuse(item, error);
    results.push(...written);
    judged = await judging;
  }
  return results;
}

function withoutRefused(set: readonly Item[], refused: readonly RefusedItem[]): readonly Item[] {
  const out = new Set(refused.map(({ item }) => item));
  return out.size === 0 ? set : set.filter((item) => !out.has(item));
}

/** Writes the set; when one of its rows is refused, or another execution makes the same links, part by part. */
async function writeOrBisect(
  context: StepContext,
  set: readonly Item[],
  judged: readonly JudgedRecord[],
  rule: Rule,
  refuse: RefuseItem,
  size: 'whole wave' | 'one of several',
): Promise<SetResult[]> {
  const { session } = context;
  const whole = await inSavepoint(session, () => writeSet(context, judged, set));
  if (!(whole instanceof RowRefusedError)) return [whole.result];
  // Its records may exchange values with those of other sets: they are tried once all are written.
  if (size === 'one of several' && isCollision(whole.code)) {
    for (const item of set) refuse(item, whole);
    return [];
  }
  return writeParts(context, set, rule, refuse);
}

async function writeParts(
  context: StepContext,
  set: readonly Item[],
  rule: Rule,
  refuse: RefuseItem,
): Promise<SetResult[]> {
  const work = async (part: readonly Item[]) => {
    const { records, refused } = await readSet(context, part, 'claimed');
    const judged = await judgeSet(context.mapping, records, rule);
    return { result: await writeSet(context, judged, withoutRefused(part, refused)), refused };
  };
  const parts = await bisectRecords(context.session, set, ({ version }) => version.id, work, refuse);
  for (const { item, error } of parts.flatMap(({ refused }) => refused)) refuse(item, error);
  return parts.map(({ result }) => result);
}

/**
 * Records that were refused because of a value that another row had: by now that one may have given it up, be it in another set. Tried
 * together, as long as some of them go through.
 */
export async function applyCollided(
  context: StepContext,
  items: readonly Item[],
  rule: Rule,
  refuse: RefuseItem,
): Promise<SetResult[]> {
  const results: SetResult[] = [];
  let left = items;
  for (;;) {
    const refused: Parameters<RefuseItem>[] = [];
    for (let first = 0; first < left.length; first += COLLIDED_RECORDS) {
      const set = left.slice(first, first + COLLIDED_RECORDS);
      results.push(...(await writeParts(context, set, rule, (...each) => void refused.push(each))));
    }
    if (refused.length === 0) return results;
    if (refused.length === left.length) {
      for (const each of refused) refuse(...each);
      return results;
    }
    left = refused.map(([item]) => item);
  }
}
