/** Rows that an application does not delete but mark, as the gems discard and paranoia do. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { OutcomeLine } from '../../core/contracts/outbound-tasks.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { RAILS_TABLE, railsConfiguration } from '../support/postgres/rails-table.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const ID = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const configuration = railsConfiguration({ deleteRow: 'soft', deletedAt: 'deleted_at', lockVersion: 'lock_version' });

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await rows(RAILS_TABLE);
  await takeLease(session, 'Account', EXECUTION, async () => true);
  await apply(account(1));
});

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);
const row = async () => (await rows('select name, deleted_at is not null as marked from accounts'))[0];

function account(second: number, more: Partial<SalesforceVersion> = {}): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id: ID, deleted: false, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1' }, ...more };
}

function apply(version: SalesforceVersion) {
  return applyVersions(contextOf(session, configuration, 'Account'), 'f', [{ line: 1, version }], LONG_AFTER);
}

let batches = 0;

/** What goes to Salesforce after the application has done this, where a look finds `found`; it is taken, and read back so. */
async function pushed(statement: string, found: SalesforceVersion, readBack: SalesforceVersion = found) {
  await rows(statement);
  const keys = (await rows('select row_key from sfsync.link')).map(({ row_key }) => row_key);
  await inTransaction(session, () => receiveKeys(outbound(), keys));
  const due = await chosenRecords(outbound());
  const batch = `batch-${batches++}`;
  const at = Date.UTC(2026, 0, 2) + batches * 10_000;
  const looks = due.map((record) => ({ ...record, version: found }));
  const { pushes } = await decideBatch(outbound(), batch, looks, { readAt: at, now: at });
  const outcomes = new Map(pushes.map(({ id }): [string, OutcomeLine] => [id, { id, outcome: 'accepted' }]));
  const lines = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  await settleBatch(outbound(), batch, lines, { outcomes, flowFailures: undefined, readAt: at + 1, now: at + 1 });
  return pushes.map(({ push }) => push.outgoing);
}

const mark = `update accounts set deleted_at = now() at time zone 'UTC', lock_version = lock_version + 1`;
const unmark = 'update accounts set deleted_at = null, lock_version = lock_version + 1';

describe('a row that the application marks', () => {
  test('deletes its record, and the row stays', async () => {
    expect(await pushed(mark, account(1), account(2, { deleted: true }))).toEqual([{ kind: 'delete' }]);
    expect(await row()).toEqual({ name: 'Acme', marked: true });
    expect(await rows('select from sfsync.tombstone')).toEqual([]);
  });

  test('brings the record back when the application takes the mark away, with what it has edited since', async () => {
    const gone = account(2, { deleted: true });
    await pushed(mark, account(1), gone);
    expect(await pushed(`update accounts set name = 'Acme Ltd'`, gone)).toEqual([]);
    const back = account(3, { fields: { Name: 'Acme Ltd', Phone: '1' } });
    expect(await pushed(unmark, gone, back)).toEqual([{ kind: 'revive', fields: { Name: 'Acme Ltd', Phone: '1' } }]);
    expect(await row()).toEqual({ name: 'Acme Ltd', marked: false });
  });

  test('is unmarked when a user undeletes the record', async () => {
    await pushed(mark, account(1), account(2, { deleted: true }));
    await apply(account(3, { fields: { Name: 'Acme GmbH', Phone: '1' } }));
    expect(await row()).toEqual({ name: 'Acme GmbH', marked: false });
  });

  test('is unmarked when a user has edited the record meanwhile: the edit survives, and both are listed', async () => {
    expect(await pushed(mark, account(2, { fields: { Name: 'Acme GmbH', Phone: '1' } }))).toEqual([]);
    expect(await row()).toEqual({ name: 'Acme GmbH', marked: false });
    expect(await rows('select reason, winner from sfsync.conflict')).toEqual([
      { reason: 'deleted and edited', winner: 'salesforce' },
    ]);
  });

  test('agrees with a user who has deleted the record as well', async () => {
    expect(await pushed(mark, account(2, { deleted: true }))).toEqual([]);
    expect(await row()).toEqual({ name: 'Acme', marked: true });
  });

  test('and then deletes for good, is gone as before', async () => {
    const gone = account(2, { deleted: true });
    await pushed(mark, account(1), gone);
    expect(await pushed('delete from accounts', gone)).toEqual([]);
    await apply(account(3));
    expect(await row()).toEqual({ name: 'Acme', marked: false });
  });

  test('that has no record yet makes none', async () => {
    await rows(`insert into accounts (name, kind, token, created_at, updated_at, deleted_at)
                values ('Never', 1, gen_random_uuid(), now(), now(), now())`);
    expect(await pushed('select', account(1))).toEqual([]);
  });
});

describe('a row that a delete in Salesforce has marked', () => {
  const gone = account(2, { deleted: true });

  test('brings the record back when the application takes the mark away', async () => {
    await apply(gone);
    expect(await row()).toEqual({ name: 'Acme', marked: true });
    expect(await pushed(unmark, gone, account(3))).toEqual([{ kind: 'revive', fields: { Name: 'Acme', Phone: '1' } }]);
    expect(await row()).toEqual({ name: 'Acme', marked: false });
  });

  test('is marked in UTC, touched, and raised: a form that was open is stale', async () => {
    await rows(`update accounts set updated_at = '2026-01-01'`);
    await apply(gone);
    const age = (column: string) => `abs(extract(epoch from ${column} - (now() at time zone 'UTC'))) < 60 as ${column}`;
    expect(
      await rows(`select ${age('deleted_at')}, ${age('updated_at')}, lock_version > 0 as raised from accounts`),
    ).toEqual([{ deleted_at: true, updated_at: true, raised: true }]);
  });
});
