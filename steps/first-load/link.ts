/**
 * The first load of an object links the records and rows that belong together. There is no state besides the links
 * themselves: a run that was stopped is run again, and goes on where it was.
 */
import type { ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import { reasonCounts } from '../../core/contracts/rejects.ts';
import { adoptRows } from './adopt-rows.ts';
import type { FirstLoad, LoadReport } from './compare.ts';
import { linkSet, retrying, type SetResult } from './link-set.ts';
import { excludeRecords, markNewRows, pairsByKey, recordsToLink } from './plan.ts';

export interface LoadResult extends SetResult {
  /** Rows that got the id of a record, by their key. */
  readonly matched: number;
  /** Rows that are to become records. */
  readonly newRows: number;
}

/** Records in one set: what one call reads. */
const SET_RECORDS = 2000;

/**
 * Links what `compareSides` has found in this session: rows get the ids of their records first, all of them, so that
 * a file that arrives during the load finds them; then set by set the records are read and merged.
 */
export async function linkSides(load: FirstLoad, { counts }: LoadReport): Promise<LoadResult> {
  const { session, mapping } = load;
  const { byId, byKey, onlyInSalesforce } = counts.records;
  let matched = 0;
  let seen = 0;
  const refused: Reject[] = [];
  for await (const pairs of pages((after) => pairsByKey(session, after, SET_RECORDS), lastPair)) {
    const set = await retrying(() => adoptRows(load, pairs));
    const ids = set.refused.flatMap(({ salesforceId }) => salesforceId ?? []);
    if (ids.length > 0) await excludeRecords(session, ids);
    refused.push(...set.refused);
    matched += set.adopted;
    seen += pairs.length;
    load.progress('matching rows', seen, byKey);
  }
  const sets: SetResult[] = [];
  let done = 0;
  for await (const ids of pages((after) => recordsToLink(session, after, SET_RECORDS), lastId)) {
    sets.push(await linkSet(load, ids));
    done += ids.length;
    load.progress('linking records', done, byId + byKey + onlyInSalesforce);
  }
  const newRows = await markNewRows(session, mapping);
  const sum = (count: (set: SetResult) => number) => sets.reduce((total, set) => total + count(set), 0);
  return {
    matched,
    newRows,
    linked: sum((set) => set.linked),
    inserted: sum((set) => set.inserted),
    updated: sum((set) => set.updated),
    vanished: sum((set) => set.vanished),
    left: sum((set) => set.left),
    rejected: refused.length + sum((set) => set.rejected),
    reasons: addReasons([...reasonCounts(refused), ...sets.flatMap((set) => set.reasons)]),
    due: sets.at(-1)?.due === true || newRows > 0,
  };
}

async function* pages<T>(read: (after: string) => Promise<T[]>, last: (item: T) => string): AsyncGenerator<T[]> {
  for (let after = ''; ; ) {
    const page = await read(after);
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    after = last(end);
  }
}
const lastPair = ({ salesforceId }: { readonly salesforceId: string }) => salesforceId;
const lastId = (id: string) => id;

function addReasons(reasons: readonly ReasonCount[]): ReasonCount[] {
  const groups = Map.groupBy(reasons, ({ code, field, constraint }) => JSON.stringify([code, field, constraint]));
  return [...groups.values()]
    .flatMap((group) =>
      group.slice(0, 1).map((first) => ({ ...first, count: group.reduce((n, { count }) => n + count, 0) })),
    )
    .sort((a, b) => b.count - a.count);
}
