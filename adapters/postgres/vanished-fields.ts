/**
 * The mapping in force: that of sync.config.ts without the fields that Salesforce no longer tells. It is worked out here, so
 * that no rule ever sees such a field: it is neither merged nor sent, and the record goes across without it. A fresh
 * read asks for every field by name, so what no live record of it tells is gone; a file may only lag behind the mapping, and
 * is taken at its word where a read has found the same.
 */
import { fromPostgres } from '../../core/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/configuration.ts';
import { FIELD_VANISHED, withoutFields } from '../../core/drift.ts';
import type { ReasonCount } from '../../core/inbound-tasks.ts';
import type { SalesforceVersion } from '../../core/link.ts';
import type { Session } from './connection.ts';
import { inTransaction, query } from './connection.ts';
import { markRefusedInsertions } from './insertions.ts';

type Told = Pick<SalesforceVersion, 'deleted' | 'fields'>;

export interface InForce {
  readonly mapping: ObjectMapping;
  /** What this step was the first to see. */
  readonly reasons: readonly ReasonCount[];
}

/** For the versions of a file. */
export async function inForceForFile(
  session: Session,
  mapping: ObjectMapping,
  versions: readonly Told[],
): Promise<ObjectMapping> {
  const open = await openDrift(session, mapping.object);
  return withoutFields(mapping, new Set([...open].filter((field) => !tells(versions, field))));
}

/** One line of a fresh read. */
interface Read {
  readonly version?: Told | undefined;
  readonly without?: readonly string[] | undefined;
}

/** For what a fresh read found; remembers what is gone, and what is back. `step`: who tells people what is told once. */
export async function inForceForRead(
  session: Session,
  mapping: ObjectMapping,
  reads: readonly Read[],
  step: string,
): Promise<InForce> {
  const open = await openDrift(session, mapping.object);
  // What is known of a record that was purged are no fields.
  const live = reads.flatMap(({ version }) => (version === undefined || version.deleted ? [] : version));
  const without = new Set(reads.flatMap((read) => read.without ?? []));
  const mapped = mapping.fields.map(({ field }) => field);
  const untold = (field: string) => (live.length === 0 ? open.has(field) || without.has(field) : !tells(live, field));
  const gone = new Set(mapped.filter(untold));
  if (live.length === 0 && without.size === 0) return { mapping: withoutFields(mapping, gone), reasons: [] };
  const back = [...open].filter((field) => !gone.has(field));
  if (back.length > 0) await closeDrift(session, mapping, back);
  const seen = gone.size === 0 ? [] : await noteDrift(session, mapping.object, [...gone], step);
  const reasons = seen.map((field) => ({ code: FIELD_VANISHED, field, count: 1 }));
  return { mapping: withoutFields(mapping, gone), reasons };
}

/**
 * Whether a record was refused because a field vanished between our look and our push. Nothing of it has landed, and it goes
 * again without the field.
 */
export function sentVanished(
  mapping: ObjectMapping,
  sent: Readonly<Record<string, unknown>>,
  { outcome, code }: { readonly outcome: string; readonly code?: string | undefined },
): boolean {
  if (outcome !== 'refused' || code !== 'INVALID_FIELD') return false;
  return Object.keys(sent).some((name) => mapping.fields.every(({ field }) => field !== name));
}

function tells(versions: readonly Told[], field: string): boolean {
  return versions.some(({ fields }) => fields[field] !== undefined);
}

async function openDrift(session: Session, object: string): Promise<ReadonlySet<string>> {
  const { rows } = await query<{ field: string }>(
    session,
    'select field from sfsync.drift where object = $1 and closed_at is null',
    [object],
  );
  return new Set(rows.map(({ field }) => field));
}

/** Answers the fields that this step saw first: also when it is tried again, for nobody may have been told yet. */
async function noteDrift(session: Session, object: string, fields: readonly string[], step: string) {
  const { rows } = await query<{ field: string }>(
    session,
    `with noted as (
       insert into sfsync.drift as d (object, field, seen_by) select $1, field, $3 from unnest($2::text[]) as x (field)
       on conflict (object, field) do update set seen_by = excluded.seen_by, first_seen = now(), closed_at = null
         where d.closed_at is not null
       returning d.field)
     select field from noted
     union select field from sfsync.drift where object = $1 and seen_by = $3 and closed_at is null and field = any ($2::text[])`,
    [object, fields, step],
  );
  // What was refused for such a field goes without it.
  if (rows.length > 0) await markRefusedInsertions(session, object);
  return rows.map(({ field }) => field).sort();
}

/** Meanwhile both sides may have edited the field, and nobody compared: all records of the object are read again. */
async function closeDrift(session: Session, mapping: ObjectMapping, fields: readonly string[]): Promise<void> {
  const { object } = mapping;
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

/** Fields that are left out, for people. */
export async function listVanished(
  session: Session,
): Promise<readonly { readonly object: string; readonly field: string; readonly since: Date }[]> {
  const { rows } = await query<{ object: string; field: string; since: Date }>(
    session,
    'select object, field, first_seen as since from sfsync.drift where closed_at is null order by 1, 2',
  );
  return rows;
}
