/**
 * A mapped column that is there again. One that was dropped and added anew is empty, and that is no edit: it is
 * filled with what both sides last agreed on, in transactions of our own, before anything compares it. Then all records of the
 * object are read once more, for both sides may have edited the field since it went.
 */

import { RejectedRecordError } from '../../core/errors.ts';
import { type CanonicalValue, fromPostgres, type RowValue } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { beginJoin, joinPart } from '../../postgres/ledger/joining-fields.ts';
import { IN_ORDER } from '../../postgres/ledger/links.ts';
import { columnState, noteColumnRefusal, takeColumn } from '../../postgres/ledger/mapped-columns.ts';
import { inTransaction, query, type Session } from '../../postgres/session/connection.ts';
import { inOwnTransaction } from '../../postgres/session/origin.ts';
import { asRefusal } from '../../postgres/session/server-errors.ts';
import { lockPairs, type StoredPair, writePairs } from '../pairs/pairs.ts';
import type { StepContext } from '../step.ts';

/** Filled in one transaction. */
const FILLED_RECORDS = 2000;

export interface ReturnedColumn {
  readonly mapped: FieldMapping | undefined;
  readonly table: string | null;
  readonly number: number | null;
  readonly initial: string | null;
  readonly empty: boolean;
}

/** out: another session fills it. refused: it does not take its values; `first`: this step reports it. */
export type Filled = 'in force' | 'out' | { readonly refused: true; readonly first: boolean };

/**
 * Brings the column into force, unless another session is at it or it refuses what it should hold. The context is the one in
 * force, with the field that has returned.
 */
export async function fillReturned(
  context: StepContext,
  reporter: string | undefined,
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
    // Another session may have filled it between our look and our lock, or found that it cannot be filled.
    const state = await columnState(session, mapping.object, field.field, column);
    if (state === 'in force') return state;
    if (state === 'refused' || (column.empty && !(await fill(context, field, column.initial)))) {
      const isNew = state === 'due';
      return {
        refused: true,
        first: await noteColumnRefusal(session, mapping.object, field.field, { step: reporter, isNew }),
      };
    }
    await takeIntoForce(session, mapping, field, column);
    return 'in force';
  } finally {
    // A session that is gone has let go of the lock.
    await session.query('select pg_advisory_unlock(hashtextextended($1, 0))', [lock]).catch(() => undefined);
  }
}

/** Fills the column in parts. Answers whether it took all values. */
async function fill(context: StepContext, field: FieldMapping, initial: string | null): Promise<boolean> {
  const { session, configuration, mapping } = context;
  const untouched = untouchedValues(field, initial);
  for (let after = ''; ; ) {
    const { rows } = await query<{ id: string }>(
      session,
      `select salesforce_id as id from sfsync.link l
        where ${IN_ORDER} and salesforce_id > $2 and base is not null and not base_deleted
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
      if (asRefusal(error) !== undefined) return false;
      throw error;
    }
  }
}

/** What a row holds in the new column before it is written: nothing, or the column's default. */
function untouchedValues(field: FieldMapping, initial: string | null): ReadonlySet<RowValue> {
  return new Set([field.type.blank, columnDefault(field, initial)]);
}

/** `initial`: what rows hold that were there before the column was added. */
export function columnDefault({ type, field }: FieldMapping, initial: string | null): CanonicalValue {
  if (initial === null || type.columnForm !== 'scalar') return type.blank;
  try {
    return fromPostgres(type, initial, field);
  } catch (error) {
    if (error instanceof RejectedRecordError) return type.blank;
    throw error;
  }
}

async function fillPart(
  context: StepContext,
  field: FieldMapping,
  untouched: ReadonlySet<RowValue>,
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
  column: ReturnedColumn,
): Promise<void> {
  await inTransaction(session, async () => {
    await takeColumn(session, mapping.object, field.field, column);
    await beginJoin(session, mapping.object, [field.field], 'all');
    // The first records at once, so that an execution begins.
    await joinPart(session, mapping.object, [field.field]);
  });
}
