/** What the row has to send is held back while no read shows a version that can be merged; it goes by itself once one does. */
import { beforeEach, describe, expect, test } from 'vitest';
import { rejectsOfReads } from '../../core/contracts/rejects.ts';
import { parseRecord } from '../../core/mapping/salesforce-record.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import { knownRecords } from '../../postgres/ledger/sweep.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const AT = { readAt: Date.UTC(2026, 0, 2), now: Date.UTC(2026, 0, 2) };

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let batches = 0;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
  await file(held(1));
});

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);
const held = (second: number, fields: object = {}) =>
  version('Account', ACCOUNT, second, { Phone: 'base', Description: 'base', AnnualRevenue: null, ...fields });

/** A line of a file, or the answer to a read. */
type Line = Parameters<typeof decideBatch>[2][number];
const NOT_FOUND = {};
function unusable(second: number, fields: object): Pick<Line, 'rejected'> {
  const stamp = new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  const record = { Id: ACCOUNT, IsDeleted: false, SystemModstamp: stamp, Name: 'n', ...fields };
  const { unusable: rejected } = parseRecord(outbound().mapping, record);
  if (rejected === undefined) throw new Error('The record can be used.');
  return { rejected };
}
const nul = (second: number) => unusable(second, { Description: 'a\0b' });

function file(each: SalesforceVersion | Pick<Line, 'rejected'>, readAfter = Date.UTC(2030, 0, 1)) {
  const line = 'stamp' in each ? { line: 1, version: each } : { line: 1, rejected: { ...each.rejected, id: ACCOUNT } };
  const lines = [line] as Parameters<typeof applyVersions>[2];
  return applyVersions(contextOf(session, configuration, 'Account'), 'f', lines, readAfter);
}

const link = async () => (await rows('select dirty, refused, push_id, retries from sfsync.link'))[0];
const openRejects = () =>
  rows('select direction, code from sfsync.rejected_record where resolved_at is null order by direction');

async function edit(change: string) {
  await rows(`update lenders set ${change}`);
  await markLinksDue(session, 'Account', { salesforceIds: [ACCOUNT] }, 'row changed');
}

/** COLLECT and DECIDE with what the look finds. */
async function round(look: SalesforceVersion | Pick<Line, 'rejected'>) {
  const batch = await chosenRecords(outbound(), { flowFenced: true });
  const found = 'stamp' in look ? { version: look } : look;
  const looks = batch.map((record): Line => ({ ...record, ...found }));
  return decideBatch(outbound(), `one-${batches++}`, looks, AT);
}

const settle = (batch: string, pushed: readonly { id: string; revision: number }[], found: object, line: object) =>
  settleBatch(
    outbound(),
    batch,
    pushed.map(({ id, revision }): Line => ({ id, revision, ...found })),
    { outcomes: new Map([[ACCOUNT, { id: ACCOUNT, ...line } as never]]), flowFailures: undefined, ...AT },
  );

const PHONE = [{ push: { outgoing: { kind: 'update', fields: { Phone: 'row' } } } }];

describe('an edit of the row while the record cannot be used', () => {
  test.for<[string, Pick<Line, 'rejected'>, string]>([
    ['a NUL', nul(5), 'UNSTORABLE_TEXT'],
    ['half of a surrogate pair', unusable(5, { Description: '\ud800' }), 'UNSTORABLE_TEXT'],
    ['a number that is none', unusable(5, { AnnualRevenue: 'much' }), 'UNREADABLE_VALUE'],
    ['no stamp', { rejected: { code: 'NO_STAMP', reason: 'r', field: undefined } } as never, 'NO_STAMP'],
    ['nothing to see', NOT_FOUND, 'NOT_VISIBLE'],
  ])('%s: goes once a version is merged, and is listed no longer', async ([, look, code]) => {
    if (code === 'UNSTORABLE_TEXT') await file(look);
    await edit(`phone = 'row'`);
    expect(await round(look)).toMatchObject({ pushes: [], rejected: 1 });
    expect(await link()).toMatchObject({ dirty: false, refused: {} });
    expect(await openRejects()).toContainEqual({ direction: 'to-salesforce', code });
    expect(await chosenRecords(outbound())).toEqual([]);

    await file(held(6, { Description: 'good' }));
    expect(await rows('select phone, description from lenders')).toEqual([{ phone: 'row', description: 'good' }]);
    expect(await link()).toMatchObject({ dirty: true });
    const { pushes } = await round(held(6, { Description: 'good' }));
    expect(pushes).toMatchObject(PHONE);
    await settle(
      `one-${batches - 1}`,
      pushes,
      { version: held(7, { Phone: 'row', Description: 'good' }) },
      { outcome: 'accepted' },
    );
    expect(await openRejects()).toEqual([]);
  });

  test('that came first goes as well', async () => {
    await edit(`phone = 'row'`);
    await file(nul(5));
    await round(nul(5));
    expect(await openRejects()).toEqual([
      { direction: 'to-postgres', code: 'UNSTORABLE_TEXT' },
      { direction: 'to-salesforce', code: 'UNSTORABLE_TEXT' },
    ]);
    await file(held(6, { Description: 'good' }));
    expect((await round(held(6, { Description: 'good' }))).pushes).toMatchObject(PHONE);
  });

  test('and that a person then makes as well: nothing is left to send, nor listed', async () => {
    await edit(`phone = 'row'`);
    await round(nul(5));
    await file(held(6, { Phone: 'row' }));
    expect(await link()).toMatchObject({ dirty: false });
    expect(await openRejects()).toEqual([]);
  });

  test('goes as well when the correction restores what was there before, in a file that may have been read earlier', async () => {
    await edit(`phone = 'row'`);
    await round(nul(5));
    expect(await file(held(6), AT.readAt - 1)).toMatchObject({ toRead: [{ id: ACCOUNT }] });
    expect((await round(held(6))).pushes).toMatchObject(PHONE);
  });

  test('a look that is older than a version which was merged in between says nothing', async () => {
    await edit(`phone = 'row'`);
    const batch = await chosenRecords(outbound());
    await file(held(6, { Description: 'good' }));
    const looks = batch.map((record): Line => ({ ...record, ...nul(5) }));
    expect(await decideBatch(outbound(), 'two-0', looks, AT)).toMatchObject({ pushes: [], rejected: 0 });
    expect(await link()).toMatchObject({ dirty: true });
  });

  test('a sweep reads a record that is as before, and may be seen again', async () => {
    await edit(`phone = 'row'`);
    await round(NOT_FOUND);
    expect((await knownRecords(session, 'Account', [ACCOUNT])).get(ACCOUNT)).toMatchObject({ rejected: true });
  });

  test('a row that is deleted meanwhile does not come back: its delete goes', async () => {
    await rows('delete from lenders');
    await markLinksDue(session, 'Account', { salesforceIds: [ACCOUNT] }, 'row changed');
    await round(nul(5));
    await file(held(6));
    expect(await rows('select from lenders')).toEqual([]);
    expect((await round(held(6))).pushes).toMatchObject([{ push: { outgoing: { kind: 'delete' } } }]);
  });
});

describe('a read-back that cannot be used', () => {
  async function pushed() {
    await edit(`phone = 'row'`);
    const { pushes } = await round(held(1));
    return [`one-${batches - 1}`, pushes] as const;
  }

  test('after a refusal: that alone is refused, and stays listed with what Salesforce said', async () => {
    const refusal = { outcome: 'refused', code: 'INVALID_PHONE', reason: 'no' };
    await settle(...(await pushed()), nul(5), refusal);
    expect(await link()).toMatchObject({ dirty: false, push_id: null, refused: { Phone: 'row' } });
    expect(await openRejects()).toEqual([
      { direction: 'to-postgres', code: 'UNSTORABLE_TEXT' },
      { direction: 'to-salesforce', code: 'INVALID_PHONE' },
    ]);
    await file(held(6));
    expect(await link()).toMatchObject({ dirty: false, refused: { Phone: 'row' } });
    expect(await openRejects()).toEqual([{ direction: 'to-salesforce', code: 'INVALID_PHONE' }]);
  });

  test('after an accepted push: what was sent is the base, and the next version closes the reject', async () => {
    await settle(...(await pushed()), nul(5), { outcome: 'accepted' });
    expect(await link()).toMatchObject({ dirty: false, push_id: null, refused: {} });
    expect(await file(held(6, { Phone: 'hers' }))).toMatchObject({ updated: 1, conflicts: 0 });
    expect(await openRejects()).toEqual([]);
  });

  test('after one whose outcome is not known: it stays open, is looked at after a pause, and reported once', async () => {
    await settle(...(await pushed()), nul(5), { outcome: 'unknown' });
    expect(await link()).toMatchObject({ push_id: expect.any(String), retries: 1 });
    await rows(`update sfsync.link set due_after = null`);
    expect(await round(nul(5))).toMatchObject({ pushes: [], rejected: 0 });
    expect(await link()).toMatchObject({ push_id: expect.any(String), retries: 2 });
  });
});

test('rejects of reads have one of the codes by which a sweep knows them', () => {
  const reads = [nul(5), unusable(5, { AnnualRevenue: 'much' }), NOT_FOUND].map((read) => ({
    id: ACCOUNT,
    revision: 0,
    ...read,
  }));
  expect(rejectsOfReads(reads).map(({ code }) => code)).toEqual(['UNSTORABLE_TEXT', 'UNREADABLE_VALUE', 'NOT_VISIBLE']);
});
