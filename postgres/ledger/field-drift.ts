/**
 * `sfsync.drift`: the fields of the mapping that are left out because Salesforce no longer tells them, or because their type
 * there is another one now. Each is told to people once, and asked about again until it fits.
 */
import { fromPostgres } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { inTransaction, query, type Session } from '../session/connection.ts';
import { claimLinks } from './links.ts';
import { markInsertionsDue, markLinksDue } from './mark-due.ts';
import { NEWEST_LIVE } from './selections.ts';

export interface FieldDrift {
  readonly field: string;
  /** What is, and what to change, of a field whose type does not fit; null: Salesforce does not tell the field. */
  readonly change: string | null;
}

/** Fields of the object that are left out. */
export async function openDrift(session: Session, object: string): Promise<ReadonlyMap<string, FieldDrift>> {
  const { rows } = await query<FieldDrift>(
    session,
    'select field, change from sfsync.drift where object = $1 and closed_at is null',
    [object],
  );
  return new Map(rows.map((drift) => [drift.field, drift]));
}

/** Answers those that this step saw first: also when it is tried again, for nobody may have been told yet. */
export async function noteDrift(
  session: Session,
  object: string,
  drifts: readonly FieldDrift[],
  step: string,
): Promise<FieldDrift[]> {
  const { rows } = await query<FieldDrift & { readonly fresh: boolean }>(
    session,
    `with noted as (
       insert into sfsync.drift as d (object, field, seen_by, change)
       select $1, field, $3, change from jsonb_to_recordset($2::jsonb) as x (field text, change text) order by field
       on conflict (object, field) do update
         set seen_by = excluded.seen_by, first_seen = now(), closed_at = null, change = excluded.change, asked_at = null
         where d.closed_at is not null or d.change is distinct from excluded.change
       returning d.field, d.change)
     select field, change, true as fresh from noted
     union all
     select field, d.change, false from sfsync.drift d join jsonb_to_recordset($2::jsonb) as x (field text) using (field)
      where object = $1 and seen_by = $3 and closed_at is null and field not in (select field from noted)`,
    [object, JSON.stringify(drifts), step],
  );
  const seen = rows.map(({ field, change }) => ({ field, change })).sort((a, b) => (a.field < b.field ? -1 : 1));
  // What was refused for such a field goes without it.
  if (seen.length > 0) await markInsertionsDue(session, object, 'refused');
  const changed = rows.flatMap(({ field, change, fresh }) => (fresh && change !== null ? [field] : []));
  if (changed.length > 0) await inTransaction(session, () => readRejectedAgain(session, object, changed));
  return seen;
}

/** Meanwhile both sides may have edited the field, and nobody compared: all records of the object are read again. */
export async function closeDrift(session: Session, mapping: ObjectMapping, fields: readonly string[]): Promise<void> {
  const { object } = mapping;
  // By itself: links are locked in one order, and those are others.
  await inTransaction(session, () => readRejectedAgain(session, object, fields));
  await inTransaction(session, async () => {
    const { rowCount } = await query(
      session,
      'update sfsync.drift set closed_at = now() where object = $1 and field = any ($2::text[]) and closed_at is null',
      [object, fields],
    );
    if (rowCount === 0) return;
    const back = mapping.fields.filter(({ field }) => fields.includes(field));
    await readAllAgain(session, mapping, back);
  });
}

/** Records from Salesforce that were rejected for one of these fields are due to be read: now they can be used. */
async function readRejectedAgain(session: Session, object: string, fields: readonly string[]): Promise<void> {
  const { rows } = await query<{ id: string }>(
    session,
    `select distinct salesforce_id as id from sfsync.rejected_record
      where object = $1 and direction = 'to-postgres' and resolved_at is null and salesforce_id is not null
        and code = 'UNREADABLE_VALUE' and field = any ($2::text[])`,
    [object, fields],
  );
  if (rows.length === 0) return;
  const ids = rows.map(({ id }) => id);
  await claimLinks(session, object, ids);
  await markLinksDue(session, object, { salesforceIds: ids }, 'read again');
}

/**
 * All records of the object are due to be read, in the transaction that takes these fields into force again. Of a record
 * that came meanwhile nobody knows what both sides agreed on: nothing, so that what one of them holds is its edit.
 */
export async function readAllAgain(
  session: Session,
  { object }: ObjectMapping,
  fields: readonly FieldMapping[],
): Promise<void> {
  const blank = Object.fromEntries(fields.map(({ field, type }) => [field, fromPostgres(type, null, field)]));
  await query(
    session,
    `with due as (select id from sfsync.link
                   where object = $1 and base is not null and not base_deleted order by salesforce_id for update)
     update sfsync.link l
        set base = case when l.base::jsonb ?& $3::text[] then l.base else ($2::jsonb || l.base::jsonb)::json end,
            reread_due = true, dirty_since = coalesce(l.dirty_since, clock_timestamp()), revision = l.revision + 1
       from due where l.id = due.id`,
    [object, JSON.stringify(blank), Object.keys(blank)],
  );
}

/** How long after a field was found gone, or asked about, Salesforce is asked again. */
const ASKED_AGAIN_AFTER = '5 minutes';
/** A lookup may point to records of several objects: then strange ids are as they should be. */
const LOOKUP_ASKED_AGAIN_AFTER = '1 hour';

/**
 * Sees to it that a field which is left out comes back also when nothing else is read: one record of the object becomes due
 * to be read. Answers the fields that are left out: of each the read asks whether it fits.
 */
export async function askAgain(session: Session, object: string): Promise<string[]> {
  const open = await openDrift(session, object);
  if (open.size === 0) return [];
  await inTransaction(session, async () => {
    const { rowCount } = await query(
      session,
      `update sfsync.drift set asked_at = now()
        where object = $1 and closed_at is null and coalesce(asked_at, first_seen) < now() - interval '${ASKED_AGAIN_AFTER}'`,
      [object],
    );
    if (rowCount !== 0) await markLinksDue(session, object, NEWEST_LIVE, 'read again');
  });
  return [...open.keys()];
}

/**
 * Lookups of which records wait for a parent that cannot be one: its id has another key prefix than the parents that are
 * known. Perhaps the lookup points to another object now; values do not tell. Answers those that are to be asked about.
 */
export async function askOfLookups(session: Session, { object, fields }: ObjectMapping): Promise<string[]> {
  const lookups = fields.flatMap(({ field, references }) => (references === undefined ? [] : { field, references }));
  if (lookups.length === 0) return [];
  return inTransaction(session, async () => {
    const { rows } = await query<{ field: string }>(
      session,
      `with strange as (
         select distinct r.field from sfsync.link l
           join jsonb_to_recordset($2::jsonb) as r (field text, "references" text) on l.waiting ? r.field
           join lateral (select left(salesforce_id, 3) as prefix from sfsync.link p
                          where p.object = r."references" limit 1) parent on true
          where l.object = $1 and l.waiting <> '{}' and left(l.waiting ->> r.field, 3) <> parent.prefix)
       insert into sfsync.drift as d (object, field, seen_by, closed_at, asked_at)
       select $1, field, 'collect', now(), now() from strange
       on conflict (object, field) do update set asked_at = now()
         where d.closed_at is not null and coalesce(d.asked_at, d.closed_at) < now() - interval '${LOOKUP_ASKED_AGAIN_AFTER}'
       returning d.field`,
      [object, JSON.stringify(lookups)],
    );
    if (rows.length > 0) await markLinksDue(session, object, NEWEST_LIVE, 'read again');
    return rows.map(({ field }) => field);
  });
}

export interface ListedDrift extends FieldDrift {
  readonly object: string;
  readonly since: Date;
}

/** Fields that are left out, for people. */
export async function listDrift(session: Session): Promise<readonly ListedDrift[]> {
  const { rows } = await query<ListedDrift>(
    session,
    'select object, field, change, first_seen as since from sfsync.drift where closed_at is null order by 1, 2',
  );
  return rows;
}
