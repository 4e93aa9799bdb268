/** What of the configuration was in force before: which fields and objects it had, and what of an object concerns all its rows. */
import { query, type Session } from '../session/connection.ts';

export interface Mapped {
  readonly object: string;
  readonly fields: readonly string[];
  readonly filter: string | undefined;
  /** All objects of the configuration. */
  readonly objects: readonly string[];
}

/** How the object was mapped before. back: the configuration was without it; refiltered: by another row filter. */
export type FormerMapping = 'the same' | 'back' | 'refiltered';

/** Notes what the configuration is without now, and answers how the object was mapped before; that is remembered as it is now. */
export async function noteMapped(
  session: Session,
  { object, fields, filter, objects }: Mapped,
): Promise<FormerMapping> {
  const { rows } = await query<{ known: boolean; back: boolean; refiltered: boolean }>(
    session,
    `with left_fields as (
       update sfsync.mapped_column set left_at = now()
        where left_at is null and ((object = $1 and field <> all ($2::text[])) or object <> all ($4::text[]))),
     left_objects as (
       update sfsync.mapped_object set left_at = now() where left_at is null and object <> all ($4::text[]))
     select k.object is not null as known, k.left_at is not null as back, k.filter is distinct from $3 as refiltered
       from (values (1)) as one (n) left join sfsync.mapped_object k on k.object = $1`,
    [object, fields, filter ?? null, objects],
  );
  const [{ known, back, refiltered } = { known: false, back: false, refiltered: false }] = rows;
  if (known && !back && !refiltered) return 'the same';
  const { rowCount } = await query(
    session,
    `insert into sfsync.mapped_object as k (object, filter) values ($1, $2)
     on conflict (object) do update set filter = excluded.filter, left_at = null
       where k.left_at is not null or k.filter is distinct from excluded.filter`,
    [object, filter ?? null],
  );
  // Another session may have noted it first, and has done what follows from it.
  if (!known || rowCount === 0) return 'the same';
  return back ? 'back' : 'refiltered';
}
