import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Conflict } from '../../../core/agreement/merge.ts';
import {
  conflictReasons,
  readOpenConflicts,
  reportConflicts,
  resolveConflicts,
} from '../../../postgres/ledger/conflicts.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() => rows('truncate sfsync.conflict restart identity'));

const PHONE: Conflict = {
  field: 'Phone',
  reason: 'both edited',
  base: 'b',
  salesforce: 's',
  postgres: 'p',
  winner: 'salesforce',
};
const of = (salesforceId: string, more: Partial<Conflict> = {}) => ({
  salesforceId,
  rowKey: 'k',
  conflict: { ...PHONE, ...more },
});

test('both values are kept, also of a whole record, and what has no value', async () => {
  const state = { deleted: true, fields: {} };
  const record = {
    field: undefined,
    reason: 'deleted and edited',
    base: undefined,
    salesforce: state,
    winner: 'postgres',
  } as const;
  await reportConflicts(session, 'Account', 'one', [
    of('A'),
    of('B', { ...record, postgres: null }),
    of('C', { base: null }),
  ]);
  const stored =
    'salesforce_id as id, row_key as key, field, reason, base, salesforce_value as s, postgres_value as p, winner, execution';
  expect(await rows(`select object, ${stored}, resolved_at from sfsync.conflict order by id`)).toEqual([
    {
      object: 'Account',
      id: 'A',
      key: 'k',
      field: 'Phone',
      reason: 'both edited',
      base: 'b',
      s: 's',
      p: 'p',
      winner: 'salesforce',
      execution: 'one',
      resolved_at: null,
    },
    {
      object: 'Account',
      id: 'B',
      key: 'k',
      field: null,
      reason: 'deleted and edited',
      base: null,
      s: state,
      p: null,
      winner: 'postgres',
      execution: 'one',
      resolved_at: null,
    },
    {
      object: 'Account',
      id: 'C',
      key: 'k',
      field: 'Phone',
      reason: 'both edited',
      base: null,
      s: 's',
      p: 'p',
      winner: 'salesforce',
      execution: 'one',
      resolved_at: null,
    },
  ]);
});

test('a transaction says what it has listed, by field and winner, most first: nothing of others', async () => {
  await reportConflicts(session, 'Account', 'one', [of('Z')]);
  await inTransaction(session, async () => {
    expect(await conflictReasons(session, 'Account', 'one')).toEqual([]);
    await reportConflicts(session, 'Account', 'one', [
      of('A'),
      of('B'),
      of('A', { field: 'Fax' }),
      of('A', { winner: 'postgres' }),
    ]);
    await reportConflicts(session, 'Account', 'two', [of('C')]);
    await reportConflicts(session, 'Contact', 'one', [of('D')]);
    expect(await conflictReasons(session, 'Account', 'one')).toEqual([
      { code: 'CONFLICT_SALESFORCE_STANDS', field: 'Phone', count: 2, ids: ['A', 'B'] },
      { code: 'CONFLICT_SALESFORCE_STANDS', field: 'Fax', count: 1, ids: ['A'] },
      { code: 'CONFLICT_POSTGRES_STANDS', field: 'Phone', count: 1, ids: ['A'] },
    ]);
  });
});

test('it names some of the records, each once, and no field where there is none', async () => {
  await inTransaction(session, async () => {
    const many = Array.from({ length: 30 }, (_, n) => of(`R${n}`, { field: undefined }));
    await reportConflicts(session, 'Account', 'one', [...many, ...many]);
    const [reason] = await conflictReasons(session, 'Account', 'one');
    expect(reason).not.toHaveProperty('field');
    expect(reason?.count).toBe(60);
    expect(new Set(reason?.ids).size).toBe(reason?.ids?.length);
    expect(reason?.ids?.length).toBeLessThan(30);
  });
});

test('those that no operator has marked as seen are shown, oldest first', async () => {
  await reportConflicts(session, 'Account', 'one', [of('A'), of('B'), of('C')]);
  await reportConflicts(session, 'Contact', 'one', [of('D')]);
  const shown = async (selection: Parameters<typeof readOpenConflicts>[1] = {}) =>
    (await readOpenConflicts(session, selection)).map(({ salesforceId }) => salesforceId);
  expect(await shown()).toEqual(['A', 'B', 'C', 'D']);
  expect(await shown({ object: 'Contact' })).toEqual(['D']);
  expect(await shown({ limit: 2 })).toEqual(['A', 'B']);
  expect(await resolveConflicts(session, ['2', '99'])).toEqual(['2']);
  expect(await resolveConflicts(session, ['2'])).toEqual([]);
  expect(await shown()).toEqual(['A', 'C', 'D']);
  expect(await readOpenConflicts(session, { object: 'Contact' })).toMatchObject([
    {
      id: '4',
      field: 'Phone',
      winner: 'salesforce',
      execution: 'one',
      values: { base: 'b', salesforce: 's', postgres: 'p' },
    },
  ]);
});
