/**
 * `sfsync.drift`: the fields of the mapping that are left out because Salesforce no longer has them, or because their type
 * there is another one now. Each is reported once, and asked about again until it fits.
 */
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';

export interface FieldDrift {
  readonly field: string;
  /** What is, and what to change, of a field whose type does not fit; null: Salesforce does not have the field. */
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

export interface NotedDrift extends FieldDrift {
  /** It was not noted before. Else the step is tried again. */
  readonly isNew: boolean;
}

/** Answers those that this step saw first: also when it is tried again, for its report may have been lost. By field. */
export async function noteDrift(
  session: Session,
  object: string,
  drifts: readonly FieldDrift[],
  step: string,
): Promise<NotedDrift[]> {
  const { rows } = await query<NotedDrift>(
    session,
    `with noted as (
       insert into sfsync.drift as d (object, field, seen_by, change)
       select $1, field, $3, change from jsonb_to_recordset($2::jsonb) as x (field text, change text) order by field
       on conflict (object, field) do update
         set seen_by = excluded.seen_by, first_seen = now(), closed_at = null, change = excluded.change, asked_at = null
         where d.closed_at is not null or d.change is distinct from excluded.change
       returning d.field, d.change)
     select field, change, true as "isNew" from noted
     union all
     select field, d.change, false from sfsync.drift d join jsonb_to_recordset($2::jsonb) as x (field text) using (field)
      where object = $1 and seen_by = $3 and closed_at is null and field not in (select field from noted)`,
    [object, JSON.stringify(drifts), step],
  );
  return rows.sort((a, b) => (a.field < b.field ? -1 : 1));
}

/** The fields are back. Answers whether one of them was left out until now. */
export async function closeDrift(session: Session, object: string, fields: readonly string[]): Promise<boolean> {
  const { rowCount } = await query(
    session,
    'update sfsync.drift set closed_at = now() where object = $1 and field = any ($2::text[]) and closed_at is null',
    [object, fields],
  );
  return rowCount !== 0;
}

/** How long after a field was found gone, or asked about, Salesforce is asked again. */
const ASKED_AGAIN_AFTER = '5 minutes';

/** Answers whether Salesforce is to be asked again about the fields that are left out; it counts as asked now. */
export async function noteAsked(session: Session, object: string): Promise<boolean> {
  const { rowCount } = await query(
    session,
    `update sfsync.drift set asked_at = now()
      where object = $1 and closed_at is null and coalesce(asked_at, first_seen) < now() - interval '${ASKED_AGAIN_AFTER}'`,
    [object],
  );
  return rowCount !== 0;
}

/** A lookup may point to records of several objects: then strange ids are as they should be. */
const LOOKUP_ASKED_AGAIN_AFTER = '1 hour';

/**
 * Lookups of which records wait for a parent that cannot be one: its id has another key prefix than the parents that are
 * known. (Ids of an object begin with its prefix, so one look for each prefix knows them all.) Answers those of which Salesforce is to be asked; they count as asked now.
 */
export async function noteLookupsAsked(session: Session, mapping: ObjectMapping): Promise<string[]> {
  const { object } = mapping;
  // One to several objects is none that could point to another one.
  const lookups = mapping.fields.flatMap(({ field, references }) =>
    references === undefined ? [] : { field, references },
  );
  const { rows } = await query<{ field: string }>(
    session,
    `with recursive known as (
       (select left(salesforce_id, 3) as prefix, object from sfsync.link order by salesforce_id limit 1)
       union all
       select next.* from known cross join lateral (
         select left(l.salesforce_id, 3), l.object from sfsync.link l where l.salesforce_id > known.prefix || '~'
          order by l.salesforce_id limit 1) next),
     strange as (
       select r.field from jsonb_to_recordset($2::jsonb) as r (field text, "references" text)
         join lateral (select prefix from known where known.object = r."references" limit 1) parent on true
        where exists (select from (select from sfsync.waiting w where w.object = $1 and w.field = r.field
                        and w.parent_id < parent.prefix order by w.parent_id limit 1) lower)
           or exists (select from (select from sfsync.waiting w where w.object = $1 and w.field = r.field
                        and w.parent_id > parent.prefix || '~' order by w.parent_id limit 1) higher))
     insert into sfsync.drift as d (object, field, seen_by, closed_at, asked_at)
     select $1, field, 'collect', now(), now() from strange
     on conflict (object, field) do update set asked_at = now()
       where d.closed_at is not null and coalesce(d.asked_at, d.closed_at) < now() - interval '${LOOKUP_ASKED_AGAIN_AFTER}'
     returning d.field`,
    [object, JSON.stringify(lookups)],
  );
  return rows.map(({ field }) => field);
}

export interface ListedDrift extends FieldDrift {
  readonly object: string;
  /** It is to take the place of another field (`formerly`). */
  readonly renaming: boolean;
  readonly since: Date;
}

/** Fields that are left out, for operators. */
export async function listDrift(session: Session): Promise<readonly ListedDrift[]> {
  const { rows } = await query<ListedDrift>(
    session,
    `select d.object, d.field, d.change, d.first_seen as since, coalesce(k.joining = 'renaming', false) as renaming
       from sfsync.drift d left join sfsync.mapped_column k using (object, field) where d.closed_at is null order by 1, 2`,
  );
  return rows;
}
