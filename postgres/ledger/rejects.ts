/** `sfsync.rejected_record`: the records and rows that one side does not take, listed until they go through. */
import { CONVERSION_CODES, type Reject } from '../../core/contracts/rejects.ts';
import { storableText } from '../../core/mapping/canonical.ts';
import { query, type Session } from '../session/connection.ts';

export interface RejectContext {
  readonly object: string;
  readonly direction: 'to-postgres' | 'to-salesforce';
  /** Key of the file, or what else the record came from. */
  readonly source: string;
  readonly execution: string;
}

/** Lists rejects. Working on the same input again lists nothing twice: an open reject of the same record is replaced. */
export async function reportRejects(
  session: Session,
  { object, direction, source, execution }: RejectContext,
  rejects: readonly Reject[],
): Promise<void> {
  if (rejects.length === 0) return;
  const rows = JSON.stringify(
    rejects.map(({ salesforceId, rowKey, field, code, reason, value, line }) => ({
      salesforce_id: salesforceId ?? null,
      row_key: rowKey ?? null,
      field: field ?? null,
      code,
      // Some are Salesforce's own words.
      reason: storableText(reason),
      value: value ?? null,
      line: line ?? null,
    })),
  );
  await query(
    session,
    `with incoming as materialized (select * from jsonb_to_recordset($5::jsonb)
            as x (salesforce_id text, row_key text, field text, code text, reason text, value text, line int)),
          replaced as (delete from sfsync.rejected_record where id = any (array(
            select r.id from incoming x cross join lateral (select r.id from sfsync.rejected_record r
               where r.object = $1 and r.salesforce_id = x.salesforce_id and r.direction = $2 and r.resolved_at is null offset 0) r
            union all
            select r.id from incoming x cross join lateral (select r.id from sfsync.rejected_record r
               where r.source = $3 and r.line = x.line and r.object = $1 and r.direction = $2 and r.resolved_at is null
                 and r.salesforce_id is null and x.salesforce_id is null offset 0) r
            union all
            select r.id from incoming x cross join lateral (select r.id from sfsync.rejected_record r
               where r.object = $1 and r.row_key = x.row_key and r.direction = $2 and r.resolved_at is null
                 and r.salesforce_id is null and x.salesforce_id is null offset 0) r)))
     insert into sfsync.rejected_record
       (object, salesforce_id, row_key, field, direction, source, line, code, reason, value, execution)
     select $1, x.salesforce_id, x.row_key, x.field, $2, $3, x.line, x.code, x.reason, x.value, $4 from incoming x`,
    [object, direction, source, execution, rows],
  );
}

/** Takes rejects off the list, as an operator decides: nothing is tried again. Answers the ids of those that were open. */
export async function discardRejects(session: Session, ids: readonly string[]): Promise<string[]> {
  const { rows } = await query<{ id: string }>(
    session,
    `update sfsync.rejected_record set resolved_at = now() where id = any ($1::bigint[]) and resolved_at is null
     returning id::text`,
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** Lists rejects, and answers those that are new: that were not listed with this code before. */
export async function reportNewRejects(
  session: Session,
  context: RejectContext,
  rejects: readonly Reject[],
): Promise<Reject[]> {
  if (rejects.length === 0) return [];
  const { rows } = await query<{ id: string | null; key: string | null; field: string | null; code: string }>(
    session,
    `select salesforce_id as id, row_key as key, field, code from sfsync.rejected_record
      where object = $1 and direction = $2 and resolved_at is null and salesforce_id = any ($3::text[])
     union all
     select null, row_key, field, code from sfsync.rejected_record
      where object = $1 and direction = $2 and resolved_at is null and salesforce_id is null and row_key = any ($4::text[])`,
    [
      context.object,
      context.direction,
      rejects.flatMap(({ salesforceId }) => salesforceId ?? []),
      rejects.flatMap(({ rowKey }) => rowKey ?? []),
    ],
  );
  const known = new Set(rows.map(({ id, key, field, code }) => `${id ?? key} ${field ?? ''} ${code}`));
  await reportRejects(session, context, rejects);
  return rejects.filter(
    ({ salesforceId, rowKey, field, code }) => !known.has(`${salesforceId ?? rowKey} ${field ?? ''} ${code}`),
  );
}

export type RejectsOf =
  /** Records that went through after all; with `field`: only what was rejected for its sake. */
  | {
      readonly object: string;
      readonly direction: RejectContext['direction'];
      readonly salesforceIds: readonly string[];
      readonly field?: string;
    }
  /** New rows, which are records now, or are gone. */
  | { readonly object: string; readonly rowKeys: readonly string[] }
  /** Rows in which this fault is mended: all of these but `except`. */
  | {
      readonly object: string;
      readonly code: string;
      readonly rowKeys: readonly string[];
      readonly except: readonly string[];
    }
  /** Those whose input is worked on again as a whole: what is still wrong with it will be listed anew. */
  | { readonly ids: readonly string[] };

/** Closes open rejects. */
export async function resolveRejects(session: Session, which: RejectsOf): Promise<void> {
  const { keys, where, values } = conditionOf(which);
  if (keys.length === 0) return;
  await query(session, `update sfsync.rejected_record set resolved_at = now() where resolved_at is null and ${where}`, [
    keys,
    ...values,
  ]);
}

/** Closes open rejects of records of which a version was merged: towards PostgreSQL, and of those that agree both ways. */
export async function closeMerged(
  session: Session,
  object: string,
  { merged, agreed }: { readonly merged: readonly string[]; readonly agreed: readonly string[] },
): Promise<void> {
  if (merged.length === 0) return;
  await query(
    session,
    `update sfsync.rejected_record set resolved_at = now()
      where resolved_at is null and salesforce_id = any ($1::text[]) and object = $2
        and (direction = 'to-postgres' or salesforce_id = any ($3::text[]))`,
    [merged, object, agreed],
  );
}

interface Condition {
  /** `$1`; none: nothing is to be closed. */
  readonly keys: readonly string[];
  readonly where: string;
  readonly values: readonly unknown[];
}

function conditionOf(which: RejectsOf): Condition {
  if ('ids' in which) return { keys: which.ids, where: 'id = any ($1::bigint[])', values: [] };
  if ('salesforceIds' in which) {
    const { object, direction, salesforceIds: keys, field } = which;
    const where = `salesforce_id = any ($1::text[]) and object = $2 and direction = $3`;
    if (field === undefined) return { keys, where, values: [object, direction] };
    return { keys, where: `${where} and field = $4`, values: [object, direction, field] };
  }
  const { object, rowKeys: keys } = which;
  const where = 'row_key = any ($1::text[]) and object = $2';
  if ('code' in which) {
    const values = [object, which.code, which.except];
    return { keys, where: `${where} and code = $3 and row_key <> all ($4::text[])`, values };
  }
  return { keys, where: `${where} and direction = 'to-salesforce' and salesforce_id is null`, values: [object] };
}

/** As constants: the condition of an index has them, too. */
const VALUE_CODES = ['UNREADABLE_VALUE', ...CONVERSION_CODES].map((code) => `'${code}'`).join(', ');

/** Records of an object that were rejected because a value of one of these fields could not be read, or has no counterpart. */
export async function unreadableRecords(
  session: Session,
  object: string,
  fields: readonly string[],
): Promise<string[]> {
  const { rows } = await query<{ id: string }>(
    session,
    `select distinct salesforce_id as id from sfsync.rejected_record
      where object = $1 and resolved_at is null and salesforce_id is not null
        and code in (${VALUE_CODES}) and field = any ($2::text[])`,
    [object, fields],
  );
  return rows.map(({ id }) => id);
}
