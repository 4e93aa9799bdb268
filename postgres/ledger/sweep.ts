/** What a sweep asks of the links, and the state that it keeps. Reads without locks: revisions guard what follows. */
import { z } from 'zod';
import type { Instant } from '../../core/agreement/link.ts';
import type { Finding, Known, ListedRecord, LoggedDelete, SweptLink } from '../../core/agreement/sweep.ts';
import { findDeleted, findListed, findUnlisted } from '../../core/agreement/sweep.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';

/** A record that has to be read, and the revision that its link had when this was found. */
export interface Found {
  readonly id: string;
  /** 0: it has no link. */
  readonly revision: number;
  readonly finding: Finding;
  readonly deletedAt: Instant | undefined;
}

/** Ids in one statement. */
const SET_RECORDS = 10_000;

/** Everything stamped before this moment was compared once; undefined: no sweep has come to its end. */
export async function sweptUntil(session: Session, object: string): Promise<Instant | undefined> {
  const { rows } = await query<{ swept_until: Date | null }>(
    session,
    'select swept_until from sfsync.sweep where object = $1',
    [object],
  );
  return rows[0]?.swept_until?.getTime();
}

export async function saveSweptUntil(session: Session, object: string, until: Instant): Promise<void> {
  await query(
    session,
    `insert into sfsync.sweep as s (object, swept_until) values ($1, to_timestamp($2))
     on conflict (object) do update set swept_until = greatest(s.swept_until, excluded.swept_until)`,
    [object, until / 1000],
  );
}

/** Compares listed records with their links. */
export async function compareListed(
  session: Session,
  object: string,
  listed: readonly ListedRecord[],
  missedBefore: Instant,
): Promise<Found[]> {
  return compare(session, object, listed, (record, known) => findListed(record, known, missedBefore));
}

/** Compares entries of the delete log with their links. */
export async function compareDeleted(
  session: Session,
  object: string,
  entries: readonly LoggedDelete[],
  missedBefore: Instant,
): Promise<Found[]> {
  return compare(session, object, entries, (entry, known) => findDeleted(entry, known, missedBefore));
}

async function compare<Item extends { readonly id: string; readonly deletedAt?: Instant }>(
  session: Session,
  object: string,
  items: readonly Item[],
  find: (item: Item, known: Known) => Finding | undefined,
): Promise<Found[]> {
  const found: Found[] = [];
  for (let first = 0; first < items.length; first += SET_RECORDS) {
    const set = items.slice(first, first + SET_RECORDS);
    const known = await knownOf(
      session,
      object,
      set.map(({ id }) => id),
    );
    for (const item of set) {
      const each = known.get(item.id) ?? { link: undefined, rejected: false };
      const finding = find(item, each);
      const revision = each.link?.revision ?? 0;
      if (finding !== undefined) found.push({ id: item.id, revision, finding, deletedAt: item.deletedAt });
    }
  }
  return found;
}

const knownRow = z
  .object({
    id: z.string(),
    revision: z.string().transform(Number).nullable(),
    high_water: z.date().nullable(),
    deleted: z.boolean().nullable(),
    in_hand: z.boolean().nullable(),
    rejected: z.boolean(),
  })
  .transform(({ id, revision, high_water, deleted, in_hand, rejected }): [string, Known] => {
    const link: SweptLink | undefined =
      revision === null
        ? undefined
        : {
            revision,
            highWater: high_water?.getTime(),
            deleted: deleted ?? undefined,
            inHand: in_hand === true,
          };
    return [id, { link, rejected }];
  });

const LINK = `l.revision::text, l.high_water, case when l.base is not null then l.base_deleted end as deleted,
  l.push_id is not null or l.reread_due as in_hand`;
const REJECTED = `exists (select from sfsync.rejected_record r
  where r.object = $1 and r.direction = 'to-postgres' and r.resolved_at is null and r.salesforce_id = `;

async function knownOf(session: Session, object: string, ids: readonly string[]): Promise<Map<string, Known>> {
  const { rows } = await query(
    session,
    `select x.id, ${LINK}, ${REJECTED} x.id) as rejected
       from unnest($2::text[]) as x (id) left join sfsync.link l on l.object = $1 and l.salesforce_id = x.id`,
    [object, ids],
  );
  return new Map(rows.map((row) => knownRow.parse(row)));
}

/** Remembers what a full sweep was shown; doing it twice is harmless. */
export async function rememberListed(
  session: Session,
  object: string,
  execution: string,
  ids: readonly string[],
): Promise<void> {
  for (let first = 0; first < ids.length; first += SET_RECORDS) {
    await query(
      session,
      `insert into sfsync.sweep_listed (object, execution, salesforce_id)
       select $1, $2, id from unnest($3::text[]) as x (id) on conflict do nothing`,
      [object, execution, ids.slice(first, first + SET_RECORDS)],
    );
  }
}

/** Forgets what full sweeps of the object were shown: at its end, and what earlier ones left that never came to theirs. */
export async function forgetListed(session: Session, object: string): Promise<void> {
  await query(session, 'delete from sfsync.sweep_listed where object = $1', [object]);
}

export interface UnlistedPart {
  readonly compared: number;
  readonly found: readonly Found[];
  /** The last id that was looked at; undefined: that was all. */
  readonly after: string | undefined;
}

/** Links of live records that were not listed, up to `limit` of them after the id `after`. */
export async function compareUnlisted(
  session: Session,
  object: string,
  execution: string,
  place: { readonly after: string | undefined; readonly limit: number; readonly missedBefore: Instant },
): Promise<UnlistedPart> {
  const { rows } = await query(
    session,
    `select l.salesforce_id as id, ${LINK}, ${REJECTED} l.salesforce_id) as rejected
       from sfsync.link l
      where l.object = $1 and l.salesforce_id > $3 and not l.base_deleted
        and not exists (select from sfsync.sweep_listed s
                         where s.object = $1 and s.execution = $2 and s.salesforce_id = l.salesforce_id)
      order by l.salesforce_id limit $4`,
    [object, execution, place.after ?? '', place.limit],
  );
  const unlisted = rows.map((row) => knownRow.parse(row));
  const found = unlisted.flatMap(([id, known]): Found[] => {
    const finding = findUnlisted(known, place.missedBefore);
    return finding === undefined ? [] : [{ id, revision: known.link?.revision ?? 0, finding, deletedAt: undefined }];
  });
  const after = rows.length < place.limit ? undefined : unlisted.at(-1)?.[0];
  return { compared: rows.length, found, after };
}
