/**
 * Fields that are new in the mapping, back in it, or mean something else than before: `sfsync.mapped_column.joining`. All links of
 * their object are gone through once, part by part, and the place is kept with what was done: a part is one transaction.
 */
import type pg from 'pg';
import { query, type Session } from '../session/connection.ts';
import { hasTable } from '../session/names.ts';
import { IN_ORDER } from './links.ts';
import { markLinksDue } from './mark-due.ts';
import { renameInLinks } from './renamed-fields.ts';

/**
 * forgetting: what both sides agreed on is taken out of the links, and the field is left out as long; then it is lacking. renaming: that is
 * put under the field's new name (renamed-fields.ts), and the field is left out as long; then all records are read. lacking:
 * records whose link lacks the field are read. all: all records are read, for both sides may have edited the field.
 */
export type Joining = 'forgetting' | 'renaming' | 'lacking' | 'all';

/** Links that are gone through in one transaction. */
const PART_LINKS = 5_000;

/** The fields join from the first link on; one of which the links have to forget or to rename something does that first. */
export async function beginJoin(
  session: Session,
  object: string,
  fields: readonly string[],
  joining: Joining,
): Promise<void> {
  await query(
    session,
    `update sfsync.mapped_column
        set joining = case when joining in ('forgetting', 'renaming') then joining else $3 end, join_after = null, join_records = 0, left_at = null
      where object = $1 and field = any ($2::text[])`,
    [object, fields, joining],
  );
}

export interface JoinedField {
  readonly field: string;
  /** Records that were read for its sake. */
  readonly records: number;
}

export interface JoinPart {
  /** Nothing was left to go through. */
  readonly isDone: boolean;
  /** Links that are due now. */
  readonly marked: number;
}

interface Place {
  readonly field: string;
  readonly joining: Joining;
  readonly after: string | null;
  readonly former: string | null;
}

/** Goes through the next links, for the sake of all fields that have come as far. In the caller's transaction. */
export async function joinPart(session: Session, object: string, fields: readonly string[]): Promise<JoinPart> {
  const { rows } = await query<Place>(
    session,
    `select k.field, k.joining, k.join_after as after, k.formerly as former from sfsync.mapped_column k
      where k.object = $1 and k.field = any ($2::text[]) and k.joining in ('forgetting', 'renaming', 'lacking', 'all')
        and k.vanished_at is null and k.left_at is null
        and (k.joining <> 'renaming' or not exists (
          select from sfsync.drift d where d.object = k.object and d.field = k.field and d.closed_at is null))
      order by k.field for update of k`,
    [object, fields],
  );
  const [first] = rows;
  if (first === undefined) return { isDone: true, marked: 0 };
  const { joining, after, former } = first;
  const isAsFar = (each: Place) => each.joining === joining && each.after === after;
  const together = joining === 'renaming' ? [first.field] : rows.filter(isAsFar).map(({ field }) => field);
  const last = await lastOfPart(session, object, after);
  const part = { object, fields: together, former, after: after ?? '', last: last ?? '' };
  const marked = last === undefined ? 0 : await workOn(session, joining, part);
  await query(
    session,
    `update sfsync.mapped_column
        set join_after = $3::text, join_records = join_records + $4,
            joining = case when $3::text is not null then joining
                           when joining = 'forgetting' then 'lacking' when joining = 'renaming' then 'all'
                           when join_records + $4 > 0 then 'told' end
      where object = $1 and field = any ($2::text[])`,
    [object, together, last ?? null, marked],
  );
  return { isDone: false, marked };
}

async function lastOfPart(session: Session, object: string, after: string | null): Promise<string | undefined> {
  const { rows } = await query<{ last: string | null }>(
    session,
    `select max(id) as last from (
       select l.salesforce_id as id from sfsync.link l
        where ${IN_ORDER} and l.salesforce_id > $2 order by l.salesforce_id limit ${PART_LINKS}) part`,
    [object, after ?? ''],
  );
  return rows[0]?.last ?? undefined;
}

interface Part {
  readonly object: string;
  readonly fields: readonly string[];
  readonly former: string | null;
  readonly after: string;
  readonly last: string;
}

/** Answers how many links are due now. */
async function workOn(session: Session, joining: Joining, part: Part): Promise<number> {
  const { object, fields, former, after, last } = part;
  const [field = ''] = fields;
  if (joining === 'renaming') {
    if (former !== null) await renameInLinks(session, object, { field, former }, part);
    return 0;
  }
  const inPart = 'l.salesforce_id > $2 and l.salesforce_id <= $3 and l.base is not null';
  if (joining === 'forgetting') {
    await query(
      session,
      `with known as (select l.id from sfsync.link l where l.object = $1 and ${inPart} order by l.salesforce_id for update of l)
       update sfsync.link l
          set base = (select coalesce(json_object_agg(e.key, e.value), '{}') from json_each(l.base) e where e.key <> all ($4::text[])),
              revision = l.revision + 1
         from known where l.id = known.id`,
      [object, after, last, fields],
    );
    return 0;
  }
  const lacks = 'exists (select from unnest($4::text[]) as f (name) where (l.base -> f.name) is null)';
  const wanted = joining === 'all' ? '$4::text[] is not null' : lacks;
  const where = `${inPart} and not l.base_deleted and not l.reread_due and ${wanted}`;
  return markLinksDue(session, object, { where, values: [after, last, fields] }, 'read again');
}

/** Fields that have joined and were not reported yet; they count as reported now. */
export async function takeJoined(session: Session, object: string): Promise<JoinedField[]> {
  const { rows } = await query<JoinedField>(
    session,
    `update sfsync.mapped_column set joining = null where object = $1 and joining = 'told'
     returning field, join_records::float8 as records`,
    [object],
  );
  return rows.sort((a, b) => (a.field < b.field ? -1 : 1));
}

export interface ListedJoin extends JoinedField {
  readonly object: string;
}

/** Fields that are joining, for operators. */
export async function listJoins(session: pg.ClientBase): Promise<readonly ListedJoin[]> {
  if (!(await hasTable(session, 'mapped_object'))) return [];
  const { rows } = await query<ListedJoin>(
    session,
    `select object, field, join_records::float8 as records from sfsync.mapped_column
      where joining in ('forgetting', 'renaming', 'lacking', 'all') and left_at is null order by 1, 2`,
  );
  return rows;
}
