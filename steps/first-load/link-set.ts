/** One set of the first load: what one call reads. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import { RetryableError } from '../../core/errors.ts';
import type { ReadRecord } from '../../core/mapping/salesforce-record.ts';
import { applyRereads } from '../apply.ts';
import { readFresh } from '../read-records.ts';
import { claimRecords, giveBackClaims } from './claims.ts';
import type { FirstLoad } from './compare.ts';

/** Reads of a record that meet another revision each time. */
const READS = 3;

export interface SetResult {
  /** Pairs that were merged for the first time; `inserted` and `updated` say how many of the rows that has changed. */
  readonly linked: number;
  readonly inserted: number;
  readonly updated: number;
  /** Deleted in Salesforce since they were compared. */
  readonly vanished: number;
  /** Changed again and again while they were read; the next run takes them. */
  readonly left: number;
  readonly rejected: number;
  readonly reasons: readonly ReasonCount[];
  /** Rows that keep something which Salesforce does not have, so that it goes there next. */
  readonly due: boolean;
}

/** Reads and merges a set, up to three times where links change while it is read. */
export async function linkSet(load: FirstLoad, ids: readonly string[]): Promise<SetResult> {
  const { session, mapping } = load;
  const rounds: Round[] = [];
  let wanted = ids;
  for (let read = 0; read < READS && wanted.length > 0; read++) {
    const round = await retrying(() => linkOnce(load, wanted));
    rounds.push(round);
    wanted = round.again;
  }
  await giveBackClaims(session, mapping.object, ids);
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
  const { session, connection, mapping, execution } = load;
  const { claims, claimedAt } = await claimRecords(session, mapping.object, ids);
  const free = ids.filter((id) => claims.get(id)?.linked === false);
  const { byId, types } = await readFresh(connection, mapping, { ids: free });
  const lines = free.flatMap((id) => {
    const { version, unusable }: Partial<ReadRecord> = byId.records.get(id) ?? {};
    const revision = claims.get(id)?.revision ?? 0;
    // Deleted and never linked: nothing to do.
    const isThere = unusable !== undefined || version?.deleted === false;
    return isThere
      ? [{ id, revision, version, rejected: unusable, without: byId.without, types, org: connection.organizationId }]
      : [];
  });
  const there = new Set(lines.map(({ id }) => id));
  const vanished = free.filter((id) => !there.has(id)).length;
  const applied = await applyRereads(load, execution, lines, claimedAt);
  return { applied, vanished, again: applied.toRead.map(({ id }) => id) };
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;

/** Tries a set again: after locks of others, a busy origin, a network that was away for seconds. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RetryableError) || attempt === ATTEMPTS) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}
