/**
 * The first load of an object: compares an org and a database that both have data, and links what belongs together. There
 * is no state besides the links themselves: a run that was stopped is run again, and goes on where it was.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { AmbiguousKey, LoadCounts } from '../core/agreement/first-load.ts';
import type { ReasonCount } from '../core/contracts/inbound-tasks.ts';
import { RetryableError } from '../core/errors.ts';
import type { ObjectMapping, SyncConfiguration } from '../core/mapping/configuration.ts';
import { misfitsOf, withoutFieldsOf } from '../core/mapping/salesforce-record.ts';
import { changedFields } from '../core/mapping/type-drift.ts';
import type { Reject } from '../postgres/ledger/rejects.ts';
import type { Session } from '../postgres/session/connection.ts';
import type { SalesforceConnection } from '../salesforce/connection.ts';
import { missingFields, withKnownFields } from '../salesforce/known-fields.ts';
import { readRecords } from '../salesforce/read.ts';
import { countRecords, readRecordKeys } from '../salesforce/record-keys.ts';
import { askTypes } from '../salesforce/type-check.ts';
import { applyRereads, reasonCounts } from '../steps/apply.ts';
import { adoptRows, claimRecords, releaseClaims } from '../steps/first-load/first-load-links.ts';
import {
  beginLoad,
  compareStored,
  countPlaces,
  excludeRecords,
  listAmbiguous,
  markNewRows,
  pairsByKey,
  recordsToLink,
  storeRecords,
  storeRows,
  unlinkedParents,
} from '../steps/first-load/first-load-plan.ts';

export interface FirstLoad {
  /** Of a role that may write the mapped tables; it keeps temporary tables. */
  readonly session: Session;
  readonly connection: SalesforceConnection;
  readonly configuration: SyncConfiguration;
  readonly mapping: ObjectMapping;
  /** `all` is what was counted when the step began. */
  progress(step: string, done: number, all: number): void;
}

export interface LoadReport {
  readonly object: string;
  /** The field by which records and rows were matched. */
  readonly matchBy: string | undefined;
  /** Rows that belong to no record become records. */
  readonly inserts: boolean;
  readonly counts: LoadCounts;
  /** The first thousand. */
  readonly ambiguous: readonly AmbiguousKey[];
  /** Objects that should be loaded first: until then the lookups to them are empty. */
  readonly parentsToLoad: readonly string[];
}

export interface LoadResult {
  /** Rows that got the id of a record, by their key. */
  readonly matched: number;
  /** Pairs that were merged for the first time; `inserted` and `updated` say how many of the rows that has changed. */
  readonly linked: number;
  readonly inserted: number;
  readonly updated: number;
  /** Rows that are to become records. */
  readonly newRows: number;
  /** Deleted in Salesforce since they were compared. */
  readonly vanished: number;
  /** Changed again and again while they were read; the next run takes them. */
  readonly left: number;
  readonly rejected: number;
  readonly reasons: readonly ReasonCount[];
  /** Rows that keep something which Salesforce does not have, so that it goes there next. */
  readonly due: boolean;
}

/** Records in one set: what one call reads. */
const SET_RECORDS = 2000;
const MAX_LISTED = 1000;
/** Reads of a record that meet another revision each time. */
const READS = 3;

/** Compares both sides and keeps what was found in the session, for `linkSides`. Writes nothing else. */
export async function compareSides(load: FirstLoad): Promise<LoadReport> {
  const { session, connection, mapping } = load;
  const all = await countRecords(connection, mapping.object);
  await beginLoad(session);
  let read = 0;
  for await (const records of readRecordKeys(connection, mapping, all)) {
    await storeRecords(session, records);
    read += records.length;
    load.progress('reading records', read, all);
  }
  await storeRows(session, mapping, (rows) => load.progress('reading rows', rows, rows));
  await compareStored(session, mapping.object);
  return {
    object: mapping.object,
    matchBy: mapping.matchBy?.field,
    inserts: mapping.externalIdField !== undefined,
    counts: await countPlaces(session),
    ambiguous: await listAmbiguous(session, MAX_LISTED),
    parentsToLoad: await unlinkedParents(session, mapping),
  };
}

/**
 * Links what `compareSides` has found in this session: rows get the ids of their records first, all of them, so that
 * whatever arrives meanwhile finds them; then set by set the records are read and merged.
 */
export async function linkSides(load: FirstLoad, { counts }: LoadReport): Promise<LoadResult> {
  const { session, configuration, mapping } = load;
  const context = { session, configuration, mapping, execution: SOURCE };
  const { byId, byKey, onlyInSalesforce } = counts.records;
  let matched = 0;
  let seen = 0;
  const refused: Reject[] = [];
  for await (const pairs of pages((after) => pairsByKey(session, after, SET_RECORDS), lastPair)) {
    const set = await retrying(() => adoptRows(context, pairs));
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

type SetResult = Omit<LoadResult, 'matched' | 'newRows'>;

async function linkSet(load: FirstLoad, ids: readonly string[]): Promise<SetResult> {
  const { session, mapping } = load;
  const rounds: Round[] = [];
  let wanted = ids;
  for (let read = 0; read < READS && wanted.length > 0; read++) {
    const round = await retrying(() => linkOnce(load, wanted));
    rounds.push(round);
    wanted = round.again;
  }
  await releaseClaims(session, mapping.object, ids);
  const sum = (count: (round: Round) => number) => rounds.reduce((total, round) => total + count(round), 0);
  return {
    linked: sum(({ applied }) => applied.inserted + applied.updated + applied.unchanged),
    inserted: sum(({ applied }) => applied.inserted),
    updated: sum(({ applied }) => applied.updated),
    vanished: sum(({ vanished }) => vanished),
    left: wanted.length,
    rejected: sum(({ applied }) => applied.rejected),
    reasons: rounds.flatMap(({ applied }) => applied.reasons),
    due: rounds.at(-1)?.applied.due === true,
  };
}

interface Round {
  readonly applied: Awaited<ReturnType<typeof applyRereads>>;
  readonly vanished: number;
  readonly again: readonly string[];
}

/** One fresh read of the records that are not linked yet, merged where no link has changed since. */
async function linkOnce(load: FirstLoad, ids: readonly string[]): Promise<Round> {
  const { session, connection, configuration, mapping } = load;
  const { claims, claimedAt } = await claimRecords(session, mapping.object, ids);
  const free = ids.filter((id) => claims.get(id)?.linked === false);
  const found = await withKnownFields(connection, mapping, async (known) => ({
    records: await readRecords(connection, known, free),
    without: missingFields(mapping, known),
  }));
  const types = await askTypes(connection, mapping, misfitsOf(found.records.values()));
  const changed = changedFields(types);
  const lines = free.flatMap((id) => {
    const record = found.records.get(id);
    const { version, unusable } = record === undefined ? {} : withoutFieldsOf(record, changed);
    const revision = claims.get(id)?.revision ?? 0;
    // Deleted and never linked: nothing to do.
    const isThere = unusable !== undefined || version?.deleted === false;
    return isThere ? [{ id, revision, version, rejected: unusable, without: found.without, types }] : [];
  });
  const context = { session, configuration, mapping, execution: SOURCE };
  const applied = await applyRereads(context, SOURCE, lines, claimedAt);
  return { applied, vanished: free.length - lines.length, again: applied.toRead.map(({ id }) => id) };
}

/** What stands in the rejects in place of a file's key. */
const SOURCE = 'sfsync load';

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;

/** A set is the unit that is tried again: locks of others, a busy origin, a network that was away for seconds. */
async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RetryableError) || attempt === ATTEMPTS) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}

function addReasons(reasons: readonly ReasonCount[]): ReasonCount[] {
  const groups = Map.groupBy(reasons, ({ code, field }) => `${code} ${field ?? ''}`);
  return [...groups.values()]
    .flatMap((group) =>
      group.slice(0, 1).map((first) => ({ ...first, count: group.reduce((n, { count }) => n + count, 0) })),
    )
    .sort((a, b) => b.count - a.count);
}
