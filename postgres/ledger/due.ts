/** What is due towards Salesforce: Postgres is the list of it. */
import { WAITED_FOR_MS } from '../../core/agreement/due.ts';
import type { Settings } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';

/** Whether links or new rows of the object are due, or are within this time, open pushes aside. */
export async function anyDue(session: Session, object: string, withinMs = 0): Promise<boolean> {
  return (await objectsWithDue(session, [object], withinMs)).length > 0;
}

/** What is put off to a later moment is not due. */
const IS_TIME = 'due_after is null or due_after <= clock_timestamp()';

/**
 * Of the objects, those of which links or new rows are due, open pushes aside; or become due so soon that an execution waits for
 * it. In the order given.
 */
export async function objectsWithDue(
  session: Session,
  objects: readonly string[],
  withinMs = WAITED_FOR_MS,
): Promise<string[]> {
  if (objects.length === 0) return [];
  const isTime = `due_after is null or due_after <= clock_timestamp() + make_interval(secs => $2)`;
  const { rows } = await query<{ object: string }>(
    session,
    `select object from unnest($1::text[]) with ordinality as x (object, place)
      where (exists (select from sfsync.link l
                      where l.object = x.object and push_id is null and (dirty or reread_due) and (${isTime}))
          or exists (select from sfsync.insertion i
                      where i.object = x.object and push_id is null and dirty and (${isTime})))
      order by place`,
    [objects, withinMs / 1000],
  );
  return rows.map(({ object }) => object);
}

/** Whether pushes through AppFlow are open, which have to be fenced before their records are chosen again. */
export async function anyOpenFlowPush(session: Session, object: string): Promise<boolean> {
  const { rows } = await query<{ open: boolean }>(
    session,
    `select exists (select from sfsync.link where object = $1 and push_id is not null and push_delivery = 'appflow') as open`,
    [object],
  );
  return rows[0]?.open === true;
}

/**
 * Salesforce ids of due records, oldest first; one that was put off is as old as the end of its pause. An open push counts only once it is fenced: through AppFlow when the
 * caller has seen that no run is in progress, through the API when no request of it can be alive any more.
 */
export async function dueRecords(
  session: Session,
  object: string,
  {
    limit,
    flowFenced,
    settings,
  }: { readonly limit: number; readonly flowFenced: boolean; readonly settings: Settings },
): Promise<string[]> {
  const { rows } = await query<{ id: string }>(
    session,
    `select salesforce_id as id from sfsync.link
      where object = $1 and (dirty or reread_due or push_id is not null) and (${IS_TIME})
        and (push_id is null or (push_delivery = 'appflow' and $3)
             or (push_delivery = 'api' and sent_at < clock_timestamp() - make_interval(secs => $4)))
      order by coalesce(due_after, dirty_since, sent_at), id limit $2`,
    [object, limit, flowFenced, settings.pushDeadlineSeconds + settings.requestLifeSeconds],
  );
  return rows.map(({ id }) => id);
}

/** Row keys of due insertions, oldest first. An open push counts only when no request of it can be alive any more. */
export async function dueInsertions(
  session: Session,
  object: string,
  { limit, settings }: { readonly limit: number; readonly settings: Settings },
): Promise<string[]> {
  const { rows } = await query<{ row_key: string }>(
    session,
    `select row_key from sfsync.insertion
      where object = $1 and (dirty or push_id is not null) and (${IS_TIME})
        and (push_id is null or sent_at < clock_timestamp() - make_interval(secs => $3))
      order by coalesce(due_after, dirty_since, sent_at), id limit $2`,
    [object, limit, settings.pushDeadlineSeconds + settings.requestLifeSeconds],
  );
  return rows.map(({ row_key }) => row_key);
}
