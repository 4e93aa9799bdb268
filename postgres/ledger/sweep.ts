/** What a sweep asks of the links, and the state that it keeps. Reads without locks: revisions protect what follows. */
import { z } from 'zod';
import type { Known, SweptLink } from '../../core/agreement/sweep.ts';
import { UNREAD_CODES } from '../../core/contracts/rejects.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { byIndex } from '../session/by-index.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { IN_ORDER } from './links.ts';

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

const knownRow = z
  .object({
    id: z.string(),
    revision: z.string().transform(Number).nullable(),
    high_water: z.date().nullable(),
    deleted: z.boolean().nullable(),
    base: z.record(z.string(), z.union([z.string(), z.boolean(), z.null()])).nullish(),
    busy: z.boolean().nullable(),
    rejected: z.boolean(),
  })
  .transform(({ id, revision, high_water, deleted, base, busy, rejected }): [string, Known] => {
    const link: SweptLink | undefined =
      revision === null
        ? undefined
        : {
            revision,
            highWater: high_water?.getTime(),
            deleted: deleted ?? undefined,
            base: base ?? undefined,
            busy: busy === true,
          };
    return [id, { link, rejected }];
  });

const UNREAD = UNREAD_CODES.map((code) => `'${code}'`).join(', ');
const LINK = `l.revision::text, l.high_water, case when l.base is not null then l.base_deleted end as deleted,
  l.push_id is not null or l.reread_due as busy`;
// What the row has to send may be held back only because a read showed nothing: that is listed towards Salesforce, and no value
// need differ.
// No `exists`, for which the planner might read all rejects.
const REJECTED = `coalesce((select true from sfsync.rejected_record r
  where r.object = $1 and (r.direction = 'to-postgres' or r.code in (${UNREAD})) and r.resolved_at is null and r.salesforce_id = `;

/** What is known of records, also of those without a link. */
export async function knownRecords(
  session: Session,
  object: string,
  ids: readonly string[],
): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (let first = 0; first < ids.length; first += SET_RECORDS) {
    const sql = `select x.id, ${LINK}, l.base, ${REJECTED} x.id limit 1), false) as rejected
         from unnest($2::text[]) as x (id) left join sfsync.link l on l.object = $1 and l.salesforce_id = x.id`;
    const part = ids.slice(first, first + SET_RECORDS);
    const { rows } = await byIndex(session, () => query(session, sql, [object, part]));
    for (const row of rows) known.set(...knownRow.parse(row));
  }
  return known;
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

/** Links of an object that were gone through, and those of live records among them that were not listed. */
export interface UnlistedPage {
  readonly looked: number;
  readonly unlisted: ReadonlyMap<string, Known>;
  /** The id of the last link; undefined: that was all. */
  readonly last: string | undefined;
}

/** Goes through the next links after the id `after`, up to `limit`: of so many records mostly none was left out. */
export function unlistedRecords(
  session: Session,
  object: string,
  execution: string,
  place: LinkPlace,
): Promise<UnlistedPage> {
  return byIndex(session, () => readUnlisted(session, object, execution, place));
}

interface LinkPlace {
  readonly after: string | undefined;
  readonly limit: number;
}

async function readUnlisted(
  session: Session,
  object: string,
  execution: string,
  { after, limit }: LinkPlace,
): Promise<UnlistedPage> {
  const { rows: ends } = await query<{ last: string | null; looked: number }>(
    session,
    `select max(salesforce_id) as last, count(*)::int as looked
       from (select l.salesforce_id from sfsync.link l
              where ${IN_ORDER} and l.salesforce_id > $2 order by l.salesforce_id limit $3) page`,
    [object, after ?? '', limit],
  );
  const { last, looked } = ends[0] ?? { last: null, looked: 0 };
  if (last === null) return { looked: 0, unlisted: new Map(), last: undefined };
  const { rows } = await query(
    session,
    `select l.salesforce_id as id, ${LINK}, ${REJECTED} l.salesforce_id limit 1), false) as rejected
       from sfsync.link l
      where ${IN_ORDER} and l.salesforce_id > $3 and l.salesforce_id <= $4 and not l.base_deleted
        and (select true from sfsync.sweep_listed s
              where s.object = $1 and s.execution = $2 and s.salesforce_id = l.salesforce_id limit 1) is null
      order by l.salesforce_id`,
    [object, execution, after ?? '', last],
  );
  const unlisted = new Map(rows.map((row) => knownRow.parse(row)));
  return { looked, unlisted, last: looked < limit ? undefined : last };
}
