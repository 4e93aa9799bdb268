/** `sfsync.rejected_record`: what is listed, what replaces it, and what closes it. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Reject } from '../../../core/contracts/rejects.ts';
import { type RejectSelection, readOpenRejects } from '../../../postgres/ledger/open-rejects.ts';
import {
  closeMerged,
  discardRejects,
  type RejectContext,
  type RejectsOf,
  reportNewRejects,
  reportRejects,
  resolveRejects,
  unreadableRecords,
} from '../../../postgres/ledger/rejects.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() => rows('truncate sfsync.rejected_record restart identity'));

const INBOUND: RejectContext = { object: 'Account', direction: 'to-postgres', source: 'file', execution: 'one' };
const OUTBOUND: RejectContext = { ...INBOUND, direction: 'to-salesforce', source: 'batch' };
/** Contexts that have nothing to do with the first. */
const OTHERS: readonly RejectContext[] = [OUTBOUND, { ...INBOUND, object: 'Contact' }];

const NOTHING: Reject = {
  salesforceId: undefined,
  rowKey: undefined,
  field: undefined,
  code: 'CODE',
  reason: 'a reason',
  line: undefined,
};
const ofRecord = (id: string, code = 'CODE', more: Partial<Reject> = {}): Reject => ({
  ...NOTHING,
  salesforceId: id,
  code,
  ...more,
});
const ofRow = (rowKey: string, code = 'CODE'): Reject => ({ ...NOTHING, rowKey, code });
const ofLine = (line: number, code = 'CODE'): Reject => ({ ...NOTHING, line, code });

/** The open ones, in the order in which they were listed. */
const open = async () =>
  (
    await rows(
      `select concat_ws(' ', object, direction, salesforce_id, row_key, line, code) as what
         from sfsync.rejected_record where resolved_at is null order by id`,
    )
  ).map(({ what }) => what);
const closed = async () =>
  (await rows('select id::text from sfsync.rejected_record where resolved_at is not null order by id')).map(
    ({ id }) => id,
  );

describe('what is listed', () => {
  test('says whose it is, where it came from, and why; what PostgreSQL cannot store of a reason is left out', async () => {
    const reject = { ...ofRecord('A'), rowKey: 'k', field: 'Phone', reason: 'too\u0000 long', line: 7 };
    await reportRejects(session, INBOUND, [reject]);
    expect(
      await rows(
        'select object, salesforce_id, row_key, field, direction, source, line, code, reason, execution, resolved_at from sfsync.rejected_record',
      ),
    ).toMatchObject([
      {
        ...{ object: 'Account', salesforce_id: 'A', row_key: 'k', field: 'Phone', direction: 'to-postgres' },
        ...{ source: 'file', line: 7, code: 'CODE', execution: 'one', resolved_at: null },
      },
    ]);
    expect((await rows('select reason from sfsync.rejected_record'))[0].reason).toMatch(/^too.{0,8} long$/);
  });

  test.for([
    ['the same record', ofRecord('A', 'NEW'), ofRecord('A'), ofRecord('B')],
    ['the same new row', ofRow('a', 'NEW'), ofRow('a'), ofRow('b')],
    ['the same line of the same file', ofLine(1, 'NEW'), ofLine(1), ofLine(2)],
  ] as const)('takes the place of an open reject of %s, and of no other', async ([, now, same, other]) => {
    for (const context of [INBOUND, ...OTHERS]) await reportRejects(session, context, [same]);
    await reportRejects(session, INBOUND, [other]);
    if (same.line !== undefined) await reportRejects(session, { ...INBOUND, source: 'another file' }, [same]);
    const before = await open();
    await reportRejects(session, INBOUND, [now]);
    const [first, ...rest] = before;
    expect(await open()).toEqual([...rest, first?.replace('CODE', 'NEW')]);
  });

  test('takes the place of none that is closed, nor does a new row that of a record with that row', async () => {
    await reportRejects(session, INBOUND, [ofRecord('A'), ofRow('a'), ofLine(1)]);
    await discardRejects(session, ['1', '2', '3']);
    await reportRejects(session, INBOUND, [{ ...ofRecord('B'), rowKey: 'a', line: 1 }]);
    await reportRejects(session, INBOUND, [ofRecord('A'), ofRow('a'), ofLine(1)]);
    expect([await closed(), (await open()).length]).toEqual([['1', '2', '3'], 4]);
    // Nor does that of a record those of a row and a line that name none.
    await reportRejects(session, INBOUND, [{ ...ofRecord('C'), rowKey: 'a', line: 1 }]);
    expect(await open()).toHaveLength(5);
  });
});

describe('a reject is new', () => {
  const isNew = async (reject: Reject, context = INBOUND) =>
    (await reportNewRejects(session, context, [reject])).length === 1;

  test('when it was not listed with this code and field, of this record in this direction', async () => {
    expect(await isNew(ofRecord('A'))).toBe(true);
    expect(await isNew(ofRecord('A'))).toBe(false);
    expect(await isNew(ofRecord('A', 'OTHER'))).toBe(true);
    expect(await isNew(ofRecord('A', 'OTHER', { field: 'Phone' }))).toBe(true);
    expect(await isNew(ofRecord('A', 'OTHER', { field: 'Phone' }))).toBe(false);
    expect(await isNew(ofRecord('B', 'OTHER', { field: 'Phone' }))).toBe(true);
    for (const context of OTHERS) expect(await isNew(ofRecord('A', 'OTHER', { field: 'Phone' }), context)).toBe(true);
  });

  test('the same of a row that has no record', async () => {
    expect(await isNew(ofRow('a'))).toBe(true);
    expect(await isNew(ofRow('a'))).toBe(false);
    expect(await isNew(ofRow('b'))).toBe(true);
    expect(await isNew(ofRow('a'), OUTBOUND)).toBe(true);
    // A record with that row is another thing, whichever is listed first.
    await reportRejects(session, INBOUND, [ofRecord('Z', 'CODE', { rowKey: 'z' })]);
    expect(await isNew(ofRow('z'))).toBe(true);
    expect(await isNew(ofRecord('A', 'CODE', { rowKey: 'a' }))).toBe(true);
  });

  test('once it was closed', async () => {
    await reportRejects(session, INBOUND, [ofRecord('A'), ofRow('a')]);
    await rows('update sfsync.rejected_record set resolved_at = now()');
    expect([await isNew(ofRecord('A')), await isNew(ofRow('a'))]).toEqual([true, true]);
  });
});

describe('a reject is closed', () => {
  const closedBy = async (which: RejectsOf) => {
    await resolveRejects(session, which);
    return closed();
  };

  beforeEach(async () => {
    await reportRejects(session, INBOUND, [ofRecord('A', 'IN', { field: 'Phone' }), ofRow('a', 'IN')]);
    await reportRejects(session, OUTBOUND, [ofRecord('A', 'OUT'), ofRow('a', 'OUT'), ofRow('b', 'OUT')]);
    await reportRejects(session, { ...OUTBOUND, object: 'Contact' }, [ofRecord('A', 'OUT'), ofRow('a', 'OUT')]);
    await reportRejects(session, OUTBOUND, [{ ...ofRecord('B', 'OUT'), rowKey: 'c' }]);
  });

  test.for([
    ['with its record, in its direction', { object: 'Account', direction: 'to-postgres', salesforceIds: ['A'] }, ['1']],
    ['with its record, in the other', { object: 'Account', direction: 'to-salesforce', salesforceIds: ['A'] }, ['3']],
    [
      'for the sake of a field',
      { object: 'Account', direction: 'to-postgres', salesforceIds: ['A'], field: 'Phone' },
      ['1'],
    ],
    [
      'not for the sake of another',
      { object: 'Account', direction: 'to-postgres', salesforceIds: ['A'], field: 'Fax' },
      [],
    ],
    ['with its new row, on the way to Salesforce', { object: 'Account', rowKeys: ['a', 'c'] }, ['4']],
    [
      'with the fault that is mended',
      { object: 'Account', code: 'OUT', rowKeys: ['a', 'b', 'c'], except: ['b'] },
      ['4', '8'],
    ],
    ['by its id', { ids: ['2', '7'] }, ['2', '7']],
    ['not where none is named', { ids: [] }, []],
  ] as const)('%s', async ([, which, expected]) => {
    expect(await closedBy(which)).toEqual(expected);
  });

  test('once: the moment stays', async () => {
    await resolveRejects(session, { ids: ['1'] });
    const [{ at }] = await rows('select resolved_at as at from sfsync.rejected_record where id = 1');
    await resolveRejects(session, { ids: ['1'] });
    await closeMerged(session, 'Account', { merged: ['A'], agreed: ['A'] });
    expect(await rows('select resolved_at as at from sfsync.rejected_record where id = 1')).toEqual([{ at }]);
  });

  test('when a version of its record was merged: towards PostgreSQL; towards Salesforce only where the sides agree', async () => {
    await closeMerged(session, 'Account', { merged: ['A', 'B'], agreed: ['B'] });
    expect(await closed()).toEqual(['1', '8']);
    await closeMerged(session, 'Account', { merged: ['A'], agreed: ['A'] });
    expect(await closed()).toEqual(['1', '3', '8']);
    await closeMerged(session, 'Contact', { merged: [], agreed: ['A'] });
    expect(await closed()).toEqual(['1', '3', '8']);
  });

  test('by an operator, who is told which were open', async () => {
    expect(await discardRejects(session, ['1', '99'])).toEqual(['1']);
    expect(await discardRejects(session, ['1', '2'])).toEqual(['2']);
    expect(await closed()).toEqual(['1', '2']);
  });

  test.for([
    ['all of them', {}, undefined, ['1', '2', '3', '4', '5', '6', '7', '8']],
    ['of an object', { object: 'Contact' }, undefined, ['6', '7']],
    ['in a direction', { direction: 'to-postgres' }, undefined, ['1', '2']],
    ['by their ids', { ids: ['8', '3'] }, undefined, ['3', '8']],
    ['of records', { salesforceIds: ['A'] }, undefined, ['1', '3', '6']],
    ['by either', { ids: ['2'], salesforceIds: ['B'] }, undefined, ['2', '8']],
    ['by either, of an object', { object: 'Contact', ids: ['2'], salesforceIds: ['A'] }, undefined, ['6']],
    ['as many as asked for', {}, 3, ['1', '2', '3']],
  ] as const)('and until then shown to operators, oldest first: %s', async ([, selection, limit, expected]) => {
    const found = await readOpenRejects(session, selection as RejectSelection, limit);
    expect(found.map(({ id }) => id)).toEqual(expected);
  });

  test('and shown no more', async () => {
    await discardRejects(session, ['1']);
    expect((await readOpenRejects(session, { salesforceIds: ['A'] })).map(({ id }) => id)).toEqual(['3', '6']);
  });
});

test('records with a value of a field that could not be read', async () => {
  const unreadable = (id: string, field: string) => ofRecord(id, 'UNREADABLE_VALUE', { field });
  await reportRejects(session, INBOUND, [
    unreadable('A', 'Phone'),
    unreadable('B', 'Fax'),
    ofRecord('C', 'OTHER', { field: 'Phone' }),
  ]);
  await reportRejects(session, OUTBOUND, [unreadable('A', 'Phone')]);
  await reportRejects(session, { ...INBOUND, object: 'Contact' }, [unreadable('D', 'Phone')]);
  await reportRejects(session, INBOUND, [
    unreadable('E', 'Phone'),
    { ...ofLine(1, 'UNREADABLE_VALUE'), field: 'Phone' },
  ]);
  await rows(`update sfsync.rejected_record set resolved_at = now() where salesforce_id = 'E'`);
  expect(await unreadableRecords(session, 'Account', ['Phone'])).toEqual(['A']);
  expect((await unreadableRecords(session, 'Account', ['Phone', 'Fax'])).sort()).toEqual(['A', 'B']);
});
