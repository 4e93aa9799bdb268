import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Conflict } from '../../../core/agreement/merge.ts';
import {
  claimConflicts,
  readOpenConflicts,
  reportConflicts,
  resolveConflicts,
} from '../../../postgres/ledger/conflicts.ts';
import type { Session } from '../../../postgres/session/connection.ts';
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

describe('what a call of a step reports', () => {
  const claim = (execution: string, input?: string, object = 'Account') =>
    claimConflicts(session, object, { execution, input });

  test('is what its execution has listed and nobody has reported, by field and winner, most first', async () => {
    const listed = [of('A'), of('B'), of('A', { field: 'Fax' }), of('A', { winner: 'postgres' })];
    await reportConflicts(session, 'Account', 'one', listed);
    await reportConflicts(session, 'Account', 'two', [of('C')]);
    await reportConflicts(session, 'Contact', 'one', [of('D')]);
    expect(await claim('one')).toEqual([
      { code: 'CONFLICT_SALESFORCE_STANDS', field: 'Phone', count: 2, ids: ['A', 'B'] },
      { code: 'CONFLICT_SALESFORCE_STANDS', field: 'Fax', count: 1, ids: ['A'] },
      { code: 'CONFLICT_POSTGRES_STANDS', field: 'Phone', count: 1, ids: ['A'] },
    ]);
    expect(await claim('one')).toEqual([]);
    await reportConflicts(session, 'Account', 'one', [of('E')]);
    expect(await claim('one')).toMatchObject([{ count: 1, ids: ['E'] }]);
  });

  test('is the same when it is tried again with its input, with what has been listed since', async () => {
    await reportConflicts(session, 'Account', 'one', [of('A')]);
    await reportConflicts(session, 'Contact', 'one', [of('D')]);
    expect(await claim('one', 'input')).toMatchObject([{ count: 1, ids: ['A'] }]);
    await claim('one', 'input', 'Contact');
    expect(await claim('one', 'other input')).toEqual([]);
    await reportConflicts(session, 'Account', 'one', [of('B')]);
    expect(await claim('one', 'input')).toMatchObject([{ count: 2, ids: ['A', 'B'] }]);
  });

  test('is also what calls that died have left', async () => {
    await reportConflicts(session, 'Account', 'died', [of('A'), of('B')]);
    await rows(`update sfsync.conflict set created_at = now() - interval '14 minutes'`);
    expect(await claim('one')).toEqual([]);
    await rows(`update sfsync.conflict set created_at = now() - interval '16 minutes' where salesforce_id = 'B'`);
    expect(await claim('one')).toMatchObject([{ count: 1, ids: ['B'] }]);
  });

  test('does not wait for another call that reports some of it at this moment', async () => {
    await reportConflicts(session, 'Account', 'one', [of('A'), of('B')]);
    const other = await lender.session();
    await other.query(`begin; update sfsync.conflict set reported_by = 'other' where salesforce_id = 'A'`);
    expect(await claim('one')).toMatchObject([{ count: 1, ids: ['B'] }]);
    await other.query('commit');
  });

  test('names some of the records, each once, and no field where there is none', async () => {
    const many = Array.from({ length: 30 }, (_, n) => of(`R${n}`, { field: undefined }));
    await reportConflicts(session, 'Account', 'one', [...many, ...many]);
    const [reason] = await claim('one');
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
