/**
 * What is due towards Salesforce: Postgres is the list of it. `sfsync.due` follows the links by a trigger; an insertion has the
 * same columns itself. Both are read in the order of an index whose first columns are the object and the state, so that a look
 * costs what it finds, however much of another object, or put off to a later moment, there is.
 */
import { WAITED_FOR_MS } from '../../core/agreement/due.ts';
import type { Settings } from '../../core/mapping/configuration.ts';
import { byIndex } from '../session/by-index.ts';
import { query, type Session } from '../session/connection.ts';

/** Whether links or new rows of the object are due, or are within this time, open pushes aside. */
export async function anyDue(session: Session, object: string, withinMs = 0): Promise<boolean> {
  return (await objectsWithDue(session, [object], withinMs)).length > 0;
}

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
  const oldest = (table: string, where: string) =>
    `exists (select from (select from ${table} d where d.object = x.object and ${where} order by d.due_at limit 1) oldest)`;
  const any = (table: string) =>
    `${oldest(table, `d.state = 'due'`)} or ${oldest(table, `d.state = 'put off' and d.due_at <= statement_timestamp() + make_interval(secs => $2)`)}`;
  const sql = `select object from unnest($1::text[]) with ordinality as x (object, place)
      where not exists (select from sfsync.lease o
                         where o.object = x.object and o.due_after > statement_timestamp() + make_interval(secs => $2))
        and (${any('sfsync.due')} or ${any('sfsync.insertion')}) order by place`;
  const { rows } = await byIndex(session, () => query<{ object: string }>(session, sql, [objects, withinMs / 1000]));
  return rows.map(({ object }) => object);
}

/** Whether all records of the object wait, for Salesforce has taken none of them. */
export async function isPutOff(session: Session, object: string): Promise<boolean> {
  const { rows } = await query(
    session,
    'select from sfsync.lease where object = $1 and due_after > statement_timestamp()',
    [object],
  );
  return rows.length > 0;
}

/** Whether pushes through AppFlow are open, which have to be fenced before their records are chosen again. */
export async function anyOpenFlowPush(session: Session, object: string): Promise<boolean> {
  const sql = `select from sfsync.due where object = $1 and state = 'appflow' order by due_at limit 1`;
  return (await byIndex(session, () => query(session, sql, [object]))).rows.length > 0;
}

export interface DueLimits {
  readonly limit: number;
  readonly settings: Settings;
}

/** What is put off to a later moment is not due; nor is an open push whose last request may be alive. */
const IS_TIME = '(d.due_after is null or d.due_after <= statement_timestamp())';
const IS_OVER = 'd.sent_at < statement_timestamp() - make_interval(secs => $3)';

/** The oldest of each state in the order of the index, and of these the oldest. `$1`: the object; `$2`: how many. */
function oldestOf(table: string, column: string, id: string, states: readonly string[]): string {
  const arms = states.map(
    (where) =>
      `(select d.${column} as name, d.due_at, d.${id} as place from ${table} d
         where d.object = $1 and ${where} order by d.due_at, d.${id} limit $2)`,
  );
  return `select name from (${arms.join(' union all ')}) oldest order by due_at, place limit $2`;
}

const WITHOUT_PUSH = [`d.state = 'due'`, `d.state = 'put off' and d.due_at <= statement_timestamp()`];
const OPEN_BY_API = `d.state = 'api' and ${IS_TIME} and ${IS_OVER}`;
const OPEN_BY_APPFLOW = `d.state = 'appflow' and ${IS_TIME} and $4`;

/**
 * Salesforce ids of due records, oldest first; one that was put off is as old as the end of its pause. An open push counts only
 * once it is fenced: through AppFlow when the caller has seen that no run is in progress, through the API when no request of it
 * can be alive any more.
 */
export async function dueRecords(
  session: Session,
  object: string,
  { limit, flowFenced, settings }: DueLimits & { readonly flowFenced: boolean },
): Promise<string[]> {
  const sql = oldestOf('sfsync.due', 'salesforce_id', 'salesforce_id', [...WITHOUT_PUSH, OPEN_BY_API, OPEN_BY_APPFLOW]);
  const values = [object, limit, fenceSeconds(settings), flowFenced];
  const { rows } = await byIndex(session, () => query<{ name: string }>(session, sql, values));
  return rows.map(({ name }) => name);
}

/** Row keys of due insertions, oldest first. An open push counts only when no request of it can be alive any more. */
export async function dueInsertions(
  session: Session,
  object: string,
  { limit, settings }: DueLimits,
): Promise<string[]> {
  const sql = oldestOf('sfsync.insertion', 'row_key', 'id', [...WITHOUT_PUSH, OPEN_BY_API]);
  const values = [object, limit, fenceSeconds(settings)];
  const { rows } = await byIndex(session, () => query<{ name: string }>(session, sql, values));
  return rows.map(({ name }) => name);
}

function fenceSeconds({ pushDeadlineSeconds, requestLifeSeconds }: Settings): number {
  return pushDeadlineSeconds + requestLifeSeconds;
}
