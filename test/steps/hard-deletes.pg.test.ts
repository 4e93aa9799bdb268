import { beforeEach, expect, test } from 'vitest';
import { defineSync, text } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { takeUpAgain } from '../../steps/redrive.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const fields = { Name: text('name'), Phone: text('phone') };
const account = { table: 'lenders', delivery: 'api' as const, deleteRecord: 'hard' as const, fields };
const configuration = defineSync({ objects: { Account: account } });

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let rounds: OutboundRounds;

beforeEach(async () => {
  session = await lender.session();
  rounds = await OutboundRounds.begin(session, configuration, 'Account');
  await applyVersions(
    contextOf(session, configuration, 'Account'),
    'f',
    [{ line: 1, version: live(1) }],
    Date.UTC(2030, 0, 1),
  );
});

function live(second: number, more: { Phone?: string } = {}): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id: ACCOUNT, deleted: false, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1', ...more } };
}
const gone = (second: number, more = {}): SalesforceVersion => ({ ...live(second, more), deleted: true });

async function link() {
  const [found] = await rows('select base_deleted as deleted, dirty, purge_due as purge from sfsync.link');
  return found;
}

/** The row is deleted, the record goes to the bin, and the read-back finds it as given. */
async function deleted(readBack: SalesforceVersion | undefined) {
  const [row] = await rows('delete from lenders returning id');
  const { pushes } = await rounds.decide(await rounds.collectKeys(row.id), () => live(1));
  expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'delete' } } }]);
  return rounds.settle(pushes, () => readBack);
}

async function purge(look: SalesforceVersion | undefined) {
  return rounds.decide(await rounds.collect(), () => look, 'one-1');
}

const PURGE = [{ id: ACCOUNT, push: { delivery: 'api', outgoing: { kind: 'purge' } } }];
const DONE = { deleted: true, dirty: false, purge: false };

test('a delete that the read-back confirms is emptied from the recycle bin in the next round', async () => {
  await deleted(gone(2));
  expect(await link()).toEqual({ deleted: true, dirty: true, purge: true });
  const { pushes } = await purge(gone(2));
  expect(pushes).toMatchObject(PURGE);
  // What was emptied can still be queried for a day.
  await rounds.settle(pushes, () => gone(2), [], 'one-1');
  expect(await link()).toEqual(DONE);
  expect(await rounds.collect()).toEqual([]);
});

test('a delete that has buried an edit is not', async () => {
  expect(await deleted(gone(3, { Phone: 'org' }))).toMatchObject({ conflicts: 1 });
  expect(await link()).toMatchObject({ purge: false });
  const { pushes } = await purge(gone(3, { Phone: 'org' }));
  expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'revive', fields: { Phone: 'org' } } } }]);
});

test('a record that a person brings back in between is live again, and so is its row', async () => {
  await deleted(gone(2));
  expect(await purge(live(4))).toMatchObject({ pushes: [], rejected: 0 });
  expect(await link()).toEqual({ deleted: false, dirty: false, purge: false });
  expect(await rows('select name from lenders')).toEqual([{ name: 'Acme' }]);
});

test('a record that a person brings back while it is being emptied is live again, and so is its row', async () => {
  await deleted(gone(2));
  const { pushes } = await purge(gone(2));
  await rounds.settle(pushes, () => live(4), [], 'one-1');
  expect(await link()).toEqual({ deleted: false, dirty: false, purge: false });
  expect(await rows('select name from lenders')).toEqual([{ name: 'Acme' }]);
});

test('a record that no read finds any more is as it should be, before, while and after it is emptied', async () => {
  expect(await deleted(undefined)).toMatchObject({ rejected: 0 });
  expect(await link()).toEqual(DONE);

  await rows('update sfsync.link set purge_due = true, dirty = true');
  expect(await purge(undefined)).toMatchObject({ pushes: [], rejected: 0 });
  expect(await link()).toEqual(DONE);

  await rows('update sfsync.link set purge_due = true, dirty = true');
  const { pushes } = await purge(gone(2));
  expect(await rounds.settle(pushes, () => undefined, [], 'one-1')).toMatchObject({ rejected: 0 });
  expect(await link()).toEqual(DONE);
  expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
});

test('an answer that was lost is found out: what is still in the bin is emptied again', async () => {
  await deleted(gone(2));
  const { pushes } = await purge(gone(2));
  await rounds.settle(pushes, () => gone(2), [{ id: ACCOUNT, outcome: 'unknown' }], 'one-1');
  expect(await link()).toMatchObject({ purge: true });
  expect((await rounds.decide(await rounds.collect(), () => gone(2), 'one-2')).pushes).toMatchObject(PURGE);
});

test('a lost answer to the delete itself: what is in the bin goes out of it', async () => {
  const [row] = await rows('delete from lenders returning id');
  const { pushes } = await rounds.decide(await rounds.collectKeys(row.id), () => live(1));
  await rounds.settle(pushes, () => gone(2), [{ id: ACCOUNT, outcome: 'unknown' }]);
  expect((await purge(gone(2))).pushes).toMatchObject(PURGE);
});

test('a refusal is listed, not repeated, and tried again by a redrive', async () => {
  await deleted(gone(2));
  const { pushes } = await purge(gone(2));
  const refused = { id: ACCOUNT, outcome: 'refused', code: 'INSUFFICIENT_ACCESS_OR_READONLY', reason: 'no' } as const;
  expect(await rounds.settle(pushes, () => gone(2), [refused], 'one-1')).toMatchObject({ rejected: 1 });
  expect(await rounds.collect()).toEqual([]);
  await takeUpAgain(session, 'Account', { salesforceIds: [ACCOUNT], rowKeys: [] });
  expect((await rounds.decide(await rounds.collect(), () => gone(2), 'one-2')).pushes).toMatchObject(PURGE);
});

test('a row that is inserted again for a record that is gone for good is listed with the reason', async () => {
  await deleted(gone(2));
  await rounds.settle((await purge(gone(2))).pushes, () => gone(2), [], 'one-1');
  const [row] = await rows(`insert into lenders (name, salesforce_id) values ('Acme', '${ACCOUNT}') returning id`);
  const batch = await rounds.collectKeys(row.id);
  expect(await rounds.decide(batch, () => undefined, 'one-2')).toMatchObject({ pushes: [], rejected: 1 });
  expect(await rounds.collect()).toEqual([]);
  expect(await rows('select code, direction from sfsync.rejected_record where resolved_at is null')).toEqual([
    { code: 'NOT_VISIBLE', direction: 'to-salesforce' },
  ]);
});
