/** `sfsync.inexact_column`: fields whose column has changed a value of Salesforce, for it cannot hold it as it is. */
import { query, type Session } from '../session/connection.ts';

export interface InexactColumn {
  readonly field: string;
  /** As `format_type` writes it. */
  readonly type: string;
}

/** Notes the columns. One that was noted is noted again when it has another type. `step` reports them. */
export async function noteInexact(
  session: Session,
  object: string,
  columns: readonly InexactColumn[],
  step: string,
): Promise<void> {
  if (columns.length === 0) return;
  await query(
    session,
    `insert into sfsync.inexact_column as c (object, field, type, seen_by)
     select $1, field, type, $3 from jsonb_to_recordset($2::jsonb) as x (field text, type text) order by field
     on conflict (object, field) do update set type = excluded.type, seen_by = excluded.seen_by, first_seen = now()
       where c.type <> excluded.type`,
    [object, JSON.stringify(columns), step],
  );
}

/** Fields that the step noted first: also when it is tried again, for its report may have been lost. */
export async function inexactToReport(session: Session, object: string, step: string): Promise<string[]> {
  const { rows } = await query<{ field: string }>(
    session,
    'select field from sfsync.inexact_column where object = $1 and seen_by = $2 order by field',
    [object, step],
  );
  return rows.map(({ field }) => field);
}

/** For operators. */
export async function listInexact(
  client: Session,
): Promise<readonly (InexactColumn & { readonly object: string; readonly since: Date })[]> {
  const { rows } = await query<InexactColumn & { object: string; since: Date }>(
    client,
    'select object, field, type, first_seen as since from sfsync.inexact_column order by object, field',
  );
  return rows;
}
