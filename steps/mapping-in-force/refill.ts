/**
 * A mapped column that is there again. One that was dropped and added anew is empty, and its emptiness is nobody's edit: it
 * is filled with what both sides last agreed on, by our own origin, before anything compares it. Then all records of the
 * object are read once more, for both sides may have edited the field meanwhile.
 */

import { RejectedRecordError } from '../../core/errors.ts';
import { type CanonicalValue, fromPostgres } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { readAllAgain } from '../../postgres/ledger/field-drift.ts';
import { inTransaction, query, RowRefusedError, type Session } from '../../postgres/session/connection.ts';
import { inOwnTransaction } from '../../postgres/session/origin.ts';
import { lockPairs, type StoredPair, writePairs } from '../pairs/pairs.ts';
import type { StepContext } from '../step.ts';

/** Filled in one transaction. */
const FILLED_RECORDS = 2000;
/** A column that refuses a value is left out; after this long it is tried again. */
const TRY_AGAIN = '5 minutes';

export interface ReturnedColumn {
  readonly mapped: FieldMapping | undefined;
  readonly table: string | null;
  readonly number: number | null;
  readonly initial: string | null;
  readonly empty: boolean;
}

/** out: another session fills it. refused: it does not take its values; `first`: this step tells people. */
export type Filled = 'in force' | 'out' | { readonly refused: true; readonly first: boolean };

/**
 * Brings the column into force, unless another session is at it or it refuses what it should hold. The context is the one in
 * force, with the field that has returned.
 */
export async function fillReturned(
  context: StepContext,
  step: string | undefined,
  column: ReturnedColumn,
): Promise<Filled> {
  const { session, mapping } = context;
  const field = column.mapped;
  if (field === undefined) return 'out';
  const lock = `sfsync column ${mapping.object}.${field.field}`;
  const { rows } = await query<{ mine: boolean }>(
    session,
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as mine',
    [lock],
  );
  if (rows[0]?.mine !== true) return 'out';
  try {
    const state = await stillReturned(session, mapping, field, column);
    if (state === 'in force') return state;
    if (state === 'refused' || (column.empty && !(await fill(context, field, column.initial)))) {
      return { refused: true, first: await noteRefusal(context, step, field, state === 'due') };
    }
    await takeIntoForce(session, mapping, field, column);
    return 'in force';
  } finally {
    // A session that is gone has let go of the lock.
    await session.query('select pg_advisory_unlock(hashtextextended($1, 0))', [lock]).catch(() => undefined);
  }
}

/** Another session may have filled it between our look and our lock, or found that it cannot be filled. */
async function stillReturned(
  session: Session,
  { object }: ObjectMapping,
  { field }: FieldMapping,
  column: ReturnedColumn,
) {
  const { rows } = await query<{ state: 'in force' | 'refused' | 'due' }>(
    session,
    `select case when vanished_at is null and attnum = $3 and table_oid = $4::oid then 'in force'
                 when refused_at > now() - interval '${TRY_AGAIN}' then 'refused' else 'due' end as state
       from sfsync.mapped_column where object = $1 and field = $2`,
    [object, field, column.number, column.table],
  );
  return rows[0]?.state ?? 'due';
}

/** Fills the column in parts. Answers whether it took all values. */
async function fill(context: StepContext, field: FieldMapping, initial: string | null): Promise<boolean> {
  const { session, configuration, mapping } = context;
  const untouched = untouchedValues(field, initial);
  for (let after = ''; ; ) {
    const { rows } = await query<{ id: string }>(
      session,
      `select salesforce_id as id from sfsync.link
        where object = $1 and salesforce_id > $2 and base is not null and not base_deleted
        order by salesforce_id limit ${FILLED_RECORDS}`,
      [mapping.object, after],
    );
    const last = rows.at(-1);
    if (last === undefined) return true;
    after = last.id;
    const ids = rows.map(({ id }) => id);
    try {
      await inOwnTransaction(session, configuration.settings.origins, () => fillPart(context, field, untouched, ids));
    } catch (error) {
      if (error instanceof RowRefusedError) return false;
      throw error;
    }
  }
}

/** What a row holds in the new column when nobody has written it: nothing, or the column's default. */
function untouchedValues({ type, field }: FieldMapping, initial: string | null): ReadonlySet<CanonicalValue> {
  const nothing = fromPostgres(type, null, field);
  if (initial === null || type.columnForm !== 'scalar') return new Set([nothing]);
  try {
    return new Set([nothing, fromPostgres(type, initial, field)]);
  } catch (error) {
    if (error instanceof RejectedRecordError) return new Set([nothing]);
    throw error;
  }
}

async function fillPart(
  context: StepContext,
  field: FieldMapping,
  untouched: ReadonlySet<CanonicalValue>,
  ids: readonly string[],
): Promise<void> {
  const pairs = await lockPairs(context, ids);
  const changes = [...pairs.values()].flatMap((pair) => {
    const value = agreedValue(pair, field.field);
    const held = pair.row?.fields[field.field];
    if (pair.row === undefined || value === undefined || value === held) return [];
    // What the application has written into the new column is its edit.
    if (held === undefined || !untouched.has(held)) return [];
    const row = { ...pair.row, fields: { ...pair.row.fields, [field.field]: value } };
    return [{ before: pair, link: pair.link, row }];
  });
  await writePairs(context, changes);
}

/** What the row held as far as we know: what is on its way to Salesforce, or what both agreed on. */
function agreedValue({ link }: StoredPair, field: string): CanonicalValue | undefined {
  return link.push?.sent[field]?.value ?? link.base?.fields[field];
}

async function takeIntoForce(
  session: Session,
  mapping: ObjectMapping,
  field: FieldMapping,
  { table, number }: ReturnedColumn,
): Promise<void> {
  await inTransaction(session, async () => {
    await readAllAgain(session, mapping, [field]);
    await query(
      session,
      `update sfsync.mapped_column
          set table_oid = $3::oid, attnum = $4, vanished_at = null, seen_by = null, refused_at = null, refusal_seen_by = null
        where object = $1 and field = $2`,
      [mapping.object, field.field, table, number],
    );
  });
}

/** Answers whether this step tells people: it is the first that could, or is tried again. */
async function noteRefusal(
  { session, mapping }: StepContext,
  step: string | undefined,
  { field }: FieldMapping,
  isNew: boolean,
): Promise<boolean> {
  const { rows } = await query<{ seen_by: string | null }>(
    session,
    `update sfsync.mapped_column
        set refused_at = case when $4 then now() else refused_at end, vanished_at = coalesce(vanished_at, now()),
            refusal_seen_by = coalesce(refusal_seen_by, $3)
      where object = $1 and field = $2 returning refusal_seen_by as seen_by`,
    [mapping.object, field, step ?? null, isNew],
  );
  return step !== undefined && rows[0]?.seen_by === step;
}
